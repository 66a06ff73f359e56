"""What a killed or interrupted run leaves, and what becomes of it: on this machine, on another one, on a destroy."""

from __future__ import annotations

import threading
import time

import pytest
from crashes.killed_runs import READY, WITHOUT_CHECKPOINTS, KillableStack, receipts_by_outcome
from scenarios.one_stack import browsers

from pulumi_anchorbrowser.simulator import Fault, Simulator

TAKEN_OVER = "which an interrupted run had started for this resource"


def test_the_cli_itself_says_that_a_killed_run_left_a_lock_and_how_to_lift_it(stack: KillableStack) -> None:
    stack.wants(browsers(count=2))
    stack.killed("up", 1, "before")
    refused = stack.stage.finished(stack.stage.start("up"))
    assert refused.failed
    assert "pulumi cancel" in refused.text
    stack.same_again("up")
    stack.has_no_orphan()
    stack.last_destroy()


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_a_run_killed_just_after_the_create_was_answered_is_continued(
    stack: KillableStack, sim: Simulator, delay: float
) -> None:
    """Somewhere between the answer, the engine's checkpoint, and the waiting for browsers that are never ready."""
    sim.settings.creation_seconds = 1e6
    stack.wants(browsers(count=2) | READY)

    def soon(_: object) -> None:
        threading.Timer(delay, stack.stage.kill).start()

    stack.killed_by(Fault(method="POST", after=soon))
    [batch] = sim.batches
    assert len(sim.live_sessions()) == 2

    sim.complete(batch)
    stack.same_again("up")
    assert stack.calls == []
    assert stack.known_ids() == stack.live_ids() == {batch}
    stack.has_no_orphan()
    stack.last_destroy()


def test_a_create_that_was_answered_but_never_written_to_the_state_is_taken_over(
    stack: KillableStack, sim: Simulator
) -> None:
    stack.stage.env.update(WITHOUT_CHECKPOINTS)
    stack.wants(browsers(count=2) | READY)
    stack.killed("up", 1, "before", method="GET")
    assert (stack.known_ids(), stack.pending_creates()) == (set(), [])
    assert receipts_by_outcome(stack.receipts, "create") == ["done"]
    [batch] = sim.batches
    assert len(sim.live_sessions()) == 2

    again = stack.same_again("up")
    assert stack.calls == []
    assert [line for line in again.messages("warning") if TAKEN_OVER in line]
    assert stack.known_ids() == stack.live_ids() == {batch}
    stack.last_destroy()


@pytest.mark.parametrize("look", [1, 3])
def test_a_run_killed_while_it_settles_what_a_killed_run_left_is_settled_by_the_next(
    stack: KillableStack, sim: Simulator, look: int
) -> None:
    stack.wants(browsers(count=2))
    stack.killed("up", 1, "after")
    stack.killed("up", look, "after", method="GET")
    assert stack.known_ids() == set()
    stack.same_again("up")
    assert len(sim.batches) == 1
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)
    stack.last_destroy()


def test_a_destroy_right_after_a_kill_deletes_what_no_state_knows(stack: KillableStack, sim: Simulator) -> None:
    stack.up(browsers(count=2))
    stack.wants(browsers(count=2) | {"more": {"count": 3}})
    stack.killed("up", 1, "after", method="POST")
    known = stack.known_ids()
    [orphan] = stack.live_ids() - known
    result = stack.same_again("destroy")
    assert sorted(stack.calls) == sorted(f"DELETE {batch}" for batch in {orphan} | known)
    assert [line for line in result.messages("warning") if f"deleting batch {orphan}" in line]
    assert sim.live_sessions() == []
    assert stack.names() == set()


def test_changed_inputs_after_a_kill_delete_what_was_left_and_start_another(
    stack: KillableStack, sim: Simulator
) -> None:
    stack.wants(browsers(count=2))
    stack.killed("up", 1, "after")
    [left] = stack.live_ids()
    stack.wants(browsers(count=3))
    stack.same_again("up")
    assert stack.calls == [f"DELETE {left}", "POST"]
    assert stack.live_ids() == stack.known_ids() != {left}
    assert len(sim.live_sessions()) == 3
    stack.last_destroy()


def test_what_a_killed_replacement_has_left_is_deleted_with_the_batch_that_it_was_to_replace(
    stack: KillableStack, sim: Simulator
) -> None:
    """The change is taken back, so that no create follows which would settle it."""
    stack.stage.env.update(WITHOUT_CHECKPOINTS)
    stack.up(browsers(count=2))
    [kept] = sim.batches
    stack.wants(browsers(count=3))
    stack.killed("up", 1, "before", method="DELETE")
    assert receipts_by_outcome(stack.receipts, "create") == ["done", "done"]
    [left] = stack.live_ids() - stack.known_ids()
    stack.wants(browsers(count=2))
    taken_back = stack.same_again("up")
    assert (stack.calls, stack.known_ids()) == ([], {kept})
    assert [line for line in taken_back.messages("warning") if left in line]

    stack.same_again("destroy")
    assert sorted(stack.calls) == sorted([f"DELETE {kept}", f"DELETE {left}"])
    assert sim.live_sessions() == []


@pytest.mark.parametrize("handled", [True, False])
def test_on_another_machine_what_is_left_is_named_by_the_claim_in_the_pending_operations(
    stack: KillableStack, sim: Simulator, *, handled: bool
) -> None:
    stack.wants(browsers(count=2))
    stack.killed("up", 1, "after" if handled else "before")
    [sent] = sim.requests_of("POST")
    stack.forget_receipts()

    [pending] = stack.pending_creates()
    tag = f"pulumi-claim:{pending['claim']}"
    assert tag in sent.body["configuration"]["session"]["tags"]
    assert len(sim.live_sessions(tag)) == len(sim.live_sessions()) == (2 if handled else 0)

    # Without receipts nobody looks for it, and it stays where it is, still named.
    stack.same_again("up")
    assert stack.calls == ["POST"]
    assert pending["claim"] != stack.stage.resource_outputs("browsers")["claim"]
    orphans = stack.live_ids() - stack.known_ids()
    assert orphans == {session.batch_id for session in sim.live_sessions(tag)}
    for batch in orphans:
        sim.delete(batch)
    stack.last_destroy()


def test_a_create_cut_off_by_a_second_ctrl_c_is_taken_over_by_the_next_up(stack: KillableStack, sim: Simulator) -> None:
    answered, arrived = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        arrived.set()
        answered.wait(120)

    stack.wants(browsers(count=2))
    sim.faults.add(Fault(method="POST", after=hold))
    command = stack.stage.start("up")
    try:
        assert arrived.wait(60)
        command.interrupt()
        time.sleep(1)
        # One ^C waits for the create, as Pulumi does; that is what the second one is for.
        assert command.popen.poll() is None
        command.interrupt()
        cut_off = stack.stage.finished(command, seconds=60)
    finally:
        answered.set()
    assert cut_off.failed
    assert stack.known_ids() == set()
    [batch] = sim.batches

    again = stack.same_again("up")
    assert stack.calls == []
    assert [line for line in again.messages("warning") if TAKEN_OVER in line]
    assert stack.known_ids() == stack.live_ids() == {batch}
    stack.last_destroy()
