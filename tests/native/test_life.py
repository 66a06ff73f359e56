"""A batch over the plugin, from its first `up` to its destroy: what the API is asked, what runs, what the state has."""

from __future__ import annotations

from typing import Any

import pytest
from native.plugin_stack import PluginStack
from scenarios.one_stack import COUNT, HALF_TIME, RUNNING, SECONDS, browsers

from pulumi_anchorbrowser.simulator import Simulator

READY: dict[str, dict[str, Any]] = {"ready": {"kind": "BatchReady", "batchId": "@browsers"}}


def test_a_batch_is_started_awaited_refreshed_cancelled_and_destroyed(stack: PluginStack, sim: Simulator) -> None:
    stack.outputs = {
        "id": "${browsers.batchId}",
        "live": "${browsers.liveStatus}",
        "ready": "${ready.completedRequests}",
    }
    started = stack.up(browsers(count=2) | READY)
    [batch] = sim.batches
    assert stack.calls == ["POST"]
    assert started.outputs == {"id": batch, "live": "pending", "ready": 2}
    assert len(sim.live_sessions()) == 2
    assert stack.has_nothing_to_do()
    assert stack.up().changes == {}
    assert stack.requests == []
    stack.refresh()
    assert stack.stage.resource_outputs("browsers")["liveStatus"] == "completed"
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_an_up_that_previews_first_starts_one_batch_under_the_claim_of_the_state(
    stack: PluginStack, sim: Simulator
) -> None:
    stack.wants(browsers(count=2) | READY)
    stack.run(stack.stage.up_with_preview)
    assert stack.calls == ["POST"]
    claim = stack.state_of("browsers")["inputs"]["claim"]
    assert all(f"pulumi-claim:{claim}" in session.tags for session in sim.live_sessions())
    assert len(sim.live_sessions()) == 2


@pytest.mark.engine_decides
def test_a_cancel_is_one_patch_and_its_counts_are_outputs(stack: PluginStack, sim: Simulator) -> None:
    sim.settings.creation_seconds = SECONDS
    stack.up(browsers(count=COUNT))
    sim.advance(HALF_TIME)
    [batch] = sim.batches
    changed = stack.up(browsers(count=COUNT, status="cancelled"))
    assert changed.changes == {"update": 1}
    assert stack.calls == [f"PATCH {batch}"]
    assert sim.live_sessions() == []
    outputs = stack.stage.resource_outputs("browsers")
    said = {name: outputs[name] for name in ("liveStatus", "cancelledSessions", "totalRequests", "stillRunning")}
    assert said == {"liveStatus": "cancelled", "cancelledSessions": RUNNING, "totalRequests": COUNT, "stillRunning": 0}
    assert not any("_" in name for name in outputs if not name.startswith("__"))
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_delete_by_status_is_one_delete_and_a_destroy_repeats_nothing(stack: PluginStack, sim: Simulator) -> None:
    stack.up(browsers(count=3))
    [batch] = sim.batches
    stack.up(browsers(count=3, status="deleted"))
    assert stack.calls == [f"DELETE {batch}"]
    assert stack.stage.resource_outputs("browsers")["deletedSessions"] == 3
    assert sim.live_sessions() == []
    stack.destroy()
    assert stack.calls == []


def test_a_batch_that_is_kept_on_destroy_is_cancelled_only(stack: PluginStack, sim: Simulator) -> None:
    sim.settings.creation_seconds = SECONDS
    stack.up(browsers(count=3, onDestroy="cancel", ifCompleted="fail"))
    [batch] = sim.batches
    stack.destroy()
    assert stack.calls == [f"PATCH {batch}"]


@pytest.mark.engine_decides
def test_a_changed_nested_tag_is_shown_as_what_makes_a_replacement_necessary(
    stack: PluginStack, sim: Simulator
) -> None:
    configuration: dict[str, Any] = {"session": {"tags": ["first", "second"], "timeout": {"maxDuration": 20}}}
    stack.up(browsers(count=1, configuration=configuration))
    [body] = [request.body for request in stack.requests if request.method == "POST"]
    assert body is not None
    assert body["configuration"]["session"]["timeout"] == {"max_duration": 20}
    configuration["session"]["tags"][0] = "third"
    stack.wants(browsers(count=1, configuration=configuration))
    planned = stack.previews()
    assert planned.changes == {"replace": 1, "delete-replaced": 1}
    assert stack.stage.detailed_diff("browsers") == {"configuration.session.tags[0]": "update-replace"}
    [old] = sim.batches
    assert stack.up().changes == {"replace": 1, "delete-replaced": 1}
    assert stack.calls == ["POST", f"DELETE {old}"]
    assert len(sim.live_sessions()) == 1
