"""Stopping: whatever the API answers, nothing goes on running that the user did not choose; counts are the API's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lifecycle.one_batch import IF_COMPLETED, ON_DESTROY, PHASES, Phase, Stage

from pulumi_anchorbrowser.api import ApiError, NoAnswer, ServerError
from pulumi_anchorbrowser.lifecycle import Batches, BatchRecord, LifecycleError
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault

# To `cancelled`


@pytest.mark.parametrize("phase", ["pending", "processing"])
def test_an_unfinished_batch_is_cancelled_by_one_patch_and_its_count_recorded(stage: Stage, phase: Phase) -> None:
    before = stage.start(phase)
    running = sum(session.running for session in stage.live)
    after = stage.update(before, status="cancelled")
    assert stage.asked == ["PATCH batch"]
    assert stage.sim.requests[0].body == {"status": "cancelled"}
    assert (after.status, after.live_status, after.cancelled_sessions) == ("cancelled", "cancelled", running)
    assert after.message
    assert stage.told.warnings == []
    assert stage.nothing_runs_ever()


@pytest.mark.parametrize("if_completed", IF_COMPLETED)
def test_a_batch_cancelled_by_another_is_a_success_with_a_count_nobody_knows(stage: Stage, if_completed: Any) -> None:
    before = stage.start("cancelled")
    after = stage.update(before, status="cancelled", if_completed=if_completed)
    assert stage.asked == ["PATCH batch", "GET batch"]
    assert (after.live_status, after.cancelled_sessions) == ("cancelled", None)
    assert len(stage.told.warnings) == 1
    assert "already cancelled" in stage.told.warnings[0]


def test_a_completed_batch_is_ended_one_by_one_and_its_data_stays(stage: Stage) -> None:
    before = stage.start("completed")
    after = stage.update(before, status="cancelled")
    assert stage.asked[:2] == ["PATCH batch", "GET batch"]
    assert sorted(stage.asked[2:]) == ["DELETE session"] * 5
    assert (after.ended_sessions, after.cancelled_sessions, after.deleted_sessions) == (5, None, None)
    assert after.live_status == "completed"
    assert after.is_stopped
    assert not stage.sim.batches[before.id].deleted
    assert stage.nothing_runs_ever()


def test_a_completed_batch_is_deleted_where_the_user_chose_so(stage: Stage) -> None:
    before = stage.start("completed")
    after = stage.update(before, status="cancelled", if_completed="delete")
    assert stage.asked == ["PATCH batch", "GET batch", "DELETE batch"]
    assert (after.live_status, after.deleted_sessions) == ("deleted", 5)
    assert stage.nothing_runs_ever()


def test_a_completed_batch_goes_on_only_where_the_user_accepts_it(stage: Stage) -> None:
    before = stage.start("completed")
    after = stage.update(before, status="cancelled", if_completed="accept")
    assert stage.asked == ["PATCH batch", "GET batch"]
    assert (after.live_status, after.ended_sessions, after.is_stopped) == ("completed", None, False)
    assert len(stage.told.warnings) == 1
    assert len(stage.live) == 5
    stage.forget(after)
    later = stage.update(after, if_completed="end_sessions")
    assert later.ended_sessions == 5
    assert stage.nothing_runs_ever()


def test_a_completed_batch_is_an_error_where_the_user_chose_so(stage: Stage) -> None:
    before = stage.start("completed")
    with pytest.raises(LifecycleError, match="if_completed is 'fail'") as caught:
        stage.update(before, status="cancelled", if_completed="fail")
    assert "HTTP 409" in str(caught.value)
    assert before.id in str(caught.value)
    assert "'end_sessions', 'delete' or 'accept'" in str(caught.value)
    assert stage.asked == ["PATCH batch", "GET batch"]


@pytest.mark.parametrize("cancellable", [True, False])
def test_a_failed_batch_is_stopped_whether_or_not_the_api_cancels_it(stage: Stage, cancellable: bool) -> None:
    stage.sim.settings.failed_batch_cancellable = cancellable
    before = stage.start("failed")
    assert len(stage.live) == 3
    after = stage.update(before, status="cancelled")
    assert (after.cancelled_sessions, after.ended_sessions) == ((3, None) if cancellable else (None, 3))
    assert stage.nothing_runs_ever()


def test_a_batch_that_completes_just_before_the_cancel_is_stopped_all_the_same(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault("complete_before", method="PATCH"))
    after = stage.update(before, status="cancelled")
    assert after.ended_sessions == 5
    assert stage.nothing_runs_ever()


def test_a_refusal_that_its_own_status_belies_is_asked_again(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault("status", status=409, method="PATCH"))
    after = stage.update(before, status="cancelled")
    assert stage.asked == ["PATCH batch", "GET batch", "PATCH batch"]
    assert after.cancelled_sessions is not None
    assert stage.nothing_runs_ever()


def test_a_refusal_that_goes_on_is_an_error_at_last(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault("status", status=409, method="PATCH", times=None))
    with pytest.raises(LifecycleError, match="Could not cancel batch"):
        stage.update(before, status="cancelled")
    assert 2 <= stage.asked.count("PATCH batch") <= 10


@pytest.mark.parametrize("answer", ["200", "404"])
def test_a_session_that_ended_by_itself_meanwhile_is_no_error(stage: Stage, answer: Any) -> None:
    stage.sim.settings.end_ended_session = answer
    before = stage.start("completed")
    stage.sim.stop_sessions(before.id, 2)
    after = stage.update(before, status="cancelled")
    assert after.ended_sessions == (5 if answer == "200" else 3)  # the API's own word
    assert stage.nothing_runs_ever()


def test_sessions_that_all_ended_by_themselves_leave_nothing_to_do(stage: Stage) -> None:
    stage.sim.settings.end_ended_session = "404"
    before = stage.start("completed")
    stage.sim.expire(before.id)
    after = stage.update(before, status="cancelled")
    assert after.is_stopped
    stage.forget(after)
    assert stage.batches.delete(after.but(on_destroy="cancel"), stage.told).is_stopped
    assert (stage.asked, stage.looks) == ([], 1)


def test_a_session_that_cannot_be_ended_is_named_and_the_others_are_ended(stage: Stage) -> None:
    before = stage.start("completed")
    stubborn = stage.live[1].session_id
    stage.sim.faults.add(Fault("status", status=403, path=f"/v1/sessions/{stubborn}", times=None))
    with pytest.raises(LifecycleError, match=stubborn) as caught:
        stage.update(before, status="cancelled")
    assert "4 sessions ended" in str(caught.value)
    assert "HTTP 403" in str(caught.value)
    assert [session.session_id for session in stage.live] == [stubborn]
    stage.sim.faults.clear()
    stage.update(before, status="cancelled")
    assert stage.nothing_runs_ever()


def test_a_batch_that_is_gone_is_recorded_as_deleted_with_a_warning(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.delete(before.id)
    after = stage.update(before, status="cancelled")
    assert (after.live_status, after.cancelled_sessions, after.deleted_sessions) == ("deleted", None, None)
    assert len(stage.told.warnings) == 1


@pytest.mark.parametrize("if_completed", IF_COMPLETED)
def test_a_batch_that_is_gone_but_still_answers_as_an_empty_one_is_gone(stage: Stage, if_completed: Any) -> None:
    stage.sim.settings.get_after_delete = "empty"
    before = stage.start("completed")
    stage.sim.delete(before.id)
    after = stage.update(before, status="cancelled", if_completed=if_completed)
    assert (after.live_status, after.cancelled_sessions) == ("deleted", None)


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
def test_a_cancel_whose_response_was_lost_is_retried_and_invents_no_count(stage: Stage, kind: Any) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault(kind, method="PATCH"))
    stage.batches = stage.later_run(max_retries=2)
    after = stage.update(before, status="cancelled")
    assert after.live_status == "cancelled"
    # The lost request may have stopped some of them, whether or not it has.
    assert after.cancelled_sessions is None
    assert stage.nothing_runs_ever()


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_cancel_that_fails_is_an_error_and_the_record_is_not_changed(stage: Stage, status: int) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault("status", status=status, method="PATCH", times=None))
    with pytest.raises(ApiError, match=f"HTTP {status}"):
        stage.update(before, status="cancelled")
    assert stage.live


# To `deleted`


@pytest.mark.parametrize("phase", PHASES)
def test_a_batch_in_any_phase_is_deleted_by_one_request(stage: Stage, phase: Phase) -> None:
    before = stage.start(phase)
    made = sum(session.running for session in stage.live)
    after = stage.update(before, status="deleted")
    assert stage.asked == ["DELETE batch"]
    assert (after.live_status, after.deleted_sessions, after.failed_deletions) == ("deleted", made, 0)
    assert after.deletion_errors is None
    assert stage.sim.batches[before.id].deleted
    assert stage.nothing_runs_ever()


def test_the_count_of_cancelled_sessions_survives_the_deletion(stage: Stage) -> None:
    cancelled = stage.update(stage.start("processing"), status="cancelled")
    assert cancelled.cancelled_sessions
    deleted = stage.update(cancelled, status="deleted")
    assert deleted.cancelled_sessions == cancelled.cancelled_sessions
    assert deleted.deleted_sessions == cancelled.cancelled_sessions


def test_a_partial_deletion_is_repeated_and_its_counts_are_added_up(stage: Stage) -> None:
    stage.sim.settings.failing_deletions = 2
    stage.sim.settings.deletions_heal_after = 1
    before = stage.start("completed")
    after = stage.update(before, status="deleted")
    assert stage.asked == ["DELETE batch"] * 2
    assert (after.deleted_sessions, after.failed_deletions, after.live_status) == (5, 0, "deleted")
    assert stage.nothing_runs_ever()


def test_sessions_that_cannot_be_deleted_are_at_least_ended(stage: Stage) -> None:
    stage.sim.settings.failing_deletions = 2
    before = stage.start("completed")
    stuck = {session.session_id for session in stage.live[:2]}
    after = stage.update(before, status="deleted")
    assert sorted(set(stage.asked)) == ["DELETE batch", "DELETE session"]
    assert (after.deleted_sessions, after.ended_sessions, after.failed_deletions) == (3, 2, 2)
    assert {error["session_id"] for error in after.deletion_errors or []} == stuck
    assert after.live_status == "deleted"
    assert any("data" in warning for warning in stage.told.warnings)
    assert stage.nothing_runs_ever()


@pytest.mark.parametrize("answer", ["200", "404"])
def test_sessions_that_were_ended_before_are_not_counted_again(stage: Stage, answer: Any) -> None:
    stage.sim.settings.end_ended_session = answer
    ended = stage.update(stage.start("completed"), status="cancelled")
    stage.sim.settings.failing_deletions = 2
    after = stage.update(ended, status="deleted")
    assert stage.asked.count("DELETE session") == 5 + 2
    assert (ended.ended_sessions, after.ended_sessions, after.deleted_sessions) == (5, 5, 3)


def test_sessions_that_a_failed_try_may_have_ended_are_not_counted_again(stage: Stage, tmp_path: Path) -> None:
    stage.batches = Batches(stage.client(), Receipts(tmp_path / "receipts.sqlite3"), clock=stage.clock)
    before = stage.start("completed")
    stubborn = stage.live[1].session_id
    stage.sim.settings.end_ended_session = "200"
    stage.sim.faults.add(Fault("status", status=403, path=f"/v1/sessions/{stubborn}"))
    with pytest.raises(LifecycleError, match=stubborn):
        stage.update(before, status="cancelled")
    after = stage.update(before, status="cancelled")
    assert (after.ended_sessions, after.ended) == (5, True)
    assert stage.nothing_runs_ever()


def test_sessions_that_can_be_neither_deleted_nor_ended_are_an_error_that_names_them(stage: Stage) -> None:
    stage.sim.settings.failing_deletions = 2
    before = stage.start("completed")
    stuck = [session.session_id for session in stage.live[:2]]
    stage.sim.faults.add(Fault("status", status=403, path="/v1/sessions/*", times=None))
    with pytest.raises(LifecycleError) as caught:
        stage.update(before, status="deleted")
    for session in (*stuck, before.id):
        assert session in str(caught.value)
    assert len(stage.live) == 2
    stage.sim.faults.clear()
    stage.sim.settings.failing_deletions = 0
    again = stage.update(before, status="deleted")
    assert again.live_status == "deleted"
    assert stage.nothing_runs_ever()


def test_an_error_about_many_sessions_names_some_and_counts_the_rest(stage: Stage) -> None:
    stage.sim.settings.failing_deletions = 40
    before = stage.start("completed", count=40)
    stage.sim.faults.add(Fault("status", status=403, path="/v1/sessions/*", times=None))
    with pytest.raises(LifecycleError, match="40 sessions") as caught:
        stage.update(before, status="deleted")
    named = [session.session_id for session in stage.live if session.session_id in str(caught.value)]
    assert 0 < len(named) < 40
    assert f"and {40 - len(named)} more" in str(caught.value)


@pytest.mark.parametrize("answer", ["404", "zeros"])
@pytest.mark.parametrize("wish", ["update", "destroy"])
def test_a_batch_that_was_deleted_before_is_a_success(stage: Stage, answer: Any, wish: str) -> None:
    stage.sim.settings.second_delete = answer
    before = stage.start("completed")
    stage.sim.delete(before.id)
    after = stage.update(before, status="deleted") if wish == "update" else stage.batches.delete(before, stage.told)
    assert after.live_status == "deleted"
    assert after.deleted_sessions == (0 if answer == "zeros" else None)
    assert stage.asked == ["DELETE batch"]
    assert stage.told.warnings == []
    assert stage.told.infos


def test_a_deletion_whose_answer_was_lost_is_asked_again(stage: Stage) -> None:
    before = stage.start("completed")
    stage.sim.faults.add(Fault("reset_after", method="DELETE"))
    after = stage.later_run(max_retries=2).delete(before, stage.told)
    assert stage.asked == ["DELETE batch"] * 2
    assert (after.live_status, after.deleted_sessions) == ("deleted", None)
    assert stage.nothing_runs_ever()


# The way back, and what is only recorded


def test_from_deleted_to_cancelled_there_is_nothing_to_do(stage: Stage) -> None:
    deleted = stage.update(stage.start(), status="deleted")
    stage.forget(deleted)
    after = stage.update(deleted, status="cancelled")
    assert stage.sim.requests == []
    assert (after.status, after.live_status) == ("cancelled", "deleted")


@pytest.mark.parametrize("given", [{"on_destroy": "cancel"}, {"if_completed": "fail"}, {"on_missing": "recreate"}])
def test_how_a_batch_is_treated_is_recorded_with_no_call(stage: Stage, given: dict[str, Any]) -> None:
    after = stage.update(stage.start("processing"), **given)
    assert stage.sim.requests == []
    assert given.items() <= after.model_dump().items()
    assert len(stage.live) == 5


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_what_a_stopped_batch_was_started_with_is_recorded_with_a_notice(stage: Stage, status: str) -> None:
    stopped = stage.update(stage.start("processing"), status=status)
    stage.forget(stopped)
    after = stage.update(stopped, count=9, metadata={"a": 1})
    assert stage.sim.requests == []
    assert (after.count, after.metadata, after.id) == (9, {"a": 1}, stopped.id)
    assert any("count, metadata" in text for text in stage.told.infos)


# Destroying


def stops(stage: Stage, before: BatchRecord) -> BatchRecord:
    """Destroys, and holds that nothing runs and nothing starts later."""
    after = stage.batches.delete(before, stage.told)
    assert stage.nothing_runs_ever()
    return after


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("wish", ON_DESTROY)
def test_a_destroy_leaves_nothing_running_and_nothing_that_starts_later(stage: Stage, wish: Any, phase: Phase) -> None:
    before = stage.start(phase, on_destroy=wish)
    assert stage.live
    stops(stage, before)
    assert ("DELETE batch" in stage.asked) is (wish == "delete")
    assert stage.sim.batches[before.id].deleted is (wish == "delete")
    assert stage.told.infos


@pytest.mark.parametrize("cancellable", [True, False])
@pytest.mark.parametrize("wish", ["cancel", "end_sessions"])
def test_a_failed_batch_is_stopped_by_a_destroy_that_keeps_its_data(stage: Stage, wish: Any, cancellable: bool) -> None:
    stage.sim.settings.failed_batch_cancellable = cancellable
    stops(stage, stage.start("failed", on_destroy=wish))
    assert "DELETE batch" not in stage.asked


@pytest.mark.parametrize("if_completed", ["end_sessions", "delete"])
def test_a_destroy_by_cancel_treats_a_completed_batch_as_if_completed_says(stage: Stage, if_completed: Any) -> None:
    before = stage.start("completed", on_destroy="cancel", if_completed=if_completed)
    after = stops(stage, before)
    assert (after.ended_sessions, after.deleted_sessions) == (
        (5, None) if if_completed == "end_sessions" else (None, 5)
    )


@pytest.mark.parametrize("wish", ON_DESTROY)
def test_a_batch_already_deleted_is_left_alone(stage: Stage, wish: Any) -> None:
    deleted = stage.update(stage.start("completed"), status="deleted", on_destroy=wish)
    stage.forget(deleted)
    stops(stage, deleted)
    assert stage.sim.requests == []


@pytest.mark.parametrize("wish", ["cancel", "end_sessions"])
def test_a_batch_already_cancelled_is_only_looked_at_where_its_data_is_to_stay(stage: Stage, wish: Any) -> None:
    cancelled = stage.update(stage.start("processing"), status="cancelled", on_destroy=wish)
    stage.forget(cancelled)
    stops(stage, cancelled)
    assert (stage.asked, stage.looks) == ([], 1)
    assert stage.told.warnings == []


@pytest.mark.parametrize("is_refreshed", [True, False])
@pytest.mark.parametrize("wish", ["cancel", "end_sessions"])
def test_a_destroy_stops_what_a_retry_has_started_in_a_batch_that_was_stopped(
    stage: Stage, wish: Any, is_refreshed: bool
) -> None:
    stage.sim.settings.failing_sessions = 2
    ended: BatchRecord | None = stage.update(stage.start("completed"), status="cancelled", on_destroy=wish)
    assert ended is not None
    assert (ended.ended, ended.still_running) == (True, 0)
    assert stage.client().retry_batch(ended.known_id, 1).value().retried_sessions == 2
    stage.sim.complete(ended.known_id)
    if is_refreshed:
        ended = stage.batches.read(ended, stage.told)
        assert ended is not None
    assert len(stage.live) == 2
    after = stage.batches.delete(ended, stage.told)
    assert after.still_running == 0
    assert stage.nothing_runs_ever()


def test_a_cancelled_batch_is_deleted_by_a_destroy_that_deletes(stage: Stage) -> None:
    cancelled = stage.update(stage.start("processing"), status="cancelled")
    stage.forget(cancelled)
    stops(stage, cancelled)
    assert stage.asked == ["DELETE batch"]


@pytest.mark.parametrize("phase", PHASES)
def test_end_sessions_while_creation_ends_between_two_calls(stage: Stage, phase: Phase) -> None:
    before = stage.start(phase, on_destroy="end_sessions")
    stage.sim.faults.add(Fault("complete_before", method="PATCH"))
    stops(stage, before)


@pytest.mark.parametrize("wish", ON_DESTROY)
@pytest.mark.parametrize("gone", ["404", "empty"])
def test_a_batch_that_somebody_else_deleted_is_a_success(stage: Stage, wish: Any, gone: Any) -> None:
    stage.sim.settings.get_after_delete = gone
    before = stage.start("completed", on_destroy=wish)
    stage.sim.delete(before.id)
    assert stops(stage, before).live_status == "deleted"


@pytest.mark.parametrize("wish", ON_DESTROY)
@pytest.mark.parametrize(
    ("fault", "error"), [(Fault("status", status=503), ServerError), (Fault("reset_before"), NoAnswer)],
    ids=["503", "reset"],
)  # fmt: skip
def test_a_destroy_that_the_api_does_not_answer_is_an_error_never_a_success(
    stage: Stage, wish: Any, fault: Fault, error: type[ApiError]
) -> None:
    before = stage.start("completed", on_destroy=wish)
    stage.sim.faults.add(Fault(fault.kind, status=fault.status, times=None))
    with pytest.raises(error):
        stage.batches.delete(before, stage.told)
    assert len(stage.live) == 5


def test_a_destroy_says_how_many_it_deleted(stage: Stage) -> None:
    stage.batches.delete(stage.start("completed"), stage.told)
    assert any("5 sessions deleted" in text for text in stage.told.infos)
