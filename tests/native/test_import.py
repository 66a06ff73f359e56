"""`pulumi import` of a batch that something else started."""

from __future__ import annotations

import pytest
from native.plugin_stack import PluginStack, one_error
from scenarios.one_stack import CANCELLED, MISSING_ID, browsers, started_outside

from pulumi_anchorbrowser.simulator import Simulator


@pytest.mark.engine_decides
def test_an_imported_batch_needs_no_change_and_is_cancelled_by_its_program(stack: PluginStack, sim: Simulator) -> None:
    batch = started_outside(sim, count=3, creation_seconds=1e6)
    stack.wants({})
    imported = stack.run(lambda: stack.stage.import_("browsers", batch))
    assert stack.calls == []
    assert batch in imported.text
    stack.wants(browsers(batchId=batch))
    assert stack.previews().changes == {}
    stack.up(browsers(batchId=batch) | {"browsers": {"batchId": batch, **CANCELLED}})
    assert stack.calls == [f"PATCH {batch}"]
    assert sim.live_sessions() == []


def test_a_cancelled_batch_is_imported_as_cancelled(stack: PluginStack, sim: Simulator) -> None:
    batch = started_outside(sim, count=2, creation_seconds=1e6)
    sim.cancel(batch)
    stack.wants({})
    stack.stage.import_("browsers", batch)
    stack.wants(browsers(batchId=batch, **CANCELLED))
    assert stack.previews().changes == {}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(MISSING_ID, "the API does not know it under this key (HTTP 404)"), ("nightly", "Give the id of a batch, a UUID")],
)
def test_an_import_of_no_batch_fails_in_one_line(stack: PluginStack, wanted: str, said: str) -> None:
    stack.wants({})
    error = one_error(stack.run(lambda: stack.stage.import_("browsers", wanted, expect_failure=True)))
    assert wanted in error
    assert said in error
    assert stack.names() == set()


def test_a_wait_cannot_be_imported(stack: PluginStack) -> None:
    stack.wants({})
    failed = stack.stage.import_("ready", MISSING_ID, kind="BatchReady", expect_failure=True)
    assert "A BatchReady cannot be imported" in one_error(failed)
