"""The one rule for counts, as a table: what the API said in each stop, and what of it is certain."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifecycle.one_batch import ID, few, record

from pulumi_anchorbrowser.api import (
    AlreadySettled,
    Answered,
    BatchCancelled,
    BatchDeleted,
    Forbidden,
    Lost,
    NoAnswer,
    NotFound,
    Outcome,
    Refused,
)
from pulumi_anchorbrowser.lifecycle.fold import Counts, Said, counts_of, fold, said_in, said_in_receipt
from pulumi_anchorbrowser.lifecycle.steps import Cancel, Delete, EndSessions, Entry
from pulumi_anchorbrowser.receipts import Receipt, Subject

TOTAL = 5
LOST = Lost(NoAnswer("do it", "no response"))
GONE = Refused(NotFound("do it", "HTTP 404", status=404))
REFUSED = Refused(Forbidden("do it", "HTTP 403", status=403))
SETTLED = Refused(AlreadySettled("do it", "HTTP 409", status=409))


def cancelled(count: int | None) -> Answered[BatchCancelled]:
    return Answered(BatchCancelled(cancelled_sessions=count))


def deleted(count: int | None, failed: int | None = None) -> Answered[BatchDeleted]:
    return Answered(BatchDeleted(deleted_sessions=count, failed_deletions=failed))


def cancel(*tries: Any) -> Entry:
    return Entry(Cancel(), Outcome(tries))


def delete(*tries: Any) -> Entry:
    return Entry(Delete(), Outcome(tries))


def end(**tries: Any) -> Entry:
    """Return the endings of sessions by their ids; each has one try or several."""
    endings = {id_: Outcome(one if isinstance(one, tuple) else (one,)) for id_, one in tries.items()}
    return Entry(EndSessions(tuple(endings)), endings=endings)


ENDED = Answered(None)


def counts(*entries: Entry, total: int | None = TOTAL) -> Counts:
    return counts_of(said_in(entries), total)


@pytest.mark.parametrize(
    ("entries", "count"),
    [
        ([], None),
        ([cancel(cancelled(3))], 3),
        ([cancel(cancelled(0))], 0),
        ([cancel(cancelled(None))], None),
        ([cancel(REFUSED)], None),
        ([cancel(SETTLED)], None),
        ([cancel(GONE)], None),
        ([cancel(LOST)], None),
        ([cancel(SETTLED), cancel(cancelled(3))], 3),
        # The lost request may have stopped some, and the one that was answered the others.
        ([cancel(LOST, cancelled(3))], None),
        ([cancel(LOST, SETTLED)], None),
        ([cancel(LOST), cancel(cancelled(3))], None),
        ([cancel(cancelled(3)), cancel(LOST)], None),
        # Nothing is left that a lost request could have stopped.
        ([cancel(LOST, cancelled(5))], 5),
        ([cancel(LOST), cancel(cancelled(5))], 5),
        # A second cancel may count the same sessions again.
        ([cancel(cancelled(3)), cancel(cancelled(3))], 3),
        ([cancel(cancelled(3)), cancel(cancelled(0))], 3),
        ([cancel(cancelled(0)), cancel(cancelled(3))], 3),
        ([cancel(cancelled(3)), cancel(cancelled(None))], None),
        # The one of two has stopped some, or all, of the three, or others.
        ([cancel(cancelled(2)), cancel(cancelled(3))], None),
        ([cancel(cancelled(3)), cancel(cancelled(0)), cancel(cancelled(2))], None),
        ([cancel(cancelled(2)), cancel(cancelled(5))], 5),
        ([cancel(cancelled(5)), cancel(LOST), cancel(cancelled(1))], 5),
        ([cancel(cancelled(6)), cancel(cancelled(5))], None),
        ([cancel(cancelled(3)), cancel(SETTLED)], 3),
        ([cancel(cancelled(6))], None),
    ],
)
def test_cancelled_sessions(entries: list[Entry], count: int | None) -> None:
    assert counts(*entries) == Counts(count, None, None)


@pytest.mark.parametrize(
    ("entries", "count"),
    [
        ([], None),
        ([delete(deleted(5, 0))], 5),
        ([delete(deleted(0, 0))], 0),
        ([delete(deleted(None, 0))], None),
        ([delete(GONE)], None),
        ([delete(REFUSED)], None),
        ([delete(LOST)], None),
        # Each deletion removes other sessions.
        ([delete(deleted(3, 2)), delete(deleted(2, 0))], 5),
        ([delete(deleted(3, 2)), delete(deleted(0, 2)), delete(deleted(1, 1))], 4),
        ([delete(deleted(3, 2)), delete(deleted(None, 0))], None),
        ([delete(deleted(3, 2)), delete(REFUSED)], 3),
        ([delete(deleted(5, 0)), delete(GONE)], 5),
        ([delete(deleted(5, 0)), delete(deleted(0, 0))], 5),
        # A lost deletion may have had a part.
        ([delete(LOST, deleted(3, 0))], None),
        ([delete(LOST, GONE)], None),
        ([delete(LOST), delete(deleted(3, 0))], None),
        ([delete(LOST, deleted(5, 0))], 5),
        # What was deleted and what failed are the whole batch, so the lost one has deleted nothing.
        ([delete(LOST, deleted(3, 2))], 3),
        ([delete(LOST, deleted(3, 2)), delete(deleted(2, 0))], 5),
        ([delete(LOST, deleted(3, 1))], None),
        # What failed at first may have been deleted by the lost one.
        ([delete(deleted(3, 2)), delete(LOST, GONE)], None),
        ([delete(deleted(3, 2)), delete(LOST, deleted(0, 0))], None),
        ([delete(deleted(3, 2)), delete(LOST, LOST)], None),
        ([delete(deleted(3, 2)), delete(LOST, deleted(0, 2))], 3),
        ([delete(deleted(3, 2)), delete(LOST, deleted(2, 0))], 5),
        ([delete(deleted(3, 2)), delete(LOST), delete(deleted(2, 0))], 5),
        # More than there are: at least one of the counts is wrong.
        ([delete(deleted(6, 0))], None),
        ([delete(deleted(5, 0)), delete(deleted(5, 0))], None),
    ],
)
def test_deleted_sessions(entries: list[Entry], count: int | None) -> None:
    assert counts(*entries) == Counts(None, None, count)


@pytest.mark.parametrize(
    ("entries", "count"),
    [
        ([], None),
        ([end(a=ENDED, b=ENDED)], 2),
        ([end(a=ENDED, b=GONE)], 1),
        ([end(a=GONE, b=GONE)], 0),
        ([end(a=ENDED, b=REFUSED)], 1),
        ([end(a=REFUSED, b=REFUSED)], None),
        # The same session is counted once.
        ([end(a=ENDED, b=ENDED), end(a=ENDED, b=ENDED, c=ENDED)], 3),
        ([end(a=ENDED), end(a=GONE, b=GONE)], 1),
        # A session whose response was lost may have ended by that request, or before it.
        ([end(a=ENDED, b=LOST)], None),
        ([end(a=ENDED, b=(LOST, GONE))], None),
        ([end(a=ENDED, b=(LOST, REFUSED))], None),
        ([end(a=ENDED, b=(LOST, ENDED))], 2),
        ([end(a=ENDED, b=LOST), end(b=ENDED)], 2),
        ([end(a=ENDED, b=LOST), end(b=GONE)], None),
        ([end(a=ENDED, b=ENDED, c=ENDED, d=ENDED, e=LOST)], None),
        ([end(a=LOST), end(a=ENDED, b=ENDED, c=ENDED, d=ENDED, e=ENDED)], 5),
    ],
)
def test_ended_sessions(entries: list[Entry], count: int | None) -> None:
    assert counts(*entries) == Counts(None, count, None)


def test_the_counts_of_different_stops_are_independent() -> None:
    entries = [cancel(cancelled(3)), delete(deleted(1, 2)), delete(LOST), end(a=ENDED)]
    assert counts(*entries) == Counts(3, 1, None)


@pytest.mark.parametrize(
    "entries", [[cancel(cancelled(1000))], [delete(LOST, deleted(7))], [cancel(LOST, cancelled(7))]]
)
def test_where_the_size_of_the_batch_is_unknown_no_count_is_too_high_and_none_is_the_whole(
    entries: list[Entry],
) -> None:
    said = said_in(entries)
    known = [one.counted for one in said] if not any(one.was_lost for one in said) else [None]
    found = counts_of(said, None)
    assert [found.cancelled_sessions if said[0].stop == "cancel" else found.deleted_sessions] == known


# Stops of earlier runs


def receipt(operation: Any, outcome: Any, **values: Any) -> Receipt:
    subject = Subject("acme/shop/dev", "urn", "claim", "account", ID)
    return Receipt(1, "run", operation, subject, datetime.now(timezone.utc), outcome, **values)


@pytest.mark.parametrize(
    ("given_receipt", "said"),
    [
        (receipt("create", "done"), None),
        (receipt("retry", "done"), None),
        (receipt("cancel", "done", cancelled_sessions=3), Said("cancel", was_answered=True, counted=3)),
        (receipt("cancel", "refused"), Said("cancel")),
        (receipt("cancel", "gone"), Said("cancel")),
        (receipt("cancel", "unknown"), Said("cancel", was_lost=True)),
        (receipt("cancel", None), Said("cancel", was_lost=True)),
        (
            receipt("delete", "done", deleted_sessions=3, failed_deletions=2, was_lost=True),
            Said("delete", was_answered=True, counted=3, failed=2, was_lost=True),
        ),
        (receipt("delete", "gone", was_lost=True), Said("delete", was_lost=True)),
        (
            receipt("end_sessions", "done", ended=("a", "b"), was_lost=True),
            Said("end_sessions", was_answered=True, ended=frozenset("ab")),
        ),
        (receipt("end_sessions", "gone"), Said("end_sessions", was_answered=True)),
        (receipt("end_sessions", "refused"), Said("end_sessions")),
        (
            receipt("end_sessions", "unknown", ended=("a",), lost=("b",), was_lost=True),
            Said("end_sessions", was_answered=True, ended=frozenset("a"), lost=frozenset("b")),
        ),
        # A session that the API does not know has ended only where a look at the sessions says so.
        (
            receipt("end_sessions", "done", ended=("a",), gone=("b",), refused=("c",), still_running=1),
            Said("end_sessions", was_answered=True, ended=frozenset("a"), left=frozenset("bc")),
        ),
        (
            receipt("end_sessions", "done", ended=("a",), gone=("b",), still_running=0),
            Said("end_sessions", was_answered=True, ended=frozenset("a")),
        ),
        # The run was killed: other sessions may have ended too.
        (
            receipt("end_sessions", None, ended=("a",)),
            Said("end_sessions", was_answered=True, was_lost=True, ended=frozenset("a")),
        ),
    ],
)
def test_a_receipt_says_of_a_stop_what_was_said_then(given_receipt: Receipt, said: Said | None) -> None:
    assert said_in_receipt(given_receipt) == said


STOPS = [
    cancel(cancelled(3)),
    cancel(LOST, SETTLED),
    cancel(REFUSED),
    delete(deleted(3, 2)),
    delete(LOST, GONE),
    delete(LOST, deleted(2, 0)),
    end(a=ENDED, b=LOST),
    end(a=GONE, b=GONE),
    end(a=(LOST, ENDED), b=ENDED),
    end(b=REFUSED),
]


@few
@given(stops=st.lists(st.sampled_from(STOPS), max_size=4), split=st.integers(0, 4))
def test_stops_count_the_same_in_one_run_and_in_two(stops: list[Entry], split: int) -> None:
    before, after = said_in(stops[:split]), stops[split:]
    in_two = fold(record(total_requests=TOTAL), after, before)
    assert Counts(in_two.cancelled_sessions, in_two.ended_sessions, in_two.deleted_sessions) == counts(*stops)


# Counts in the state


@pytest.mark.parametrize(
    ("known", "past", "entries", "expected"),
    [
        # Another machine made those calls, and this one has no receipt of them.
        ({"cancelled_sessions": 3}, [], [delete(deleted(5, 0))], Counts(3, None, 5)),
        ({"ended_sessions": 5}, [], [delete(deleted(5, 0))], Counts(None, 5, 5)),
        ({"deleted_sessions": 5}, [], [delete(GONE)], Counts(None, None, 5)),
        # This machine has made calls of its own, and none of them was answered.
        ({"cancelled_sessions": 3}, [cancel(REFUSED)], [], Counts(3, None, None)),
        ({"cancelled_sessions": 3}, [cancel(SETTLED)], [cancel(SETTLED)], Counts(3, None, None)),
        ({"deleted_sessions": 5}, [delete(GONE)], [delete(GONE)], Counts(None, None, 5)),
        ({"ended_sessions": 5}, [end(a=REFUSED)], [], Counts(None, 5, None)),
        # The state has what the receipts have.
        ({"cancelled_sessions": 3}, [cancel(cancelled(3))], [], Counts(3, None, None)),
        (
            {"deleted_sessions": 3, "failed_deletions": 2},
            [delete(deleted(3, 2))],
            [delete(deleted(2, 0))],
            Counts(None, None, 5),
        ),
        ({"ended_sessions": 2}, [end(a=ENDED, b=ENDED)], [end(c=ENDED)], Counts(None, 3, None)),
        # The state does not name the sessions that another machine ended: an ending of the same ones adds none.
        ({"ended_sessions": 5}, [], [end(a=ENDED, b=ENDED)], Counts(None, 5, None)),
        ({"ended_sessions": 5}, [end(a=ENDED, b=ENDED)], [], Counts(None, 5, None)),
        # A cancel that this machine repeats counts the same sessions.
        ({"cancelled_sessions": 3}, [], [cancel(cancelled(3))], Counts(3, None, None)),
        ({"cancelled_sessions": 3}, [], [cancel(cancelled(2))], Counts(None, None, None)),
        ({"deleted_sessions": 3, "failed_deletions": 2}, [], [delete(deleted(2, 0))], Counts(None, None, 5)),
        # Both machines have stopped some.
        ({"cancelled_sessions": 3}, [cancel(cancelled(2))], [cancel(SETTLED)], Counts(None, None, None)),
        ({"cancelled_sessions": 5}, [cancel(cancelled(3))], [], Counts(5, None, None)),
        ({"deleted_sessions": 3}, [delete(deleted(0, 0))], [delete(GONE)], Counts(None, None, 3)),
        ({"deleted_sessions": 3}, [delete(deleted(1, 0))], [delete(GONE)], Counts(None, None, None)),
        ({"deleted_sessions": 0}, [delete(deleted(3, 0))], [], Counts(None, None, 3)),
        ({"deleted_sessions": 0}, [], [], Counts(None, None, 0)),
        (
            {"deleted_sessions": 2, "failed_deletions": 3},
            [delete(deleted(2, 3)), delete(deleted(3, 0))],
            [],
            Counts(None, None, 5),
        ),
        # As many, and other ones.
        (
            {"deleted_sessions": 2, "failed_deletions": 1},
            [delete(deleted(2, 3))],
            [delete(deleted(1, 0))],
            Counts(None, None, None),
        ),
    ],
)
def test_a_count_in_the_state_is_kept_and_counted_once(
    known: dict[str, int], past: list[Entry], entries: list[Entry], expected: Counts
) -> None:
    stopped = record(live_status="cancelled", still_running=0, total_requests=TOTAL, **known)
    after = fold(stopped, entries, said_in(past))
    assert Counts(after.cancelled_sessions, after.ended_sessions, after.deleted_sessions) == expected


@pytest.mark.parametrize("left", [LOST, REFUSED])
def test_sessions_of_a_stop_that_was_not_saved_may_be_others_than_those_in_the_state(left: Any) -> None:
    """This machine ended one session and not another, which another machine then ended and saved."""
    stopped = record(live_status="cancelled", still_running=0, total_requests=TOTAL, ended_sessions=1)
    assert fold(stopped, [], said_in([end(a=left, b=ENDED)])).ended_sessions is None


def test_a_lost_ending_may_be_of_another_session_than_those_in_the_state() -> None:
    stopped = record(live_status="cancelled", still_running=0, total_requests=TOTAL, ended_sessions=1)
    assert fold(stopped, [], said_in([end(a=LOST)])).ended_sessions is None
    assert fold(stopped, [], said_in([end(a=REFUSED)])).ended_sessions == 1
    assert fold(stopped.but(ended_sessions=TOTAL), [], said_in([end(a=LOST)])).ended_sessions == TOTAL


@pytest.mark.parametrize("left", [LOST, REFUSED])
def test_sessions_that_a_later_stop_of_this_machine_ended_are_those_in_the_state(left: Any) -> None:
    stopped = record(live_status="cancelled", still_running=0, total_requests=TOTAL, ended_sessions=2)
    assert fold(stopped, [], said_in([end(a=left, b=ENDED), end(a=ENDED, b=GONE)])).ended_sessions == 2


@pytest.mark.parametrize(
    ("entries", "count"),
    [([], 2), ([end(a=ENDED, b=ENDED)], None), ([end(**dict.fromkeys("abcde", ENDED))], TOTAL)],
)
def test_unnamed_sessions_in_the_state_of_a_batch_that_still_ran_may_be_others(entries: Any, count: int | None) -> None:
    after = fold(record(live_status="completed", total_requests=TOTAL, ended_sessions=2), entries)
    assert after.ended_sessions == count
