"""A DELETE that leaves sessions, which cannot be ended either; the next run deletes them."""

from __future__ import annotations

import sqlite3

from bad_days.watched_stack import WatchedStack
from scenarios.one_stack import browsers, one_error

from pulumi_anchorbrowser.simulator import Fault, Simulator

TOTAL, STUCK, TRIES_IN_A_RUN = 5, 2, 3


def half_deleted(stack: WatchedStack, sim: Simulator, verb: str, heal_after: int) -> str:
    """A batch of which a first run has deleted 3 sessions, and could neither delete nor end the other 2."""
    sim.settings.failing_deletions, sim.settings.deletions_heal_after = STUCK, heal_after
    sim.faults.add(Fault("status", status=500, method="DELETE", path="/v1/sessions/*", times=None))
    batch = str(stack.up(browsers(count=TOTAL)).outputs["browsers"]["batch_id"])
    stack.wants(browsers(count=TOTAL, status="deleted" if verb == "up" else "active"))
    fails_again(stack, sim, verb, batch)
    return batch


def fails_again(stack: WatchedStack, sim: Simulator, verb: str, batch: str) -> None:
    failed = stack.run(getattr(stack.stage, verb), expect_failure=True)
    left = {session.session_id for session in sim.live_sessions()}
    assert len(left) == STUCK
    error = one_error(failed)
    assert all(session in error for session in left)
    assert "Run the same command again" in error
    assert stack.calls.count(f"DELETE {batch}") == TRIES_IN_A_RUN
    # The state is kept, as it was.
    assert stack.known_ids() == {batch}
    assert stack.stage.resource_outputs("browsers")["live_status"] != "deleted"


def test_sessions_that_cannot_be_deleted_are_named_and_counted_when_a_later_up_deletes_them(
    stack: WatchedStack, sim: Simulator
) -> None:
    batch = half_deleted(stack, sim, "up", heal_after=2 * TRIES_IN_A_RUN)
    fails_again(stack, sim, "up", batch)
    result = stack.up()
    assert stack.calls == [f"DELETE {batch}"]
    outputs = result.outputs["browsers"]
    assert (outputs["deleted_sessions"], outputs["failed_deletions"], outputs["live_status"]) == (TOTAL, 0, "deleted")
    assert f"deleted batch {batch}: {TOTAL} sessions deleted, 0 failed" in result.messages("info")
    assert sim.live_sessions() == []
    assert stack.has_nothing_to_do()
    stack.destroyed_in_the_end()


def test_sessions_that_cannot_be_deleted_are_named_and_counted_when_a_later_destroy_deletes_them(
    stack: WatchedStack, sim: Simulator
) -> None:
    batch = half_deleted(stack, sim, "destroy", heal_after=TRIES_IN_A_RUN)
    result = stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]
    assert f"deleted batch {batch}: {TOTAL} sessions deleted, 0 failed" in result.messages("info")
    with sqlite3.connect(stack.receipts) as receipts:
        [told] = receipts.execute("SELECT sum(deleted_sessions) FROM receipts WHERE operation = 'delete'")
    assert told == (TOTAL,)


def test_sessions_that_cannot_be_deleted_are_ended_with_a_warning_and_do_not_run(
    stack: WatchedStack, sim: Simulator
) -> None:
    sim.settings.failing_deletions = STUCK
    batch = stack.up(browsers(count=TOTAL)).outputs["browsers"]["batch_id"]
    result = stack.up(browsers(count=TOTAL, status="deleted"))
    assert stack.calls == [*[f"DELETE {batch}"] * TRIES_IN_A_RUN, *["DELETE session"] * STUCK]
    outputs = result.outputs["browsers"]
    counts = tuple(outputs[name] for name in ("deleted_sessions", "failed_deletions", "ended_sessions"))
    assert counts == (TOTAL - STUCK, STUCK, STUCK)
    assert {failed["session_id"] for failed in outputs["deletion_errors"]} == {
        sim.batches[batch].session_id(index) for index in range(TOTAL) if index not in sim.batches[batch].removed
    }
    assert [line for line in result.messages("warning") if "their browsers stopped, and their data may remain" in line]
    assert sim.live_sessions() == []
    stack.destroyed_in_the_end()
