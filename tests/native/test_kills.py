"""A run is killed on one machine and the next one runs on another: nothing is left running, nothing runs twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from native.plugin_stack import PluginStack
from scenarios.one_stack import browsers
from trail.machines import OTHER
from trail.test_on_another_machine import KILLS, after_the_request, after_the_response

from pulumi_anchorbrowser.simulator import Fault, Simulator

READY: dict[str, dict[str, Any]] = {"ready": {"kind": "BatchReady", "batchId": "@browsers"}}
SHORT_NAME = "dev"


@pytest.mark.parametrize("kill", KILLS)
def test_a_killed_create_then_an_up_elsewhere_leaves_one_batch(
    stack: PluginStack, kill: Callable[[PluginStack], Fault]
) -> None:
    stack.creates_again_elsewhere(kill, READY)
    assert stack.live_ids() == stack.known_ids()
    assert (len(stack.live_ids()), stack.browsers_running()) == (1, 3)


@pytest.mark.parametrize("kill", [after_the_request, after_the_response])
def test_a_killed_create_then_a_destroy_elsewhere_leaves_nothing(
    stack: PluginStack, sim: Simulator, kill: Callable[[PluginStack], Fault]
) -> None:
    stack.destroys_elsewhere(kill)
    assert sim.live_sessions() == []
    assert stack.names() == set()


def test_the_command_line_finds_and_deletes_what_a_killed_create_has_started(
    stack: PluginStack, sim: Simulator
) -> None:
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))
    stack.killed_by(Fault(method="POST", after=lambda _: stack.stage.kill()))
    stack.unlock()
    stack.goes_elsewhere()
    [left] = stack.live_ids() - stack.known_ids()
    found = json.loads(stack.command("orphans", "--stack", SHORT_NAME, "--json"))
    assert left in json.dumps(found)
    assert not any(kept in json.dumps(found) for kept in stack.known_ids())
    stack.command("orphans", "--stack", SHORT_NAME, "--delete", "--yes")
    assert stack.live_ids() == stack.known_ids()
    assert sim.batches[left].deleted


def test_a_plugin_that_is_killed_alone_is_settled_by_the_receipts_of_its_machine(
    stack: PluginStack, sim: Simulator
) -> None:
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))
    sim.faults.add(Fault(method="POST", after=lambda _: stack.stage.kill_host()))
    failed = stack.stage.finished(stack.stage.start("up"))
    assert failed.failed
    assert stack.live_ids() - stack.known_ids()
    stack.same_again("up")
    assert stack.live_ids() == stack.known_ids()
    assert stack.browsers_running() == 4
