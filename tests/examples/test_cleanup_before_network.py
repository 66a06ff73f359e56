"""examples/cleanup-before-network: no browser runs any more when its network goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elsewhere import BATCHES, changes, running, start

from pulumi_anchorbrowser.simulator import Fault, Simulator

TAG = "uses-the-network"


def network_of(on_stage: Any) -> tuple[Any, Path]:
    stage = on_stage("examples/cleanup-before-network").stage
    network = Path(stage.up().outputs["network"])
    assert network.is_dir()
    return stage, network


def test_browsers_are_gone_before_the_network_is(on_stage: Any, simulator: Simulator) -> None:
    stage, network = network_of(on_stage)
    users, other = [start(simulator, TAG).id, start(simulator, TAG).id], start(simulator, "other").id
    network_was_there = []
    simulator.faults.add(
        Fault(method="DELETE", times=None, after=lambda _: network_was_there.append(network.is_dir())),
    )
    result = stage.destroy()
    assert sorted(changes(simulator)) == sorted(f"DELETE {batch}" for batch in users)
    assert network_was_there == [True, True]
    assert not network.exists()
    assert running(simulator) == {other}
    assert [step.urn.split("::")[-1] for step in result.steps if step.kind == "delete"] == ["stop-browsers", "network"]


def test_the_network_stays_where_a_browser_could_not_be_stopped(on_stage: Any, simulator: Simulator) -> None:
    stage, network = network_of(on_stage)
    stubborn, other = start(simulator, TAG).id, start(simulator, TAG).id
    simulator.faults.add(Fault("status", method="DELETE", path=f"{BATCHES}/{stubborn}", status=400, times=None))
    result = stage.destroy(expect_failure=True)
    assert f"Could not clean up everything: 1 failed: {stubborn} (" in result.text
    assert network.is_dir()
    assert running(simulator) == {stubborn}
    assert simulator.batches[other].deleted
    simulator.faults.clear()
    stage.destroy()
    assert not network.exists()
    assert running(simulator) == set()
