"""The main job: a batch is started, cancelled, deleted and destroyed, each with exactly the calls it takes."""

from __future__ import annotations

import pytest
from scenarios.one_stack import (
    CANCELLED,
    COUNT,
    HALF_TIME,
    OWNER,
    RUNNING,
    SECONDS,
    STATUSES,
    OneStack,
    browsers,
)

from pulumi_anchorbrowser.simulator import Simulator


@pytest.mark.engine_decides
def test_an_up_starts_one_batch_and_a_second_one_has_nothing_to_do(stack: OneStack, sim: Simulator) -> None:
    result = stack.up(browsers(count=3, metadata={"job": "nightly"}))

    assert stack.calls == ["POST"]
    [request] = stack.requests
    assert (request.body["count"], request.body["metadata"]) == (3, {"job": "nightly"})
    made = result.outputs["browsers"]
    assert [session.running for session in sim.live_sessions(OWNER, made["batch_id"])] == [True] * 3
    tags = sim.batches[made["batch_id"]].tags
    assert tags == ("pulumi", OWNER, f"pulumi-claim:{made['claim']}")
    assert (made["live_status"], made["total_requests"], made["adopted"]) == ("pending", 3, False)
    assert (made.get("cancelled_sessions"), made.get("deleted_sessions")) == (None, None)
    urn = stack.stage.urn("browsers")
    assert ("info", f"started batch {made['batch_id']}: 3 sessions requested", urn) in result.diagnostics
    assert stack.has_nothing_to_do()
    stack.destroy()


def test_after_a_refresh_there_is_nothing_to_do_even_if_browsers_have_expired(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]

    stack.refresh()
    assert (stack.calls, len(stack.requests)) == ([], 1)
    seen = stack.stage.resource_outputs("browsers")
    assert (seen["live_status"], seen["completed_requests"], seen["failed_requests"]) == ("completed", 3, 0)
    assert stack.has_nothing_to_do()

    assert sim.expire(batch) == 3
    assert stack.refresh().changes == {}
    assert stack.has_nothing_to_do()
    stack.destroy()


@pytest.mark.engine_decides
def test_a_cancel_is_exactly_one_patch_whose_count_is_an_output_and_one_read_that_confirms_it(
    stack: OneStack, sim: Simulator
) -> None:
    batch = stack.start_half()

    result = stack.up(browsers(count=COUNT, status="cancelled"))
    assert stack.calls == [f"PATCH {batch}"]
    assert [request.body for request in sim.requests_of("PATCH")] == [CANCELLED]
    assert result.changes == {"update": 1}
    made = result.outputs["browsers"]
    assert (made["cancelled_sessions"], made["live_status"], made["batch_id"]) == (RUNNING, "cancelled", batch)
    assert sim.live_sessions() == []
    assert stack.reads == [STATUSES]
    assert made["still_running"] == 0
    assert made["confirmed_at"]
    urn = stack.stage.urn("browsers")
    assert ("info", f"cancelled batch {batch}: {RUNNING} sessions stopped", urn) in result.diagnostics
    assert result.messages("warning") == []

    assert stack.has_nothing_to_do()
    stack.refresh()
    assert stack.has_nothing_to_do()
    assert stack.stage.resource_outputs("browsers")["cancelled_sessions"] == RUNNING

    gone = stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]
    assert f"deleted batch {batch}: {RUNNING} sessions deleted, 0 failed" in gone.messages("info")


def test_a_delete_keeps_the_count_of_the_cancel_and_a_destroy_then_calls_nothing(
    stack: OneStack, sim: Simulator
) -> None:
    batch = stack.start_half()
    stack.up(browsers(count=COUNT, status="cancelled"))

    result = stack.up(browsers(count=COUNT, status="deleted"))
    assert stack.calls == [f"DELETE {batch}"]
    made = result.outputs["browsers"]
    assert (made["deleted_sessions"], made["failed_deletions"], made["live_status"]) == (RUNNING, 0, "deleted")
    assert made["cancelled_sessions"] == RUNNING
    assert (made["still_running"], stack.reads) == (0, [STATUSES])
    assert sim.batches[batch].deleted
    assert f"deleted batch {batch}: {RUNNING} sessions deleted, 0 failed" in result.messages("info")

    assert stack.has_nothing_to_do()
    stack.refresh()
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.requests == []


def test_the_delete_of_an_active_batch_is_one_delete_and_no_patch(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    made = stack.up(browsers(count=3, status="deleted")).outputs["browsers"]
    assert stack.calls == [f"DELETE {batch}"]
    assert (made["deleted_sessions"], made.get("cancelled_sessions")) == (3, None)
    assert sim.live_sessions() == []


@pytest.mark.engine_decides
def test_the_destroy_of_an_active_batch_is_one_delete_one_read_and_a_message_with_its_count(
    stack: OneStack, sim: Simulator
) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    urn = stack.stage.urn("browsers")
    result = stack.destroy()
    assert (stack.calls, stack.reads) == ([f"DELETE {batch}"], [STATUSES])
    assert sim.batches[batch].deleted
    assert ("info", f"deleted batch {batch}: 3 sessions deleted, 0 failed", urn) in result.diagnostics


@pytest.mark.parametrize("on_destroy", ["delete", "cancel", "end_sessions"])
def test_a_destroy_does_what_on_destroy_says_and_nothing_starts_later(
    stack: OneStack, sim: Simulator, on_destroy: str
) -> None:
    sim.settings.creation_seconds = SECONDS
    inputs = {"count": COUNT, "on_destroy": on_destroy}
    made = stack.up({"done": inputs, "under-way": inputs, "cancelled": inputs}).outputs
    done, under_way, cancelled = (made[name]["batch_id"] for name in ("done", "under-way", "cancelled"))
    sim.advance(HALF_TIME)
    sim.complete(done)
    stack.up({"done": inputs, "under-way": inputs, "cancelled": {**inputs, "status": "cancelled"}})
    assert len(sim.live_sessions()) == 2 * COUNT

    result = stack.destroy()
    told = "\n".join(result.messages("info"))
    if on_destroy == "delete":
        assert sorted(stack.calls) == sorted(f"DELETE {batch}" for batch in (done, under_way, cancelled))
        assert f"deleted batch {done}: {COUNT} sessions deleted, 0 failed" in told
    else:
        # A completed batch cannot be cancelled: its sessions are ended one by one, as `if_completed` says.
        refused = [f"PATCH {done}"] if on_destroy == "cancel" else []
        assert sorted(stack.calls) == sorted([f"PATCH {under_way}", *refused, *["DELETE session"] * COUNT])
        assert f"cancelled batch {under_way}: {RUNNING} sessions stopped" in told
        assert f"ended the sessions of batch {done} one by one: {COUNT} sessions ended, data kept" in told
    assert {batch.deleted for batch in sim.batches.values()} == {on_destroy == "delete"}


def test_a_change_of_on_destroy_is_saved_in_place_and_used_by_the_next_destroy(stack: OneStack, sim: Simulator) -> None:
    batch = stack.start_half()
    assert stack.up(browsers(count=COUNT, on_destroy="cancel")).changes == {"update": 1}
    assert stack.requests == []
    stack.destroy()
    assert stack.calls == [f"PATCH {batch}"]
    assert not sim.batches[batch].deleted
