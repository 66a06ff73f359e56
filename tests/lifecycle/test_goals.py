"""Which goal an operation sets, and the first steps toward it, as tables and as rules that hold for every record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from lifecycle.one_batch import ID, IF_COMPLETED, ON_DESTROY, all_inputs, all_records, few, inputs, record

from pulumi_anchorbrowser.api import AlreadySettled, Answered, BatchDetails, BatchSession, NotFound, Outcome, Refused
from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord
from pulumi_anchorbrowser.lifecycle.goals import (
    Adopted,
    Cancelled,
    Deleted,
    SessionsEnded,
    Started,
    goal_of_adoption,
    goal_of_create,
    goal_of_destroy,
    goal_of_update,
    is_adoptable,
    is_dropped_when_missing,
)
from pulumi_anchorbrowser.lifecycle.next_step import TRIES, next_step
from pulumi_anchorbrowser.lifecycle.steps import (
    Cancel,
    Confirm,
    Delete,
    Done,
    EndSessions,
    Entry,
    Fail,
    Get,
    Pause,
    Step,
)


@pytest.mark.parametrize(
    ("given_inputs", "goal"),
    [
        (inputs(), Started(9)),
        (inputs(status="cancelled"), None),
        (inputs(status="deleted"), None),
        (inputs(batch_id=ID), Adopted()),
        (inputs(batch_id=ID, status="cancelled"), Adopted()),
        (inputs(batch_id=ID, status="deleted"), Adopted()),
    ],
)
def test_nothing_is_started_only_to_be_stopped(given_inputs: BatchInputs, goal: object) -> None:
    assert goal_of_create(given_inputs, 9) == goal


@pytest.mark.parametrize("status", ["active", "cancelled", "deleted"])
@pytest.mark.parametrize("live", ["pending", "processing", "completed", "failed", "cancelled"])
def test_an_adopted_batch_is_brought_to_its_status(status: str, live: str) -> None:
    adopted = record(adopted=True, count=None, status=status, live_status=live)
    goals = {"active": None, "cancelled": Cancelled(), "deleted": Deleted()}
    assert goal_of_adoption(adopted) == goals[status]
    assert is_adoptable(adopted) is not (status == "active" and live == "cancelled")


@pytest.mark.parametrize(
    ("before", "live", "after", "goal"),
    [
        ("active", "processing", "active", None),
        ("active", "processing", "cancelled", Cancelled()),
        ("active", "completed", "cancelled", Cancelled()),
        ("active", "completed", "deleted", Deleted()),
        ("active", "deleted", "cancelled", None),
        ("active", "deleted", "deleted", None),
        ("cancelled", "cancelled", "cancelled", None),
        ("cancelled", "completed", "cancelled", None),
        ("cancelled", "cancelled", "deleted", Deleted()),
        ("cancelled", "completed", "deleted", Deleted()),
        ("deleted", "deleted", "deleted", None),
        ("deleted", "deleted", "cancelled", None),
    ],
)
def test_an_update_goes_forward_only(before: str, live: str, after: str, goal: object) -> None:
    assert goal_of_update(record(status=before, live_status=live), inputs(status=after)) == goal


@pytest.mark.parametrize("after", ["cancelled", "deleted"])
def test_an_update_stops_a_batch_that_only_a_404_calls_gone(after: str) -> None:
    missing = record(live_status="deleted", missing=True)
    assert goal_of_update(missing, inputs(status=after)) in {Cancelled(), Deleted()}


@pytest.mark.parametrize(
    ("live", "if_completed", "goal"),
    [
        ("completed", "end_sessions", Cancelled("end_sessions")),
        ("completed", "delete", Cancelled("delete")),
        ("cancelled", "end_sessions", None),
        ("deleted", "end_sessions", None),
        ("completed", "accept", None),
    ],
)
def test_a_completed_batch_that_was_accepted_can_still_be_stopped(live: str, if_completed: Any, goal: object) -> None:
    accepted = record(status="cancelled", if_completed="accept", live_status=live)
    assert goal_of_update(accepted, inputs(status="cancelled", if_completed=if_completed)) == goal


@pytest.mark.parametrize(
    ("wish", "live", "goal"),
    [
        ("delete", "pending", Deleted()),
        ("delete", "completed", Deleted()),
        ("delete", "cancelled", Deleted()),
        ("delete", "deleted", None),
        ("cancel", "pending", Cancelled()),
        ("cancel", "completed", Cancelled()),
        ("cancel", "cancelled", Cancelled(is_again=True)),
        ("cancel", "deleted", None),
        ("end_sessions", "pending", SessionsEnded()),
        ("end_sessions", "completed", SessionsEnded()),
        ("end_sessions", "cancelled", SessionsEnded(is_again=True)),
        ("end_sessions", "deleted", None),
    ],
)
def test_a_destroy_does_what_on_destroy_says(wish: str, live: str, goal: object) -> None:
    confirmed = record(on_destroy=wish, live_status=live, still_running=0)
    assert goal_of_destroy(confirmed) == goal


@pytest.mark.parametrize("live", ["cancelled", "deleted"])
@pytest.mark.parametrize("wish", ON_DESTROY)
def test_a_destroy_stops_again_what_was_never_confirmed(wish: str, live: str) -> None:
    assert goal_of_destroy(record(on_destroy=wish, live_status=live, still_running=None)) is not None


@pytest.mark.parametrize("wish", ON_DESTROY)
def test_a_destroy_stops_a_batch_that_only_a_404_calls_gone(wish: str) -> None:
    assert goal_of_destroy(record(on_destroy=wish, live_status="deleted", missing=True)) is not None


def refused_cancel() -> Entry:
    return Entry(Cancel(), Outcome((Refused(AlreadySettled("cancel", "HTTP 409", status=409)),)))


def shown(status: str, sessions: int = 1) -> Entry:
    some = tuple(BatchSession(session_id=f"0f0e0d0c-0b0a-4908-8706-05040302010{n}") for n in range(sessions))
    batch = BatchDetails(
        batch_id=ID, status=status, total_requests=sessions, completed_requests=sessions, sessions=some
    )
    return Entry(Get(), Outcome((Answered(batch),)))


def not_found() -> Entry:
    return Entry(Get(), Outcome((Refused(NotFound("read", "HTTP 404", status=404)),)))


def after_refusal(if_completed: Any, *entries: Entry) -> Step:
    return next_step(record(), Cancelled(if_completed), [refused_cancel(), *entries])


CHOSEN: dict[Any, type] = {"end_sessions": EndSessions, "delete": Delete, "accept": Done, "fail": Fail}


@pytest.mark.parametrize("if_completed", IF_COMPLETED)
@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed", "cancelled", "new word", None])
def test_a_refused_cancel_is_decided_by_the_batch_itself(status: str | None, if_completed: Any) -> None:
    expected = {None: Pause, "cancelled": Confirm, "pending": Pause, "processing": Pause}.get(
        status, CHOSEN[if_completed]
    )
    if status == "new word" and if_completed == "end_sessions":
        expected = Pause  # more sessions may start, so ending those there are would not be enough
    assert after_refusal(if_completed) == Get()
    step = after_refusal(if_completed, not_found() if status is None else shown(status))
    assert type(step) is expected


def test_an_unfinished_batch_that_refuses_to_be_cancelled_is_cancelled_again_and_is_an_error_in_the_end() -> None:
    entries: list[Entry] = []
    steps = []
    while not isinstance(step := next_step(record(), Cancelled(), entries), Fail):
        steps.append(type(step))
        entries.append({Cancel: refused_cancel(), Get: shown("processing")}.get(type(step), Entry(step)))  # type: ignore[arg-type]
    assert steps.count(Cancel) == TRIES
    assert "keeps refusing" in str(step.error)


@pytest.mark.parametrize("if_completed", IF_COMPLETED)
@pytest.mark.parametrize("status", ["cancelled", "completed"])
def test_an_empty_batch_is_one_that_is_gone(status: str, if_completed: Any) -> None:
    empty = shown(status, 0)
    assert after_refusal(if_completed, empty) == Confirm()
    looked = Entry(Confirm(), Outcome((Answered(None),)))
    done = after_refusal(if_completed, empty, looked)
    assert isinstance(done, Done)
    assert done.changes == {"live_status": "deleted", "missing": True}


@pytest.mark.parametrize("wish", ["keep", "recreate"])
@pytest.mark.parametrize("status", ["active", "cancelled", "deleted"])
def test_only_an_active_batch_that_is_to_be_recreated_is_dropped(status: str, wish: str) -> None:
    expected = (status, wish) == ("active", "recreate")
    assert is_dropped_when_missing(record(status=status, on_missing=wish)) is expected


@few
@given(before=all_records(), after=all_inputs())
def test_nothing_is_ever_done_to_a_batch_that_is_deleted(before: BatchRecord, after: BatchInputs) -> None:
    confirmed = before.but(live_status="deleted", missing=False, still_running=0)
    for nothing_left in (confirmed, before.but(batch_id=None)):
        assert goal_of_update(nothing_left, after) is None
        assert goal_of_destroy(nothing_left) is None


@few
@given(before=all_records(), after=all_inputs())
def test_nothing_stops_a_batch_that_is_to_stay_active(before: BatchRecord, after: BatchInputs) -> None:
    assert goal_of_update(before, after.model_copy(update={"status": "active"})) is None


@few
@given(before=all_records())
def test_a_destroy_leaves_no_batch_that_may_still_run(before: BatchRecord) -> None:
    if not before.is_stopped:
        assert goal_of_destroy(before) is not None


@few
@given(before=all_records())
def test_data_is_kept_where_it_is_to_be_kept(before: BatchRecord) -> None:
    for wish in ON_DESTROY[1:]:
        assert goal_of_destroy(before.but(on_destroy=wish)) != Deleted()
