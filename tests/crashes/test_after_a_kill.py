"""What a killed or interrupted run leaves, and what becomes of it: on this machine, on another one, on a destroy."""

from __future__ import annotations

import threading
import time

import pytest
from crashes.killed_runs import READY, WITHOUT_CHECKPOINTS, KillableStack, receipts_by_outcome
from scenarios.one_stack import browsers
from stages.waiting import wait_until

from pulumi_anchorbrowser.simulator import Fault, Simulator

LEFT = "which an interrupted create of browsers started"


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
def test_a_run_killed_just_after_the_response_to_its_create_converges(
    stack: KillableStack, sim: Simulator, delay: float
) -> None:
    """Somewhere between the response, the engine's checkpoint, and the wait for browsers that are never ready."""
    sim.settings.creation_seconds = 1e6
    stack.wants(browsers(count=2) | READY)

    def soon(_: object) -> None:
        threading.Timer(delay, stack.stage.kill).start()

    stack.killed_by(Fault(method="POST", after=soon))
    [batch] = sim.batches
    assert len(sim.live_sessions()) == 2

    is_saved = batch in stack.known_ids()
    sim.complete(batch)
    sim.settings.creation_seconds = 0
    stack.same_again("up")
    assert stack.calls == ([] if is_saved else [f"DELETE {batch}", "POST"])
    assert stack.known_ids() == stack.live_ids()
    stack.has_no_orphan()
    stack.last_destroy()


def test_a_create_that_no_checkpoint_has_saved_runs_on_and_is_warned_of(stack: KillableStack, sim: Simulator) -> None:
    """Without checkpoints the state names no interrupted create, and the receipt says that it was done."""
    stack.up({"other": {"count": 1}})
    stack.stage.env.update(WITHOUT_CHECKPOINTS)
    stack.wants({"other": {"count": 1}} | browsers(count=2) | READY)
    # The first GET, before the create, looks for batches that the state does not have.
    stack.killed("up", 2, "before", method="GET")
    assert stack.pending_creates() == []
    assert receipts_by_outcome(stack.receipts, "create") == ["done", "done"]
    [left] = stack.live_ids() - stack.known_ids()

    again = stack.same_again("up")
    assert stack.calls == ["POST"]
    assert [line for line in again.messages("warning") if "found 1 running batch with this stack's owner tag" in line]
    assert stack.live_ids() - stack.known_ids() == {left}
    sim.delete(left)
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
    [_left, batch] = sim.batches
    assert stack.known_ids() == stack.live_ids() == {batch}
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
    stack.up(browsers(count=2))
    [kept] = sim.batches
    stack.wants(browsers(count=3))
    stack.killed("up", 1, "after", method="POST")
    [left] = stack.live_ids() - stack.known_ids()
    stack.wants(browsers(count=2))
    taken_back = stack.same_again("up")
    assert (stack.calls, stack.known_ids()) == ([], {kept})
    assert [line for line in taken_back.messages("warning") if "did not finish in an earlier run (browsers)" in line]

    stack.same_again("destroy")
    assert sorted(stack.calls) == sorted([f"DELETE {kept}", f"DELETE {left}"])
    assert sim.live_sessions() == []


@pytest.mark.parametrize("handled", [True, False])
def test_without_receipts_the_claim_in_the_pending_operations_names_what_is_left(
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
    left = stack.live_ids()

    stack.same_again("up")
    assert stack.calls == [*(f"DELETE {batch}" for batch in left), "POST"]
    assert pending["claim"] != stack.stage.resource_outputs("browsers")["claim"]
    assert stack.live_ids() == stack.known_ids()
    stack.last_destroy()


def test_the_next_up_deletes_what_a_create_cut_off_by_a_second_ctrl_c_left(
    stack: KillableStack, sim: Simulator
) -> None:
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
    assert stack.calls == [f"DELETE {batch}", "POST"]
    assert [line for line in again.messages("warning") if LEFT in line]
    assert stack.known_ids() == stack.live_ids() != {batch}
    stack.last_destroy()


def test_a_create_that_waits_when_the_cli_alone_is_killed_is_never_sent_again(
    stack: KillableStack, sim: Simulator
) -> None:
    refused = threading.Event()
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=25, before=lambda _: refused.set()))
    stack.wants(browsers(count=2))
    command = stack.stage.start("up")
    assert refused.wait(60)
    command.kill()
    # Pulumi's own language host stays for good.
    assert stack.stage.hosts()
    wait_until(lambda: not stack.stage.hosts(), "the provider host ends")
    assert [request.status for request in sim.requests_of("POST")] == [429]
    assert sim.batches == {}

    stack.same_again("up")
    assert stack.calls == ["POST"]
    stack.last_destroy()
