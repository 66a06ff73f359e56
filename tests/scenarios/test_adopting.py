"""A batch that was there before: adopted, cancelled in the same `up`, handed from one resource to another."""

from __future__ import annotations

from scenarios.one_stack import (
    BATCHES,
    CANCELLED,
    HALF_TIME,
    MISSING_ID,
    OWNER,
    SECONDS,
    OneStack,
    browsers,
    one_error,
    started_outside,
)
from stages import EngineStage

from pulumi_anchorbrowser.simulator import Fault, Simulator

STOPPED_LATER = "another resource adopted the batch in this run and will stop it"


def test_adopting_and_cancelling_in_one_up_is_exactly_one_patch(stack: OneStack, sim: Simulator) -> None:
    batch = started_outside(sim, 10, creation_seconds=SECONDS)
    sim.advance(HALF_TIME)
    assert len(sim.live_sessions()) == 10

    made = stack.up(browsers(batch_id=batch, status="cancelled")).outputs["browsers"]
    assert stack.calls == [f"PATCH {batch}"]
    assert [request.body for request in sim.requests_of("PATCH")] == [CANCELLED]
    assert (made["batch_id"], made["adopted"], made["cancelled_sessions"]) == (batch, True, 5)
    assert (made["live_status"], made["total_requests"], made["still_running"]) == ("cancelled", 10, 0)
    assert sim.live_sessions() == []
    assert stack.has_nothing_to_do()

    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_adopting_changes_nothing_and_a_destroy_deletes_what_was_adopted(stack: OneStack, sim: Simulator) -> None:
    batch = started_outside(sim)
    made = stack.up(browsers(batch_id=batch)).outputs["browsers"]
    assert stack.calls == []
    assert (made["live_status"], made["completed_requests"], made["adopted"]) == ("completed", 3, True)
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]
    assert sim.live_sessions() == []


def test_adopting_a_missing_batch_fails_in_one_line_and_leaves_nothing(stack: OneStack) -> None:
    error = one_error(stack.up(browsers(batch_id=MISSING_ID, status="cancelled"), expect_failure=True))
    assert f"Could not adopt batch {MISSING_ID}: the API does not know it under this key (HTTP 404)" in error
    assert "Check the id" in error
    assert [request.path for request in stack.requests] == [f"{BATCHES}/{MISSING_ID}"] * 2, "one 404 is not believed"
    assert stack.calls == []
    assert stack.names() == set()


def test_a_count_that_gives_way_to_the_id_of_its_own_batch_is_an_update_in_place(
    stack: OneStack, sim: Simulator
) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    result = stack.up(browsers(batch_id=batch))
    assert result.changes == {"update": 1}
    assert stack.calls == []
    assert result.outputs["browsers"]["adopted"]
    assert len(sim.live_sessions(OWNER, batch)) == 3
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_rename_of_an_adopted_batch_does_not_delete_it(stack: OneStack, sim: Simulator) -> None:
    batch = started_outside(sim)
    stack.up({"old": {"batch_id": batch}})
    result = stack.up({"new": {"batch_id": batch}})
    assert result.changes == {"create": 1, "delete": 1}
    assert stack.calls == []
    assert len(sim.live_sessions(batch_id=batch)) == 3
    assert result.messages("warning") == [f"left batch {batch} running: {STOPPED_LATER}"]
    assert stack.names() == {"new"}
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_resource_that_adopts_the_batch_another_one_started_does_not_lose_it(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up({"starter": {"count": 3}}).outputs["starter"]["batch_id"]
    result = stack.up({"keeper": {"batch_id": batch}})
    assert stack.calls == []
    assert len(sim.live_sessions(OWNER, batch)) == 3
    assert result.messages("warning") == [f"left batch {batch} running: {STOPPED_LATER}"]
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_forced_replace_of_an_adopted_batch_does_not_delete_it(stack: OneStack, sim: Simulator) -> None:
    batch = started_outside(sim)
    stack.up(browsers(batch_id=batch))
    result = stack.up(replace_urn=stack.stage.urn("browsers"))
    assert result.changes == {"replace": 1, "delete-replaced": 1}
    assert stack.calls == []
    assert len(sim.live_sessions(batch_id=batch)) == 3
    assert result.messages("warning") == [f"left batch {batch} running: {STOPPED_LATER}"]
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_batch_whose_new_owner_fails_stays_with_the_old_one_and_moves_in_the_next_up(
    engine_stack: OneStack, sim: Simulator
) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    batch_id = engine_stack.up(browsers(count=2)).outputs["browsers"]["batch_id"]
    engine_stack.wants({"moved": {"batch_id": batch_id, "status": "cancelled"}})
    sim.faults.add(Fault("status", status=403, method="PATCH"))
    failed = engine_stack.run(lambda: stage.up(flags=["--continue-on-error"], expect_failure=True))
    assert f"Left batch {batch_id} running, and this resource in the state" in failed.text
    assert len(sim.live_sessions()) == 2
    assert engine_stack.up().changes == {"create": 1, "delete": 1}
    assert sim.live_sessions() == []
    assert not sim.batches[batch_id].deleted
    engine_stack.destroy()
