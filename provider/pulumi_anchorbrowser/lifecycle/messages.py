"""What an attempt to reach a goal reports when it ends, from the record before and after and from its entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from pulumi_anchorbrowser.api import AlreadySettled, Lost
from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.lifecycle.changes import Changes
from pulumi_anchorbrowser.lifecycle.goals import (
    Adopted,
    Cancelled,
    Deleted,
    Goal,
    Refreshed,
    SessionsEnded,
    Started,
    StopGoal,
    goal_of_destroy,
    goal_of_update,
    is_dropped_when_missing,
)
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.next_step import CANCELLING
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord
from pulumi_anchorbrowser.lifecycle.steps import Cancel, Confirm, Delete, EndSessions, Entry, Start
from pulumi_anchorbrowser.words import counted, sessions


class Message(NamedTuple):
    """A message and its severity."""

    severity: Literal["info", "warning"]
    text: str


def messages_of(before: BatchRecord, after: BatchRecord, goal: Goal, entries: Sequence[Entry]) -> list[Message]:
    """Return what to report of an attempt that reached its goal."""
    if after.batch_id is None:
        return [*_ended_without_batch(after, entries)]
    return [
        *_beginning(after, goal, entries),
        *_stops(after, entries),
        *_gone(before, after, goal),
        *_proof(after, entries),
    ]


def intent_of(record: BatchRecord, news: Mapping[str, Any], changes: Changes) -> str | None:
    """Return what a changed resource will start and stop, for a preview; None where it does neither.

    `news` may hold values that are not known yet.
    """
    if changes.replaces:
        old = _stop_in_words(goal_of_destroy(record), record)
        return f"this change {_start_in_words(news)}, then {old}" if old else f"this change {_start_in_words(news)}"
    try:
        goal = goal_of_update(record, BatchInputs.model_validate({**news, "configuration": None, "metadata": None}))
    except ValidationError:
        return None  # Something decisive is not known yet.
    stop = _stop_in_words(goal, record)
    return f"this change {stop}" if stop else None


def _start_in_words(news: Mapping[str, Any]) -> str:
    batch_id, count = news.get("batch_id"), news.get("count")
    if batch_id is not None:
        return f"adopts batch {batch_id}" if isinstance(batch_id, str) else "adopts another batch"
    return f"starts {counted(count, 'browser')}" if isinstance(count, int) else "starts another batch"


def _stop_in_words(goal: StopGoal | None, record: BatchRecord) -> str | None:
    if goal is None or (not isinstance(goal, Deleted) and goal.is_again):
        return None
    most = record.total_requests if record.total_requests is not None else record.count
    up_to = "its browsers" if most is None else f"up to {counted(most, 'browser')}"
    verb = {Deleted: "deletes", Cancelled: "cancels", SessionsEnded: "ends every session of"}[type(goal)]
    data = "and their data" if isinstance(goal, Deleted) else "their data is kept"
    return f"{verb} batch {record.batch_id}: {up_to}{' ' if isinstance(goal, Deleted) else '; '}{data}"


def _beginning(after: BatchRecord, goal: Goal, entries: Sequence[Entry]) -> Iterator[Message]:
    if isinstance(goal, Adopted):
        yield Message("info", f"adopted batch {after.batch_id}: {after.live_status}, {sessions(after.total_requests)}")
    if not isinstance(goal, Started):
        return
    last = next((one.outcome.last for one in entries if isinstance(one.step, Start) and one.outcome), None)
    if isinstance(last, Lost):
        yield Message(
            "warning",
            f"the response to the create was lost ({last.error.reason}). Found batch {after.batch_id}, which it "
            "started, by its claim.",
        )
    else:
        yield Message("info", f"started batch {after.batch_id}: {sessions(after.count)} requested")


def _stops(after: BatchRecord, entries: Sequence[Entry]) -> Iterator[Message]:
    for number, entry in enumerate(entries):
        if isinstance(entry.step, Cancel):
            yield from _cancelled(after, entry, entries)
        if isinstance(entry.step, Delete) and _is_last_of(Delete, number, entries):
            yield from _deleted(after, entry, entries)
        if isinstance(entry.step, EndSessions) and _is_last_of(EndSessions, number, entries):
            yield from _ended(after, entries)


def _cancelled(after: BatchRecord, entry: Entry, entries: Sequence[Entry]) -> Iterator[Message]:
    response = entry.answer
    count = after.cancelled_sessions
    if response is not None:
        yield Message("info", f"cancelled batch {after.batch_id}: {sessions(count)} stopped")
        if count is None:
            yield _unknown_count(after, "cancelled")
        if after.live_status not in {CANCELLED, DELETED}:
            yield _unfinished(after)
    elif isinstance(entry.error, AlreadySettled):
        yield from _refused(after, entry, entries)


def _unfinished(after: BatchRecord) -> Message:
    return Message(
        "warning",
        f"the API accepted the cancel of batch {after.batch_id} and still reports {after.live_status!r}. "
        "Run the same command again later.",
    )


def _refused(after: BatchRecord, entry: Entry, entries: Sequence[Entry]) -> Iterator[Message]:
    if not any(entry is one for one in _last_cancels(entries)):
        return
    if after.live_status == CANCELLED:
        if after.cancelled_sessions is None:
            text = "how many sessions the earlier cancel stopped is unknown, so cancelled_sessions is empty"
            yield Message("warning", f"batch {after.batch_id} was already cancelled; {text}")
        else:
            count = sessions(after.cancelled_sessions)
            yield Message("info", f"batch {after.batch_id} was already cancelled: {count} stopped, by its receipt")
    elif after.live_status == CANCELLING:
        yield _unfinished(after)
    elif not any(isinstance(one.step, (Delete, EndSessions)) for one in entries) and not after.missing:
        yield Message(
            "warning",
            f"batch {after.batch_id} is {after.live_status}, so the API did not cancel it. Its browsers keep running "
            "until they end by themselves, because if_completed is 'accept'.",
        )


def _last_cancels(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if isinstance(one.step, Cancel)][-1:]


def _deleted(after: BatchRecord, entry: Entry, entries: Sequence[Entry]) -> Iterator[Message]:
    count = after.deleted_sessions
    if entry.is_gone:
        known = "" if count is None else f": {sessions(count)} deleted, by its receipts"
        yield Message("info", f"batch {after.batch_id} was already gone{known}")
    else:
        failed = f", {after.failed_deletions} failed" if after.failed_deletions is not None else ""
        yield Message("info", f"deleted batch {after.batch_id}: {sessions(count)} deleted{failed}")
    was_lost = any(one.outcome.was_lost for one in entries if isinstance(one.step, Delete) and one.outcome)
    if count is None and (not entry.is_gone or was_lost):
        yield _unknown_count(after, "deleted")
    if after.failed_deletions and not entry.is_gone:
        yield Message(
            "warning",
            f"{sessions(after.failed_deletions)} of batch {after.batch_id} could not be deleted and were ended one by "
            "one instead: their browsers stopped, and their data may remain",
        )


def _ended(after: BatchRecord, entries: Sequence[Entry]) -> Iterator[Message]:
    count = after.ended_sessions
    if count is None:
        yield _unknown_count(after, "ended")
    elif not any(isinstance(one.step, Delete) for one in entries):
        yield Message(
            "info", f"ended the sessions of batch {after.batch_id} one by one: {sessions(count)} ended, data kept"
        )


def _ended_without_batch(after: BatchRecord, entries: Sequence[Entry]) -> Iterator[Message]:
    ended = {id_ for one in entries for id_, outcome in one.endings.items() if outcome.error is None}
    if any(isinstance(one.step, EndSessions) for one in entries):
        yield Message(
            "warning",
            f"ended {sessions(len(ended))} of claim {after.claim} one by one, because the API does not list the batch",
        )


def _unknown_count(after: BatchRecord, verb: str) -> Message:
    return Message(
        "warning",
        f"how many sessions of batch {after.batch_id} were {verb} is unknown, because a response was lost or had no "
        f"usable count: {verb}_sessions is empty",
    )


def _gone(before: BatchRecord, after: BatchRecord, goal: Goal) -> Iterator[Message]:
    is_dropped = isinstance(goal, Refreshed) and is_dropped_when_missing(after)
    if is_dropped and after.missing and after.still_running:
        yield Message(
            "warning",
            f"the API no longer knows batch {after.batch_id}, and lists {sessions(after.still_running)} of it as "
            "running: the resource stays in the state, although on_missing is 'recreate'. `pulumi destroy` ends these "
            "sessions.",
        )
    is_wanted = isinstance(goal, Deleted) or after.status == "deleted"
    if after.missing and not before.missing and not is_wanted and not is_dropped:
        yield Message(
            "warning",
            f"the API no longer knows batch {after.batch_id}: recorded as deleted, with the counts known so far",
        )


def _proof(after: BatchRecord, entries: Sequence[Entry]) -> Iterator[Message]:
    looks = [one for one in entries if isinstance(one.step, Confirm)]
    if not looks or after.still_running is not None:
        return
    look = looks[-1].answer
    if look is None:
        error = looks[-1].error
        why = f"its sessions could not be listed ({error.reason if error else 'no response'})"
    else:
        words = ", ".join(repr(word) for word in look.unknown)
        why = f"the API lists sessions as {words}, which this release does not know"
    yield Message(
        "warning",
        f"could not confirm that batch {after.batch_id} has stopped: {why}; still_running is empty. Check it with "
        f"`pulumi-anchorbrowser show {after.batch_id}`.",
    )


def _is_last_of(kind: type, number: int, entries: Sequence[Entry]) -> bool:
    return not any(isinstance(one.step, kind) for one in entries[number + 1 :])
