"""A create that fails after it has, or may have, done something: the state has an id, and the next run goes on."""

from __future__ import annotations

from typing import Any

import pytest
from native.plugin_stack import PluginStack
from scenarios.one_stack import CANCELLED, browsers, started_outside

from pulumi_anchorbrowser.simulator import Fault, Simulator

# More than the 16 KiB that some implementations of gRPC allow an error to have.
LARGE = {"session": {"tags": [f"tag-{number:04}-{'x' * 90}" for number in range(300)]}}


def test_an_adopted_batch_whose_cancel_fails_is_in_the_state_and_cancelled_by_the_next_up(
    stack: PluginStack, sim: Simulator
) -> None:
    batch = started_outside(sim, count=3, creation_seconds=1e6)
    sim.faults.add(Fault("status", method="PATCH", status=503, times=None))
    error = stack.fails(stack.up, resources=browsers(batchId=batch, **CANCELLED))
    assert "HTTP 503" in error
    state = stack.state_of("browsers")
    assert state["id"] == batch
    assert state["initErrors"]
    sim.faults.clear()
    assert stack.up().changes == {"update": 1}
    assert stack.calls == [f"PATCH {batch}"]
    assert sim.live_sessions() == []
    assert "initErrors" not in stack.state_of("browsers")
    assert stack.has_nothing_to_do()


def loses_a_create(stack: PluginStack, sim: Simulator, **inputs: Any) -> str:
    """An `up` whose create starts a batch that nobody finds in time; the claim."""
    sim.settings.sessions_listed_after = 1000
    sim.faults.add(Fault("reset_after", method="POST"))
    error = stack.fails(stack.up, resources=browsers(count=3, **inputs))
    assert "Could not determine whether the batch was started" in error
    assert "The state has this claim: the next `pulumi up` or `pulumi destroy`, on any machine" in error
    sim.settings.sessions_listed_after = 0
    sim.faults.clear()
    state = stack.state_of("browsers")
    claim = str(state["inputs"]["claim"])
    assert claim in state["id"]
    assert claim in error
    assert state["initErrors"]
    return claim


@pytest.mark.engine_decides
def test_a_create_of_unknown_outcome_is_deleted_and_replaced_by_an_up_elsewhere(
    stack: PluginStack, sim: Simulator
) -> None:
    claim = loses_a_create(stack, sim)
    [left] = stack.live_ids()
    stack.goes_elsewhere()
    stack.up()
    assert stack.calls == [f"DELETE {left}", "POST"]
    assert stack.known_ids() == stack.live_ids()
    assert len(stack.live_ids()) == 1
    assert "initErrors" not in stack.state_of("browsers")
    assert stack.state_of("browsers")["inputs"]["claim"] != claim
    assert stack.has_nothing_to_do()


def test_a_create_of_unknown_outcome_is_deleted_by_a_destroy_elsewhere(stack: PluginStack, sim: Simulator) -> None:
    loses_a_create(stack, sim)
    [left] = stack.live_ids()
    stack.goes_elsewhere()
    stack.destroy()
    assert stack.calls == [f"DELETE {left}"]


def test_a_refresh_keeps_a_create_of_unknown_outcome(stack: PluginStack, sim: Simulator) -> None:
    claim = loses_a_create(stack, sim)
    stack.refresh()
    assert claim in stack.state_of("browsers")["id"]
    stack.destroy()


def test_a_create_of_unknown_outcome_that_started_nothing_is_made_anew(stack: PluginStack, sim: Simulator) -> None:
    sim.faults.add(Fault("no_reply", method="POST", handled=False))
    stack.stage.env["ANCHORBROWSER_REQUEST_TIMEOUT"] = "1"
    stack.fails(stack.up, resources=browsers(count=3))
    sim.faults.clear()
    stack.goes_elsewhere()
    stack.up()
    assert stack.calls == ["POST"]
    assert stack.known_ids() == stack.live_ids()


def test_a_large_batch_of_unknown_outcome_is_in_the_state(stack: PluginStack, sim: Simulator) -> None:
    loses_a_create(stack, sim, configuration=LARGE)
    assert stack.state_of("browsers")["inputs"]["configuration"] == LARGE
    stack.destroy()


def test_a_replacement_of_unknown_outcome_leaves_one_batch_after_an_up_elsewhere(
    stack: PluginStack, sim: Simulator
) -> None:
    stack.up(browsers(count=2))
    sim.settings.sessions_listed_after = 1000
    sim.faults.add(Fault("reset_after", method="POST"))
    stack.fails(stack.up, resources=browsers(count=3))
    sim.settings.sessions_listed_after = 0
    assert len(stack.live_ids()) == 2
    stack.goes_elsewhere()
    stack.up()
    assert stack.live_ids() == stack.known_ids()
    assert (len(stack.live_ids()), stack.browsers_running()) == (1, 3)
    stack.destroy()
