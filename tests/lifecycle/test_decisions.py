"""What is decided, as tables and as rules that hold for every record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from lifecycle.kept import ID, IF_COMPLETED, ON_DESTROY, all_inputs, all_records, few, inputs, record

from pulumi_anchorbrowser.api import Batch, BatchSession
from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord
from pulumi_anchorbrowser.lifecycle.decisions import (
    Accept,
    Adopt,
    AlreadyCancelled,
    AlreadyGone,
    Cancel,
    Delete,
    EndSessions,
    Forget,
    Keep,
    Nothing,
    RecordOnly,
    Refuse,
    Start,
    on_adopt,
    on_create,
    on_destroy,
    on_missing,
    on_refused_cancel,
    on_update,
)


@pytest.mark.parametrize(
    ("given_inputs", "decision"),
    [
        (inputs(), Start()),
        (inputs(status="cancelled"), RecordOnly()),
        (inputs(status="deleted"), RecordOnly()),
        (inputs(batch_id=ID), Adopt()),
        (inputs(batch_id=ID, status="cancelled"), Adopt()),
        (inputs(batch_id=ID, status="deleted"), Adopt()),
    ],
)
def test_nothing_is_started_only_to_be_stopped(given_inputs: BatchInputs, decision: object) -> None:
    assert on_create(given_inputs) == decision


@pytest.mark.parametrize(
    ("status", "live", "decision"),
    [
        ("active", "pending", Nothing),
        ("active", "processing", Nothing),
        ("active", "completed", Nothing),
        ("active", "failed", Nothing),
        ("active", "cancelled", Refuse),
        ("cancelled", "processing", Cancel),
        ("cancelled", "completed", Cancel),
        ("cancelled", "cancelled", Cancel),
        ("deleted", "completed", Delete),
        ("deleted", "cancelled", Delete),
    ],
)
def test_an_adopted_batch_is_brought_to_its_status(status: str, live: str, decision: type) -> None:
    assert isinstance(on_adopt(record(adopted=True, count=None, status=status, live_status=live)), decision)


@pytest.mark.parametrize(
    ("before", "live", "after", "decision"),
    [
        ("active", "processing", "active", Nothing()),
        ("active", "processing", "cancelled", Cancel()),
        ("active", "completed", "cancelled", Cancel()),
        ("active", "completed", "deleted", Delete()),
        ("active", "deleted", "cancelled", Nothing()),
        ("active", "deleted", "deleted", Nothing()),
        ("cancelled", "cancelled", "cancelled", Nothing()),
        ("cancelled", "completed", "cancelled", Nothing()),
        ("cancelled", "cancelled", "deleted", Delete()),
        ("cancelled", "completed", "deleted", Delete()),
        ("deleted", "deleted", "deleted", Nothing()),
        ("deleted", "deleted", "cancelled", Nothing()),
    ],
)
def test_an_update_goes_forward_only(before: str, live: str, after: str, decision: object) -> None:
    assert on_update(record(status=before, live_status=live), inputs(status=after)) == decision


@pytest.mark.parametrize(
    ("live", "if_completed", "decision"),
    [
        ("completed", "end_sessions", Cancel()),
        ("completed", "delete", Cancel()),
        ("cancelled", "end_sessions", Nothing()),
        ("deleted", "end_sessions", Nothing()),
        ("completed", "accept", Nothing()),
    ],
)
def test_a_completed_batch_that_was_accepted_can_still_be_stopped(
    live: str, if_completed: Any, decision: object
) -> None:
    accepted = record(status="cancelled", if_completed="accept", live_status=live)
    assert on_update(accepted, inputs(status="cancelled", if_completed=if_completed)) == decision


@pytest.mark.parametrize(
    ("wish", "live", "decision"),
    [
        ("delete", "pending", Delete()),
        ("delete", "completed", Delete()),
        ("delete", "cancelled", Delete()),
        ("delete", "deleted", Nothing()),
        ("cancel", "pending", Cancel()),
        ("cancel", "completed", Cancel()),
        ("cancel", "cancelled", Nothing()),
        ("cancel", "deleted", Nothing()),
        ("end_sessions", "pending", EndSessions()),
        ("end_sessions", "completed", EndSessions()),
        ("end_sessions", "cancelled", Nothing()),
        ("end_sessions", "deleted", Nothing()),
    ],
)
def test_a_destroy_does_what_on_destroy_says(wish: str, live: str, decision: object) -> None:
    assert on_destroy(record(on_destroy=wish, live_status=live)) == decision


def seen(status: str, sessions: int = 1) -> Batch:
    return Batch(batch_id=ID, status=status, total_requests=sessions, sessions=(BatchSession(),) * sessions)


CHOSEN: dict[Any, type] = {"end_sessions": EndSessions, "delete": Delete, "accept": Accept, "fail": Refuse}


@pytest.mark.parametrize("if_completed", IF_COMPLETED)
@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed", "cancelled", "new word", None])
def test_a_refused_cancel_is_told_apart_by_the_batch_itself(status: str | None, if_completed: Any) -> None:
    expected = {
        None: AlreadyGone,
        "cancelled": AlreadyCancelled,
        "pending": Cancel,
        "processing": Cancel,
    }.get(status, CHOSEN[if_completed])
    if status == "new word" and if_completed == "end_sessions":
        expected = Cancel  # more sessions may come, so ending those there are would not be enough
    assert type(on_refused_cancel(None if status is None else seen(status), if_completed)) is expected


@pytest.mark.parametrize("if_completed", IF_COMPLETED)
@pytest.mark.parametrize("status", ["cancelled", "completed"])
def test_an_empty_batch_is_one_that_is_gone(status: str, if_completed: Any) -> None:
    assert on_refused_cancel(seen(status, 0), if_completed) == AlreadyGone()


@pytest.mark.parametrize("wish", ["keep", "recreate"])
@pytest.mark.parametrize("status", ["active", "cancelled", "deleted"])
def test_only_an_active_batch_that_is_to_be_recreated_is_forgotten(status: str, wish: str) -> None:
    expected = Forget() if (status, wish) == ("active", "recreate") else Keep()
    assert on_missing(record(status=status, on_missing=wish)) == expected


@few
@given(before=all_records(), after=all_inputs())
def test_nothing_is_ever_done_to_a_batch_that_is_gone(before: BatchRecord, after: BatchInputs) -> None:
    gone = before.but(live_status="deleted")
    never_started = before.but(batch_id=None)
    for nothing_left in (gone, never_started):
        assert on_update(nothing_left, after) == Nothing()
        assert on_destroy(nothing_left) == Nothing()


@few
@given(before=all_records(), after=all_inputs())
def test_nothing_stops_a_batch_that_is_to_stay_active(before: BatchRecord, after: BatchInputs) -> None:
    assert on_update(before, after.model_copy(update={"status": "active"})) == Nothing()


@few
@given(before=all_records())
def test_a_destroy_leaves_no_batch_that_may_still_run(before: BatchRecord) -> None:
    if not before.is_stopped:
        assert on_destroy(before) != Nothing()


@few
@given(before=all_records())
def test_data_is_kept_where_it_is_to_be_kept(before: BatchRecord) -> None:
    for wish in ON_DESTROY[1:]:
        assert on_destroy(before.but(on_destroy=wish)) != Delete()
