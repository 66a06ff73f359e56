"""What Pulumi cannot do with a dynamic resource, as docs/reference/batch.md has it, and what works in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenarios.one_stack import OneStack, browsers, started_outside
from stages import EngineStage

from pulumi_anchorbrowser.simulator import Simulator

TYPE = "pulumi-python:dynamic/anchorbrowser:Batch"
REPLACED = """
import pulumi
from pulumi_anchorbrowser import Batch

on_destroy = pulumi.Config().get("on_destroy")
Batch("browsers", count=2, on_destroy=on_destroy, opts=pulumi.ResourceOptions(replace_on_changes=["on_destroy"]))
"""


def engine_of(stack: OneStack) -> EngineStage:
    assert isinstance(stack.stage, EngineStage)
    return stack.stage


def test_an_import_fails_and_an_adoption_works(engine_stack: OneStack, sim: Simulator) -> None:
    batch = started_outside(sim)
    engine_of(engine_stack).config()  # Unlike the stage's other commands, a raw import makes no stack.
    with pytest.raises(AssertionError, match="KeyError: '__provider'"):
        engine_of(engine_stack).run("import", TYPE, "browsers", batch, "--yes", "--generate-code=false")
    assert engine_stack.up(browsers(batch_id=batch)).outputs["browsers"]["adopted"]
    engine_stack.destroy()


def test_replace_on_changes_has_no_effect_and_replace_works(engine_stack: OneStack) -> None:
    stage = engine_of(engine_stack)
    stage.write_program(REPLACED)
    stage.up()
    stage.config(on_destroy="cancel")
    assert engine_stack.up().changes == {"update": 1}
    assert engine_stack.up(replace_urn=stage.urn("browsers")).changes == {"replace": 1, "delete-replaced": 1}
    engine_stack.destroy()


def test_a_saved_plan_creates_replaces_and_changes_a_batch_and_nothing_that_it_does_not_have(
    engine_stack: OneStack, sim: Simulator, tmp_path: Path
) -> None:
    stage, plan = engine_of(engine_stack), str(tmp_path / "plan.json")

    def planned(expect_failure: bool = False) -> Any:
        return engine_stack.run(lambda: stage.up(flags=["--plan", plan], expect_failure=expect_failure))

    for browsers_wanted, changes, live in (
        (browsers(count=2), {"create": 1}, 2),
        (browsers(count=3), {"replace": 1, "delete-replaced": 1}, 3),
        (browsers(count=3, status="deleted"), {"update": 1}, 0),
    ):
        engine_stack.wants(browsers_wanted)
        stage.preview(flags=["--save-plan", plan])
        assert planned().changes == changes
        assert len(sim.live_sessions()) == live
    engine_stack.wants(browsers(count=5))
    assert "count" in planned(expect_failure=True).text
    assert len(sim.batches) == 2
    engine_stack.destroy()


def test_a_preview_calls_no_provider_for_a_cleanup_that_the_program_no_longer_has(engine_stack: OneStack) -> None:
    stage = engine_of(engine_stack)
    cleanup = {"kind": "BatchCleanup", "select": {"owner": "any", "tags": ["left"]}}
    engine_stack.up({**browsers(count=1), "cleanup": cleanup})
    engine_stack.wants(browsers(count=1))
    result = engine_stack.run(stage.preview)
    assert result.changes == {"delete": 1}
    assert [line.message for line in result.diagnostics if line.urn and line.urn.endswith("::cleanup")] == []
    result = engine_stack.run(stage.up)
    assert [line for line in result.messages("info") if "cleanup: nothing to do" in line]


def test_a_preview_says_what_a_change_will_start_and_stop(engine_stack: OneStack) -> None:
    stage = engine_of(engine_stack)
    batch = engine_stack.up({**browsers(count=2), "ready": {"kind": "BatchReady", "batch_id": "@browsers"}}).outputs[
        "browsers"
    ]["batch_id"]
    for inputs, said in (
        ({"count": 3}, f"this change starts 3 browsers, then deletes batch {batch}: up to 2 browsers and their data"),
        (
            {"count": 2, "status": "cancelled"},
            f"this change cancels batch {batch}: up to 2 browsers; their data is kept",
        ),
    ):
        engine_stack.wants(browsers(**inputs))
        result = engine_stack.run(stage.preview)
        urn = stage.urn("browsers")
        assert [line.message for line in result.diagnostics if line.urn == urn and "this change" in line.message] == [
            said
        ]
        assert engine_stack.requests == []
    engine_stack.destroy()


def test_a_wait_is_not_replaced_in_the_preview_of_an_update_of_its_batch(engine_stack: OneStack) -> None:
    stage = engine_of(engine_stack)
    ready = {"ready": {"kind": "BatchReady", "batch_id": "@browsers"}}
    engine_stack.up({**browsers(count=2), **ready})
    engine_stack.wants({**browsers(count=2, on_destroy="cancel"), **ready})
    assert engine_stack.run(stage.preview).changes == {"update": 2}
    assert engine_stack.up().changes == {"update": 1}
    engine_stack.destroy()
