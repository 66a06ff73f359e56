"""The program in the root: what a newcomer runs first."""

from __future__ import annotations

from typing import Any

from examples_support import COUNT, only_batch

from pulumi_anchorbrowser.simulator import Simulator


def methods(simulator: Simulator) -> list[str]:
    return [request.method for request in simulator.requests if request.method != "GET"]


def test_up_starts_the_batch_and_waits_for_its_first_browsers(on_stage: Any, simulator: Simulator) -> None:
    quickstart = on_stage(".")
    quickstart.config(count=str(COUNT), minReady="2", status="active")
    result = quickstart.stage.up()
    assert result.outputs["batch_id"] == only_batch(simulator).id
    assert result.outputs["total_requests"] == COUNT
    assert result.outputs.get("cancelled_sessions") is None
    assert len(only_batch(simulator).running()) >= 2
    quickstart.stage.destroy()
    assert methods(simulator) == ["POST", "DELETE"]
    assert simulator.live_sessions() == []


def test_status_cancelled_and_then_deleted_give_the_counts_as_stack_outputs(
    on_stage: Any, simulator: Simulator
) -> None:
    quickstart = on_stage(".")
    quickstart.config(count=str(COUNT), minReady="1", status="active")
    quickstart.stage.up()
    quickstart.config(status="cancelled")
    outputs = quickstart.stage.up().outputs
    stopped = len(only_batch(simulator).ended)
    assert 0 < stopped < COUNT
    assert outputs["cancelled_sessions"] == stopped
    assert outputs["live_status"] == "cancelled"
    assert simulator.live_sessions() == []
    quickstart.config(status="deleted")
    outputs = quickstart.stage.up().outputs
    assert (outputs["deleted_sessions"], outputs["cancelled_sessions"]) == (stopped, stopped)
    quickstart.stage.destroy()
    assert methods(simulator) == ["POST", "PATCH", "DELETE"]
    assert simulator.requests_of("PATCH")[0].body == {"status": "cancelled"}
