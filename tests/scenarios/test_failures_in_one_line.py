"""What goes wrong before, or instead of, a call that works: wrong inputs, a wrong key, an API that is down."""

from __future__ import annotations

import re
from typing import Any

import pytest
from scenarios.one_stack import KEY, MISSING_ID, OneStack, browsers, down, has_traceback, one_error
from stages import EngineStage, StageResult

from pulumi_anchorbrowser.simulator import Simulator

WRONG: dict[str, Any] = {
    "count": 0,
    "status": "stopped",
    "on_destroy": "keep",
    "configuration": {
        "browser": {"captcha_solver": {"active": True}, "headles": {"active": True}},
        "session": {"tags": ["a,b", "pulumi"], "timeout": {"max_duration": 1200000}},
    },
}
WRONG_PROPERTIES = {
    "count",
    "status",
    "on_destroy",
    "configuration.browser.captcha_solver.active",
    "configuration.browser.headles",
    "configuration.session.tags.0",
    "configuration.session.tags.1",
    "configuration.session.timeout.max_duration",
}


def refused(result: StageResult, name: str) -> set[str]:
    """The properties of a resource that were refused. The plugin numbers the items of a list as Pulumi does: `[0]`."""
    found = (re.search(rf"resource '{name}': property (\S+) ", message) for message in result.messages("error"))
    return {re.sub(r"\[(\d+)\]", r".\1", match[1]) for match in found if match}


@pytest.mark.engine_decides
def test_every_wrong_input_of_a_batch_is_reported_at_once(stack: OneStack) -> None:
    result = stack.up(browsers(**WRONG), expect_failure=True)
    assert refused(result, "browsers") == WRONG_PROPERTIES
    assert "did you mean 'headless'?" in result.text
    assert not has_traceback(result)
    assert stack.requests == []


def test_a_preview_reports_all_wrong_inputs_of_a_resource_at_once_and_needs_no_key(
    engine_stack: OneStack,
) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    del stage.env["ANCHORBROWSER_API_KEY"]
    ready = {"kind": "BatchReady", "batch_id": "@right", "timeout": "soon", "retry_failed": 4}
    both = {"count": 3, "batch_id": MISSING_ID}
    expected: list[tuple[dict[str, Any], set[str]]] = [
        (WRONG, WRONG_PROPERTIES),
        ({}, {"count"}),
        (both, {"batch_id"}),
        (ready, {"timeout", "retry_failed"}),
    ]
    for inputs, properties in expected:
        engine_stack.wants({"right": {"count": 3}, "wrong": inputs})
        result = engine_stack.run(stage.preview, expect_failure=True)
        assert (refused(result, "right"), refused(result, "wrong")) == (set(), properties)
        assert not has_traceback(result)
        assert engine_stack.requests == []


@pytest.mark.engine_decides
def test_a_preview_of_a_new_stack_calls_nothing_although_ids_are_not_known_yet(engine_stack: OneStack) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    engine_stack.wants({"browsers": {"count": 3}, "ready": {"kind": "BatchReady", "batch_id": "@browsers"}})
    assert engine_stack.run(stage.preview).changes == {"create": 2}
    assert engine_stack.requests == []


@pytest.mark.engine_decides
def test_a_wrong_key_is_one_line_that_says_what_to_do_and_nothing_is_made(stack: OneStack, sim: Simulator) -> None:
    stack.stage.env["ANCHORBROWSER_API_KEY"] = "sk-wrong"
    failed = stack.up(browsers(count=3), expect_failure=True)
    error = one_error(failed)
    assert "Could not create a batch: HTTP 401" in error
    assert "The API refused the key from the environment: set a valid key in ANCHORBROWSER_API_KEY" in error
    assert "sk-wrong" not in failed.text
    assert stack.calls == ["POST"]
    assert (sim.batches, stack.names()) == ({}, set())

    stack.stage.env["ANCHORBROWSER_API_KEY"] = KEY
    assert stack.up().changes == {"create": 1}
    assert len(sim.live_sessions()) == 3


def test_without_a_key_the_error_says_how_to_set_one(stack: OneStack) -> None:
    del stack.stage.env["ANCHORBROWSER_API_KEY"]
    error = one_error(stack.up(browsers(count=3), expect_failure=True))
    assert "There is no AnchorBrowser API key" in error
    assert stack.requests == []


def test_while_the_api_is_down_nothing_is_lost_and_nothing_is_taken_for_gone(stack: OneStack, sim: Simulator) -> None:
    stack.wants(browsers(count=3))
    with down(sim):
        error = one_error(stack.up(expect_failure=True))
    assert "Could not create a batch: no connection" in error
    assert "Check the network" in error
    assert stack.names() == set()

    batch = stack.up().outputs["browsers"]["batch_id"]
    assert list(sim.batches) == [batch]
    with down(sim):
        assert f"Could not read batch {batch}: no connection" in one_error(stack.refresh(expect_failure=True))
        failed = stack.run(stack.stage.destroy, expect_failure=True)
    assert f"Could not delete batch {batch}: no connection" in one_error(failed)
    assert stack.names() == {"browsers"}

    assert len(sim.live_sessions()) == 3
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


WITH_ANOTHERS = """
import os
import pulumi
from pulumi import dynamic
from pulumi_anchorbrowser import Batch


class Anothers(dynamic.ResourceProvider):
    def create(self, props):
        if props["works"] != "yes":
            raise ZeroDivisionError("another's mistake")
        return dynamic.CreateResult("lamp", props)


class Lamp(dynamic.Resource):
    def __init__(self, name, works, opts=None):
        super().__init__(Anothers(), name, {"works": works}, opts)


config = pulumi.Config()
batch = Batch("browsers", count=3)
lamp = Lamp("lamp", config.require("works"), pulumi.ResourceOptions(depends_on=[batch]))
if config.get("adopt"):
    Batch("adopted", batch_id=config.get("adopt"), opts=pulumi.ResourceOptions(depends_on=[lamp]))
"""


@pytest.mark.engine_decides
def test_other_peoples_providers_keep_their_traceback_while_ours_is_one_line(stack: OneStack) -> None:
    stack.stage.write_program(WITH_ANOTHERS)
    stack.stage.config(works="no")
    theirs = "\n".join(stack.up(expect_failure=True).messages("error"))
    assert "Traceback (most recent call last)" in theirs
    assert "ZeroDivisionError: another's mistake" in theirs

    # Now both are called in the same host, theirs first.
    stack.stage.config(works="yes", adopt=MISSING_ID)
    failed = stack.up(expect_failure=True)
    assert failed.operations["create"] == 1
    assert "Could not adopt batch" in one_error(failed)
