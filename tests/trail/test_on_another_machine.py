"""A run is killed on one machine, and the next command runs on another: nothing is left running, nothing runs twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from crashes.killed_runs import READY
from scenarios.one_stack import browsers
from trail.machines import OTHER, Wanderer

from pulumi_anchorbrowser.simulator import Fault, LoggedRequest, Simulator


def before_the_request(stack: Wanderer) -> Fault:
    """Killed when the request is on its way, and the API never handles it."""
    return Fault("no_reply", handled=False, method="POST", before=lambda _: stack.stage.kill())


def after_the_request(stack: Wanderer) -> Fault:
    """Killed when the API has handled the request, and has not responded."""
    return Fault(method="POST", after=lambda _: stack.stage.kill())


def after_the_response(stack: Wanderer) -> Fault:
    """Killed a moment after the response: the provider has it, and the engine may have saved it or not."""
    return Fault(method="POST", after=lambda _: threading.Timer(0.02, stack.stage.kill).start())


KILLS = [before_the_request, pytest.param(after_the_request, marks=pytest.mark.engine_decides), after_the_response]


@pytest.mark.parametrize("kill", KILLS)
def test_a_killed_create_then_an_up_elsewhere_leaves_one_batch_of_the_right_size(
    stack: Wanderer, kill: Callable[[Wanderer], Fault]
) -> None:
    stack.creates_again_elsewhere(kill, READY)
    assert stack.live_ids() == stack.known_ids()
    assert (len(stack.live_ids()), stack.browsers_running()) == (1, 3)
    stack.last_destroy()


@pytest.mark.parametrize("kill", KILLS[1:])
def test_a_killed_create_then_a_destroy_elsewhere_leaves_nothing(
    stack: Wanderer, sim: Simulator, kill: Callable[[Wanderer], Fault]
) -> None:
    result = stack.destroys_elsewhere(kill)
    assert sim.live_sessions() == []
    assert stack.names() == set()
    if kill is after_the_request:
        assert [line for line in result.messages("warning") if "interrupted create of browsers" in line]
        assert [line for line in result.messages("info") if "--clear-pending-creates" in line]


def test_a_killed_replacement_that_was_taken_back_is_warned_of_and_deleted_by_the_next_change(
    stack: Wanderer, sim: Simulator
) -> None:
    stack.up(browsers(count=2))
    [kept] = sim.batches
    stack.wants(browsers(count=3))
    stack.killed_by(after_the_request(stack))
    [left] = stack.live_ids() - {kept}
    stack.goes_elsewhere()
    stack.wants(browsers(count=2))
    warned = stack.same_again("up")
    assert stack.live_ids() == {kept, left}
    assert [line for line in warned.messages("warning") if "did not finish in an earlier run (browsers)" in line]
    stack.goes_elsewhere()
    stack.wants(browsers(count=2, on_destroy="cancel"))
    stack.same_again("up")
    assert stack.live_ids() == {kept}
    stack.last_destroy()


def test_a_killed_create_whose_resource_was_taken_out_of_the_program_is_deleted_by_a_destroy(stack: Wanderer) -> None:
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))
    stack.killed_by(after_the_request(stack))
    stack.goes_elsewhere()
    stack.wants(OTHER)
    warned = stack.same_again("up")
    assert [line for line in warned.messages("warning") if "(browsers)" in line and "orphans" in line]
    stack.last_destroy()


def test_sessions_that_become_visible_late_are_waited_for_elsewhere(stack: Wanderer, sim: Simulator) -> None:
    stack.stage.env["ANCHORBROWSER_SETTLE_TIMEOUT"] = "60"
    sim.settings.sessions_listed_after = 20
    stack.wants(browsers(count=3))
    stack.killed_by(after_the_request(stack))
    sim.faults.clear()
    sim.faults.add(Fault(method="GET", times=None, before=lambda _: sim.advance(2)))
    stack.goes_elsewhere()
    stack.same_again("up")
    assert stack.live_ids() == stack.known_ids()
    assert stack.browsers_running() == 3


def test_a_create_is_refused_elsewhere_while_the_look_for_its_leftover_fails(stack: Wanderer, sim: Simulator) -> None:
    stack.wants(browsers(count=3))
    stack.killed_by(after_the_request(stack))
    stack.goes_elsewhere()
    sim.faults.clear()
    sim.faults.add(Fault("status", status=503, method="GET", path="/v1/sessions/*", times=None))
    stack.unlock()
    refused = stack.stage.finished(stack.stage.start("up"))
    assert refused.failed
    assert "Started nothing: an earlier create of this resource was interrupted" in refused.text
    assert stack.browsers_running() == 3
    sim.faults.clear()
    stack.same_again("up")
    assert stack.live_ids() == stack.known_ids()


@pytest.mark.parametrize("same_machine", [True, False])
def test_a_create_of_unknown_outcome_is_settled_on_its_machine_and_warned_of_on_another(
    stack: Wanderer, sim: Simulator, same_machine: bool
) -> None:
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))
    sim.settings.sessions_listed_after = 1000
    sim.faults.add(Fault("reset_after", method="POST"))
    stack.stage.env["ANCHORBROWSER_SETTLE_TIMEOUT"] = "0.2"
    failed = stack.stage.finished(stack.stage.start("up"))
    assert failed.failed
    assert "Could not determine whether the batch was started" in failed.text
    sim.settings.sessions_listed_after = 0
    [left] = {one.batch_id for one in sim.live_sessions()} - stack.known_ids()
    if not same_machine:
        stack.goes_elsewhere()
    result = stack.same_again("up")
    warned = [line for line in result.messages("warning") if "with this stack's owner tag" in line]
    assert (left in stack.live_ids(), bool(warned)) == ((False, False) if same_machine else (True, True))


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_cancel_or_delete_is_finished_elsewhere(
    stack: Wanderer, sim: Simulator, method: str, moment: Any
) -> None:
    sim.settings.creation_seconds = 200
    stack.up(browsers(count=4))
    sim.advance(150)
    stack.wants(browsers(count=4, status="cancelled" if method == "PATCH" else "deleted"))
    stack.killed("up", 1, moment, method=method)
    stack.goes_elsewhere()
    stack.same_again("up")
    assert sim.live_sessions() == []
    stack.has_no_orphan()
    stack.last_destroy()


def test_a_host_that_is_killed_alone_is_settled_by_the_receipts_of_its_machine(stack: Wanderer, sim: Simulator) -> None:
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))

    def kill_host(_: LoggedRequest) -> None:
        stack.stage.kill_host()

    sim.faults.add(Fault(method="POST", after=kill_host))
    failed = stack.stage.finished(stack.stage.start("up"))
    assert failed.failed
    assert stack.pending_creates() == []
    stack.same_again("up")
    assert stack.live_ids() == stack.known_ids()
    stack.last_destroy()
