"""From what was done to what is known: entries become a record. Pure; the one rule for counts stands here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Literal

from pulumi_anchorbrowser.api import Answered, BatchDeleted, BatchDetails
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.steps import (
    Call,
    Cancel,
    Confirm,
    Delete,
    EndSessions,
    Entry,
    Find,
    Get,
    Start,
)
from pulumi_anchorbrowser.receipts import Receipt

Stop = Literal["cancel", "delete", "end_sessions"]


@dataclass(frozen=True)
class Said:
    """What the API said in one stop of a batch: in this attempt, in an earlier one, or in the state.

    `counted` is the count of a response, None where the response had none; `was_answered` says whether there was a
    response. `was_lost`: a try may have been handled without its response arriving. Endings name their sessions, but
    for those in the state: `is_whole` says that these were all that ran. `left` may run on: the API refused to end
    them, or knew none of them (HTTP 404) and no look at the sessions followed.
    """

    stop: Stop
    was_answered: bool = False
    counted: int | None = None
    failed: int = 0
    was_lost: bool = False
    is_whole: bool = False
    ended: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Counts:
    """The counts of a batch; None where the API has not said one, or a lost response may have had a part of it."""

    cancelled_sessions: int | None
    ended_sessions: int | None
    deleted_sessions: int | None


def fold(record: BatchRecord, entries: Sequence[Entry], past: Sequence[Said] = ()) -> BatchRecord:
    """Return the record after these entries. `past` is what the API said of the batch in earlier runs."""
    counts = counts_of([*_in_state(record, past), *past, *said_in(entries)], record.total_requests)
    for entry in entries:
        record = _after(record, entry)
    return record.but(
        cancelled_sessions=counts.cancelled_sessions,
        ended_sessions=counts.ended_sessions,
        deleted_sessions=counts.deleted_sessions,
    )


def counts_of(said: Sequence[Said], total: int | None) -> Counts:
    """Return what the API has said in all, by the one rule for counts.

    Deletions add up: each removes other sessions. A second cancel adds nothing, since the same sessions may have been
    counted before; where it reports another number than 0 or the first one's, it may have stopped others as well.
    Endings are counted by session. After a lost response, or after two such cancels, a count is None, unless it makes
    up the whole batch; so is a sum above `total`.
    """
    return Counts(_cancelled(said, total), _ended(said, total), _deleted(said, total))


def said_in(entries: Iterable[Entry]) -> list[Said]:
    """Return what the API said in the stops among these entries."""
    return [said for entry in entries if (said := _said(entry)) is not None]


def said_in_receipt(receipt: Receipt) -> Said | None:
    """Return what the API said in an earlier stop; None for a receipt of anything else.

    Without an outcome the run was killed in mid-call, so the response counts as lost.
    """
    if receipt.operation not in {"cancel", "delete", "end_sessions"}:
        return None
    stop: Stop = receipt.operation
    was_lost = receipt.was_lost or receipt.outcome in {None, "unknown"}
    if stop == "end_sessions":
        ended, lost = frozenset(receipt.ended), frozenset(receipt.lost)
        was_answered = bool(ended) or receipt.outcome in {"done", "gone"}
        # The sessions name each lost response, unless the run was killed, or the store failed, before it was written.
        is_unnamed = receipt.outcome is None or (receipt.outcome == "unknown" and not lost)
        left = frozenset(receipt.refused if receipt.still_running == 0 else (*receipt.refused, *receipt.gone))
        return Said(stop, was_answered, was_lost=is_unnamed, ended=ended, lost=lost, left=left)
    counted = receipt.cancelled_sessions if stop == "cancel" else receipt.deleted_sessions
    return Said(stop, receipt.outcome == "done", counted, receipt.failed_deletions or 0, was_lost)


def _said(entry: Entry) -> Said | None:
    if isinstance(entry.step, EndSessions):
        ended = {id_ for id_, one in entry.endings.items() if isinstance(one.last, Answered)}
        lost = {id_ for id_, one in entry.endings.items() if one.was_lost} - ended
        gone = {id_ for id_, one in entry.endings.items() if one.is_gone}
        left = frozenset(entry.endings) - ended - lost - gone
        was_answered = bool(ended or gone)
        return Said("end_sessions", was_answered, ended=frozenset(ended), lost=frozenset(lost), left=left)
    if entry.outcome is None or not isinstance(entry.step, (Cancel, Delete)):
        return None
    stop: Stop = "cancel" if isinstance(entry.step, Cancel) else "delete"
    response = entry.answer
    if response is None:
        return Said(stop, was_lost=entry.outcome.was_lost)
    counted = response.cancelled_sessions if stop == "cancel" else response.deleted_sessions
    failed = 0 if stop == "cancel" else response.failed or 0
    return Said(stop, was_answered=True, counted=counted, failed=failed, was_lost=entry.outcome.was_lost)


def _in_state(record: BatchRecord, past: Sequence[Said]) -> list[Said]:
    """Counts that the state has: of calls in this machine's receipts, or of another machine's.

    Cancels and endings may be both: equal counts of cancels are one, and `_ended` compares the endings.
    """
    counts: dict[Stop, int | None] = {
        "cancel": record.cancelled_sessions,
        "end_sessions": record.ended_sessions,
        "delete": record.deleted_sessions,
    }
    failed, is_whole = record.failed_deletions or 0, record.is_stopped and record.still_running == 0
    said = [
        Said(stop, was_answered=True, counted=count, failed=failed, is_whole=is_whole)
        for stop, count in counts.items()
        if count is not None
    ]
    return [beside for one in said if (beside := _beside_receipts(one, past)) is not None]


def _beside_receipts(in_state: Said, past: Sequence[Said]) -> Said | None:
    """Return what the state says beside the receipts, since deletions add up; None where it is about the same ones."""
    here = [one for one in past if one.stop == in_state.stop == "delete" and one.was_answered]
    sums = accumulate(one.counted or 0 for one in here)
    # After a deletion of this machine, the state has its sum so far, and how many had failed then.
    so_far = zip(sums, (one.failed for one in here), strict=True)
    is_same = (in_state.counted, in_state.failed) in list(so_far)
    if is_same or (here and not in_state.counted):
        return None
    # How much of the state's count is from here cannot be told, unless that is nothing.
    return replace(in_state, counted=None) if any(one.counted for one in here) else in_state


def _cancelled(said: Sequence[Said], total: int | None) -> int | None:
    cancels = [one for one in said if one.stop == "cancel"]
    counted = _all_said(cancels)
    if counted is None:
        return None
    count = max(counted)
    is_certain = len(set(counted) - {0}) <= 1 or count == total
    return _unless_lost(count, cancels, total) if is_certain else None


def _deleted(said: Sequence[Said], total: int | None) -> int | None:
    deletions = [one for one in said if one.stop == "delete"]
    counted = _all_said(deletions)
    if counted is None:
        return None
    # A lost deletion may have deleted what the response before it called failed.
    last = next((one for one in reversed(deletions) if one.was_answered or one.was_lost), None)
    failed = last.failed if last is not None and last.was_answered else 0
    return _unless_lost(sum(counted), deletions, total, failed)


def _ended(said: Sequence[Said], total: int | None) -> int | None:
    endings = [one for one in said if one.stop == "end_sessions"]
    if not any(one.was_answered for one in endings):
        return None
    ended, lost, left = (_named(endings, how) for how in ("ended", "lost", "left"))
    in_state = next((one for one in endings if one.counted is not None), None)
    count = max(len(ended), in_state.counted or 0) if in_state is not None else len(ended)
    if total is not None and count >= total:
        return count
    if lost - ended or any(one.was_lost for one in endings):
        return None
    # The state does not name its sessions, so those named here may be the same ones, or others. Where a stop here left
    # sessions running, it was not saved, and another machine may have ended those, and saved that.
    is_part = in_state is not None and not (in_state.is_whole and left <= ended)
    return None if is_part and ended else count


def _named(endings: Iterable[Said], how: Literal["ended", "lost", "left"]) -> frozenset[str]:
    return frozenset[str]().union(*(getattr(one, how) for one in endings))


def _all_said(stops: Sequence[Said]) -> list[int] | None:
    answers = [one.counted for one in stops if one.was_answered]
    counted = [count for count in answers if count is not None]
    return counted if counted and len(counted) == len(answers) else None


def _unless_lost(count: int, stops: Sequence[Said], total: int | None, failed: int = 0) -> int | None:
    if total is not None and count > total:
        return None
    is_all = total is not None and count + failed >= total
    return count if is_all or not any(one.was_lost for one in stops) else None


def _after(record: BatchRecord, entry: Entry) -> BatchRecord:
    if isinstance(entry.step, Confirm):
        return _confirmed(record, entry.answer, entry.at)
    if isinstance(entry.step, (Cancel, Delete, EndSessions)):
        record = record.but(still_running=None, confirmed_at=None)
    if entry.answer is None:
        return record
    if entry.other_account is not None:
        record = record.but(account=entry.other_account.account)
    return _answered(record, entry.step, entry.answer)


def _answered(record: BatchRecord, step: Call, value: Any) -> BatchRecord:
    match step:
        case Start():
            known = {"live_status": value.status, "created_at": value.created_at}
            return record.but(batch_id=value.batch_id, total_requests=value.total_requests, **known)
        case Find():
            return record.but(batch_id=value.batch_id)
        case Get():
            return record if isinstance(value, BatchDetails) and value.is_empty else record.seen(value)
        case Cancel():
            return record.but(live_status=value.status, message=value.message)
        case Delete():
            return _deletion(record, value)
    return record


def _deletion(record: BatchRecord, response: BatchDeleted) -> BatchRecord:
    errors = [{"session_id": one.session_id, "error": one.error} for one in response.errors]
    return record.but(
        failed_deletions=response.failed, deletion_errors=errors or None, message=response.message or record.message
    )


def _confirmed(record: BatchRecord, look: Any, at: str) -> BatchRecord:
    still_running = None if look is None else look.still_running
    return record.but(still_running=still_running, confirmed_at=None if still_running is None else at)
