"""What to do next with a batch: one pure, total function of the record, the goal, and the steps taken so far.

No clock, no I/O, no environment. `tests/model` checks it exhaustively; the tables in docs/operations.md are made
from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeVar

from pulumi_anchorbrowser.api import AlreadySettled, Answered, BatchDeleted, BatchDetails, NotFound, Refused
from pulumi_anchorbrowser.api.models import CANCELLED, COMPLETED, FAILED, PENDING, UNFINISHED
from pulumi_anchorbrowser.choices import IfCompleted
from pulumi_anchorbrowser.lifecycle.errors import (
    AnotherAccount,
    BatchNotFound,
    CancelRefused,
    DeletionIncomplete,
    NotAdopted,
    OutcomeUnknown,
    SessionsNotEnded,
    SessionsNotListed,
    StillRunning,
)
from pulumi_anchorbrowser.lifecycle.fold import counts_of, fold, said_in
from pulumi_anchorbrowser.lifecycle.goals import (
    Adopted,
    Cancelled,
    Deleted,
    Goal,
    Refreshed,
    SessionsEnded,
    Sought,
    Started,
    is_adoptable,
    is_dropped_when_missing,
)
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord
from pulumi_anchorbrowser.lifecycle.steps import (
    Call,
    Cancel,
    Confirm,
    Delete,
    Done,
    EndSessions,
    Entry,
    Fail,
    Find,
    Get,
    ListSessions,
    Pause,
    Start,
    Step,
)
from pulumi_anchorbrowser.lifecycle.tags import claim_tag

# Tries of a cancel that is refused although the batch is unfinished, and of a deletion that is incomplete.
TRIES = 3
PAUSE_SECONDS = 0.5
# Before a 404 to a GET or a PATCH is believed: a replica of the API may lag. Of a batch that was started just now, any
# 404 is doubted further, as long as it may be hidden.
SECOND_LOOK_SECONDS = 1.0
HIDDEN_PAUSES = (1.0, 2.0, 4.0, 8.0)
# The API's word for a batch whose cancel it has taken and not yet finished. That, and sessions that are listed as
# running after a stop, are waited for so long.
CANCELLING = "cancelling"
CANCELLING_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
CONFIRM_PAUSES = (0.5, 1.0, 1.5, 2.0, 3.0)
# Looks for a claim come less and less often. They go on ten times as long while there is a batch without a visible
# session that may be the one (a large batch takes minutes until its first session exists, and only sessions have tags),
# and while the claim's sessions are visible and their batch is not.
FIND_FIRST_PAUSE, FIND_GROWTH, FIND_LONGEST_PAUSE = 0.25, 1.5, 5.0
PATIENCE_WITH_CANDIDATES = 10

# The reason of a wait before a 404 is believed.
NOT_FOUND = "not_found"
# How a stop, or a read, ends. Gone: the API says that there is no such batch, and answered no DELETE of this resource.
_CANCELLED = Done({"live_status": CANCELLED})
_DELETED = Done({"live_status": DELETED, "missing": False})
_GONE = Done({"live_status": DELETED, "missing": True})

_Kind = TypeVar("_Kind", bound=Call)


def next_step(start: BatchRecord, goal: Goal, entries: Sequence[Entry], hidden: float = 0.0) -> Step:
    """Return the next step toward the goal, from the record before and the entries of this attempt.

    For its first `hidden` seconds, a part of the API may not know the batch yet.
    """
    seen = _Seen(start, tuple(entries), hidden)
    is_again = isinstance(goal, (Cancelled, SessionsEnded)) and goal.is_again
    return _stop_again(seen, goal) if is_again else _toward(seen, goal)


def _stop_again(seen: _Seen, goal: Goal) -> Step:
    """Look at the sessions of a batch that was stopped before. The stop is repeated unless all of them have ended."""
    looks = seen.of(Confirm)
    if not looks:
        return Confirm()
    look = looks[0].answer
    if look is not None and not (look.running or look.unknown):
        return Done()
    return _toward(seen.since(looks[0]), goal)


def _toward(seen: _Seen, goal: Goal) -> Step:
    match goal:
        case Started(patience):
            return _start(seen, patience)
        case Sought(patience, ends_sessions):
            return _seek(seen, patience, ends_sessions)
        case Adopted():
            return _adopt(seen)
        case Refreshed():
            return _refresh(seen)
        case Cancelled(if_completed):
            return _cancel(seen, if_completed)
        case Deleted():
            return _delete(seen)
        case SessionsEnded():
            return _end(seen)


@dataclass(frozen=True)
class _Seen:
    """What this attempt to reach a goal has seen so far."""

    start: BatchRecord
    entries: tuple[Entry, ...]
    hidden: float = 0.0

    @property
    def record(self) -> BatchRecord:
        return fold(self.start, self.entries)

    @property
    def id(self) -> str:
        return self.record.known_id

    def of(self, kind: type[_Kind]) -> list[Entry]:
        return [entry for entry in self.entries if isinstance(entry.step, kind)]

    def last(self, kind: type[_Kind]) -> Entry | None:
        return next(reversed(self.of(kind)), None)

    def since(self, entry: Entry) -> _Seen:
        return _Seen(self.start, self.entries[self.entries.index(entry) + 1 :], self.hidden)

    @property
    def just_paused(self) -> bool:
        return bool(self.entries) and isinstance(self.entries[-1].step, Pause)

    @property
    def seconds_paused(self) -> float:
        return sum(one.step.seconds for one in self.entries if isinstance(one.step, Pause))

    @property
    def doubts(self) -> list[Pause]:
        """The waits after a 404, each before the call was repeated."""
        return [one.step for one in self.entries if isinstance(one.step, Pause) and one.step.reason == NOT_FOUND]

    @property
    def is_doubting(self) -> bool:
        """Whether the wait after a 404 has just ended, so that the call is to be repeated."""
        last = self.entries[-1].step if self.entries else None
        return isinstance(last, Pause) and last.reason == NOT_FOUND

    @property
    def looks(self) -> list[Entry]:
        """The looks at the batch's sessions since the last call of any other kind."""
        since = takewhile(lambda one: isinstance(one.step, (Confirm, Pause)), reversed(self.entries))
        return [one for one in reversed(list(since)) if isinstance(one.step, Confirm)]

    @property
    def were_ended_after_a_look(self) -> bool:
        """Whether sessions that a look of this attempt found running were then ended one by one."""
        looks = self.of(Confirm)
        return bool(looks) and bool(self.since(looks[0]).of(EndSessions))

    @property
    def was_answered(self) -> bool:
        """Whether the API has shown in this attempt that it knows the batch under the account in use."""
        about_batch = (Get, Cancel, Delete, Start)
        return any(entry.answer is not None for entry in self.entries if isinstance(entry.step, about_batch))


# Starting


def _start(seen: _Seen, patience: float) -> Step:
    starts = seen.of(Start)
    if not starts:
        return Start()
    outcome = starts[-1].outcome
    if outcome is None or isinstance(outcome.last, Answered):
        return Done()
    if isinstance(outcome.last, Refused):
        return Fail(outcome.last.error)
    step = _search(seen, patience)
    if not isinstance(step, (Done, Fail)):
        return step
    if seen.record.batch_id is not None:
        # Found, if perhaps not shown by a part of the API that lags or fails: a refresh tells the rest.
        return Done() if _was_read(seen) else Done({"live_status": PENDING})
    look = seen.last(Find)
    failure = look.error if look else None
    reason = outcome.last.error.reason + (f"; {failure.reason}" if failure else "")
    running = len(look.answer.sessions.running) if look is not None and look.answer is not None else 0
    return Fail(OutcomeUnknown(reason, claim_tag(seen.record.claim), seen.seconds_paused, running))


def _seek(seen: _Seen, patience: float, ends_sessions: bool) -> Step:
    """Look for the claim; Done without a batch where none is found and no session is listed as running.

    `still_running` is 0 where the API lists no session of the claim at all, and empty where it lists some: then the
    batch may be one that it does not list, and more of it may start.
    """
    ends = seen.of(EndSessions)
    if ends:
        return _after_ending(seen, seen.since(ends[-1]), ends[-1])
    found = _search(seen, patience)
    look = seen.last(Find)
    if not isinstance(found, Done) or look is None or _was_read(seen):
        return found
    sessions = look.answer.sessions
    if not sessions.running:
        return Done({**found.changes, "still_running": None if any(sessions) else 0})
    if ends_sessions:
        return EndSessions(sessions.running)
    return Fail(BatchNotFound(seen.record.claim, [(one, "running") for one in sessions.running]))


def _after_ending(seen: _Seen, after: _Seen, end: Entry) -> Step:
    """Look again after sessions were ended whose batch was not found: for those that still run, and for the batch."""
    look = after.last(Find)
    if look is None or after.just_paused:
        return Find()
    if look.answer is None:
        return _failed_or(look, Done())
    if look.answer.batch_id is not None:
        return _search(after, 0.0)
    looks, running = len(after.of(Find)), look.answer.sessions.running
    if not running:
        return Done({"still_running": None})
    if looks <= len(CONFIRM_PAUSES):
        return Pause(CONFIRM_PAUSES[looks - 1], "confirm")
    failures = dict(_failures(end))
    return Fail(
        BatchNotFound(seen.record.claim, [(one, failures.get(one, "ended, and still listed")) for one in running])
    )


def _was_read(seen: _Seen) -> bool:
    """Whether the batch of a claim was found, and the API showed it."""
    get = seen.last(Get)
    return get is not None and get.answer is not None


def _search(seen: _Seen, patience: float) -> Step:
    """Look for the claim until it is found and read, or patience is over: then Done, without a batch."""
    look = seen.last(Find)
    if look is None or seen.just_paused:
        return Find()
    found = look.answer
    is_found = found is not None and found.batch_id is not None
    get = seen.since(look).last(Get)
    if is_found and get is None:
        return Get()
    if get is not None and get.answer is not None:
        return Done()
    looks, waited = len(seen.of(Find)), seen.seconds_paused
    has_candidates = found is not None and found.has_candidates and not is_found
    limit = patience * (PATIENCE_WITH_CANDIDATES if has_candidates else 1)
    if waited >= limit:
        return _failed_or(get or look, Done())
    pause = min(FIND_FIRST_PAUSE * FIND_GROWTH ** (looks - 1), FIND_LONGEST_PAUSE, limit - waited)
    return Pause(pause, "claim")


# Adopting and reading


def _adopt(seen: _Seen) -> Step:
    get = seen.last(Get)
    if get is None or (seen.just_paused and get.is_gone):
        return Get()
    if get.is_gone:
        if len(seen.of(Get)) == 1:
            return Pause(SECOND_LOOK_SECONDS, NOT_FOUND)
        return Fail(NotAdopted(seen.id, "the API does not know it under this key (HTTP 404)", NotFound.advice))
    batch = get.answer
    if batch is None:
        return _failed_or(get, Done())
    if isinstance(batch, BatchDetails) and batch.is_empty:
        return Fail(NotAdopted(seen.id, "it was deleted", "Adopt another batch, or start a new one with count."))
    if not is_adoptable(seen.record):
        reason = "it is already cancelled and cannot be active; adopt it with status 'cancelled'"
        return Fail(NotAdopted(seen.id, reason, "Or start a new batch with count."))
    return Done()


def _refresh(seen: _Seen) -> Step:
    get = seen.last(Get)
    if get is None:
        return Get(shared=True)
    batch = get.answer
    if batch is not None and not (isinstance(batch, BatchDetails) and batch.is_empty):
        return Done()
    gone = _GONE if batch is not None else _missing(seen, get)
    return _before_dropped(seen, gone) if isinstance(gone, Done) and is_dropped_when_missing(seen.start) else gone


def _before_dropped(seen: _Seen, gone: Done) -> Step:
    """Before a refresh drops the resource, its sessions are listed, once: those that run would be in no state."""
    look = seen.last(Confirm)
    if look is None:
        return Confirm()
    return gone if look.answer is not None else _failed_or(look, gone)


def _missing(seen: _Seen, entry: Entry) -> Step:
    """After a 404 to a GET or PATCH: another account's batch is an error; the word of one 404 is not enough."""
    if not entry.is_gone:
        return _failed_or(entry, _GONE)
    if (error := _another_account(seen, entry)) is not None:
        return Fail(error)
    if seen.is_doubting:
        return Get()
    # A second 404 is believed where it answers the GET that the first one led to. A PATCH is always followed by a GET.
    if isinstance(entry.step, Get) and seen.doubts:
        return _doubt(seen) or _GONE
    return Pause(SECOND_LOOK_SECONDS, NOT_FOUND)


def _doubt(seen: _Seen) -> Pause | None:
    """Return the wait before the next try after a 404; None once the batch cannot be hidden any more."""
    pauses = [one.seconds for one in seen.doubts]
    following = HIDDEN_PAUSES[min(len(pauses), len(HIDDEN_PAUSES) - 1)]
    is_over = len(pauses) == len(HIDDEN_PAUSES) or sum(pauses) + following > seen.hidden
    return None if is_over else Pause(following, NOT_FOUND)


def _another_account(seen: _Seen, entry: Entry) -> AnotherAccount | None:
    other = entry.other_account
    if other is None or other.confirmed or seen.was_answered:
        return None
    started_at = seen.start.account.rpartition("#")[0]
    return AnotherAccount(seen.id, started_at, other.base_url, other.code)


# Cancelling


def _cancel(seen: _Seen, if_completed: IfCompleted) -> Step:
    cancels = seen.of(Cancel)
    if not cancels:
        return Cancel()
    last = cancels[-1]
    response = last.answer
    if response is not None:
        return _after_cancel(seen, last, response.status)
    if last.is_gone:
        return _cancel_not_found(seen, last, len(cancels))
    if isinstance(last.error, AlreadySettled):
        return _after_refusal(seen, last, len(cancels), if_completed)
    return _failed_or(last, Done())


def _after_cancel(seen: _Seen, cancel: Entry, status: str) -> Step:
    """The API took the cancel. Under another word than cancelled it is still at it, and is waited for."""
    after = seen.since(cancel)
    gets = after.of(Get)
    now = next((batch.status for one in reversed(gets) if (batch := one.answer) is not None), status)
    if now == CANCELLED or any(one.is_gone for one in gets):
        return _confirm(seen, _CANCELLED)
    if after.last(Confirm) is None and len(gets) < len(CANCELLING_PAUSES):
        return Get() if after.just_paused else Pause(CANCELLING_PAUSES[len(gets)], "cancelling")
    return _confirm(seen, Done())


def _cancel_not_found(seen: _Seen, cancel: Entry, tries: int) -> Step:
    get = seen.since(cancel).last(Get)
    batch = get.answer if get is not None else None
    if batch is None:
        gone = _missing(seen, get or cancel)
        again = Cancel() if tries == 1 else None
        return _confirm(seen, gone, again) if isinstance(gone, Done) else gone
    if isinstance(batch, BatchDetails) and batch.is_empty:
        return _confirm(seen, _GONE)
    # It is there after all.
    return Cancel() if tries < TRIES else _failed_or(cancel, Done())


def _after_refusal(seen: _Seen, cancel: Entry, tries: int, if_completed: IfCompleted) -> Step:
    """A 409 says "already cancelled" or "completed"; only the batch itself tells which."""
    after = seen.since(cancel)
    get = after.last(Get)
    if get is None:
        return Get()
    batch = get.answer
    if batch is None or (isinstance(batch, BatchDetails) and batch.is_empty):
        step = _GONE if batch is not None else _missing(after, get)
        return _confirm(seen, step) if isinstance(step, Done) else step
    if batch.status == CANCELLED:
        return _confirm(seen, _CANCELLED)
    if batch.status == CANCELLING:
        return _after_cancel(seen, cancel, batch.status)
    # Under a word that we do not know more sessions may start, so ending those there are is not enough.
    may_grow = batch.status not in {COMPLETED, FAILED} and if_completed == "end_sessions"
    if batch.status in UNFINISHED or may_grow:
        return _cancel_again(seen, cancel, tries, after.just_paused)
    return _instead(seen, cancel, batch, if_completed)


def _cancel_again(seen: _Seen, cancel: Entry, tries: int, has_paused: bool) -> Step:
    if tries >= TRIES:
        return Fail(CancelRefused(seen.id, _reason(cancel), "the API keeps refusing although the batch is unfinished"))
    return Cancel() if has_paused else Pause(PAUSE_SECONDS * tries, "cancel_refused")


def _instead(seen: _Seen, cancel: Entry, batch: BatchDetails, if_completed: IfCompleted) -> Step:
    """What `if_completed` chose in place of the cancel that the API refused."""
    match if_completed:
        case "end_sessions":
            return _end_all(seen)
        case "delete":
            return _delete(seen)
        case "accept":
            return Done()
        case "fail":
            reason = f"the batch is {batch.status}, its browsers may still run, and if_completed is 'fail'"
            return Fail(CancelRefused(seen.id, _reason(cancel), reason))


# Ending sessions


def _end(seen: _Seen) -> Step:
    gets = seen.of(Get)
    if not gets:
        return Get()
    batch = next((value for one in gets if (value := one.answer) is not None), None)
    if batch is None:
        gone = _missing(seen, gets[-1])
        return _confirm(seen, gone) if isinstance(gone, Done) else gone
    if batch.is_empty:
        return _confirm(seen, _GONE)
    if batch.status == CANCELLED:
        return _confirm(seen, _CANCELLED)
    # What ends here must not start again elsewhere: a cancel keeps the data, and no more sessions start.
    return _end_all(seen) if batch.status == COMPLETED else _cancel(seen, "end_sessions")


def _end_all(seen: _Seen) -> Step:
    batch = next(value for one in reversed(seen.of(Get)) if (value := one.answer) is not None)
    listed = seen.last(ListSessions)
    if listed is None and not _shows_all_sessions(batch):
        return ListSessions()
    if listed is not None and (error := listed.error) is not None:
        return Fail(SessionsNotListed(seen.id, error.reason))
    running = _sessions_to_end(batch, listed.answer if listed is not None else ())
    if not running and batch.completed_requests and not _shows_all_sessions(batch):
        return Fail(SessionsNotListed(seen.id, "the API lists none of them"))
    return _end_these(seen, running) or _confirm(seen, Done({"ended": True}))


def _shows_all_sessions(batch: BatchDetails) -> bool:
    """Whether the batch names every session that was created. It may leave out sessions or ids, or garble a row."""
    named = [one for one in batch.sessions or () if one.session_id]
    is_whole = batch.sessions is not None and not batch.odd_rows
    return is_whole and len(named) >= (batch.completed_requests or 0)


def _sessions_to_end(batch: BatchDetails, listed: Any) -> tuple[str, ...]:
    shown = [one.session_id for one in batch.sessions or () if one.session_id and one.status not in {FAILED, CANCELLED}]
    return tuple(dict.fromkeys([*shown, *(one.id for one in listed)]))


def _end_these(seen: _Seen, session_ids: tuple[str, ...]) -> Step | None:
    """End these sessions; None once that is done. A session that had ended by itself (404) is no failure."""
    if not session_ids:
        return None
    end = seen.last(EndSessions)
    if end is None:
        return EndSessions(session_ids)
    failures = _failures(end)
    ended = counts_of(said_in(seen.entries), None).ended_sessions or 0
    return Fail(SessionsNotEnded(seen.id, failures, ended)) if failures else None


def _failures(end: Entry) -> list[tuple[str, str]]:
    return [(id_, one.error.reason) for id_, one in end.endings.items() if one.error is not None and not one.is_gone]


# Deleting


def _delete(seen: _Seen) -> Step:
    deletes = seen.of(Delete)
    if not deletes:
        return Delete()
    last = deletes[-1]
    response = last.answer
    if response is None:
        return _delete_not_found(seen, deletes) if last.is_gone else _failed_or(last, Done())
    if not response.failed:
        return _confirm(seen, _DELETED)
    if len(deletes) < TRIES:
        return Delete() if seen.just_paused else Pause(PAUSE_SECONDS * len(deletes), "undeleted_sessions")
    return _end_undeleted(seen, last, response)


def _delete_not_found(seen: _Seen, deletes: list[Entry]) -> Step:
    """404 is success, since nothing of the batch is left; but not at once for a batch that may be hidden."""
    if (error := _another_account(seen, deletes[-1])) is not None:
        return Fail(error)
    if seen.is_doubting:
        return Delete()
    was_answered = any(one.answer is not None for one in deletes)
    is_expected = was_answered or (seen.start.is_deleted and not seen.start.missing)
    before = seen.entries[: seen.entries.index(deletes[-1])]
    had_look = any(isinstance(one.step, Confirm) for one in before)
    pause = None if is_expected or had_look else _doubt(seen)
    # What a look finds running after a 404 is deleted once more: more of it may start.
    again = None if had_look or seen.start.is_deleted else Delete()
    return pause or _confirm(seen, _DELETED if was_answered else _GONE, again)


def _end_undeleted(seen: _Seen, delete: Entry, response: BatchDeleted) -> Step:
    """Sessions that cannot be deleted are at least ended; fewer ended than failed is an error."""
    after = seen.since(delete)
    named = tuple(dict.fromkeys(one.session_id for one in response.errors if one.session_id))
    failed = response.failed or 0
    if len(named) < failed:
        step, others = _all_sessions(after)
        if step is not None:
            return step
        named = tuple(dict.fromkeys((*named, *others)))
    end = after.last(EndSessions)
    if end is None and named:
        return EndSessions(named)
    failures = _failures(end) if end is not None else []
    deleted = counts_of(said_in(seen.entries), None).deleted_sessions
    if failures or len(named) < failed:
        unnamed = [("a session that the API did not name", "not deleted")] * max(0, failed - len(named))
        return Fail(DeletionIncomplete(seen.id, [*failures, *unnamed], deleted))
    return _confirm(seen, _DELETED)


def _all_sessions(after: _Seen) -> tuple[Step | None, tuple[str, ...]]:
    """The sessions that are left of a batch that was deleted in part: a step to learn them, or the ids."""
    get = after.last(Get)
    if get is None:
        return Get(), ()
    batch = get.answer
    if batch is not None and _shows_all_sessions(batch) and batch.sessions:
        return None, _sessions_to_end(batch, ())
    listed = after.last(ListSessions)
    if listed is None:
        return ListSessions(), ()
    return None, tuple(one.id for one in listed.answer or ())


# Confirming


def _confirm(seen: _Seen, done: Step, again: Step | None = None) -> Step:
    """Before a stop counts as done, its sessions are listed: those that still run are ended one by one.

    `again` comes first where a 404 says that there is no such batch: one whose sessions run is there after all, and
    may start more.
    """
    looks = seen.looks
    if not looks or seen.just_paused:
        return Confirm()
    look = looks[-1].answer
    # A look that failed, or an unknown word in the end, leaves `still_running` empty: nothing to wait for, or to end.
    if look is None or not (look.running or look.unknown):
        return done
    if len(looks) <= len(CONFIRM_PAUSES):
        return Pause(CONFIRM_PAUSES[len(looks) - 1], "confirm")
    if not look.running:
        return done
    if not seen.were_ended_after_a_look:
        return again or EndSessions(look.running)
    failures = dict(_failures(seen.of(EndSessions)[-1]))
    return Fail(StillRunning(seen.id, [(one, failures.get(one, "ended, and still listed")) for one in look.running]))


# Reading entries


def _reason(entry: Entry) -> str:
    error = entry.error
    return error.reason if error is not None else "the API refused"


def _failed_or(entry: Entry, done: Step) -> Step:
    error = entry.error
    return Fail(error) if error is not None else done
