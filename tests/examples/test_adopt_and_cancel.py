"""examples/adopt-and-cancel: a batch that something else started is cancelled in one `pulumi up`."""

from __future__ import annotations

from typing import Any

import requests
from examples_support import API_KEY, COUNT, only_batch

from pulumi_anchorbrowser.simulator import SimulatedBatch, Simulator


def start_elsewhere(simulator: Simulator) -> SimulatedBatch:
    reply = requests.post(
        f"{simulator.url}/v1/batch-sessions",
        json={"count": COUNT},
        headers={"anchor-api-key": API_KEY},
        timeout=30,
        proxies={"http": ""},
    )
    assert reply.status_code == 200, reply.text
    simulator.clear_requests()
    return only_batch(simulator)


def adopted_and_cancelled(on_stage: Any, batch: SimulatedBatch) -> Any:
    example = on_stage("examples/adopt-and-cancel")
    example.config(batchId=batch.id)
    return example.stage


def test_an_unfinished_batch_is_adopted_and_cancelled_in_one_up(on_stage: Any, simulator: Simulator) -> None:
    batch = start_elsewhere(simulator)
    running = len(batch.running())
    assert 0 < running < COUNT
    stage = adopted_and_cancelled(on_stage, batch)
    outputs = stage.up().outputs
    assert (outputs["batch_id"], outputs["live_status"]) == (batch.id, "cancelled")
    assert outputs["cancelled_sessions"] == running == len(batch.ended)
    assert outputs["still_running"] == 0
    assert [r.body for r in simulator.requests_of("PATCH")] == [{"status": "cancelled"}]
    assert simulator.live_sessions() == []


def test_destroying_it_afterwards_calls_nothing_and_keeps_the_data(on_stage: Any, simulator: Simulator) -> None:
    batch = start_elsewhere(simulator)
    stage = adopted_and_cancelled(on_stage, batch)
    stage.up()
    simulator.clear_requests()
    stage.destroy()
    assert [r.method for r in simulator.requests if r.method != "GET"] == []
    assert not batch.deleted
    assert len(batch.existing()) == len(batch.ended) > 0


def test_a_completed_batch_has_its_browsers_ended_one_by_one(on_stage: Any, simulator: Simulator) -> None:
    batch = start_elsewhere(simulator)
    simulator.complete(batch.id)
    outputs = adopted_and_cancelled(on_stage, batch).up().outputs
    assert outputs["ended_sessions"] == COUNT == len(batch.ended)
    assert outputs.get("cancelled_sessions") is None
    assert simulator.live_sessions() == []
