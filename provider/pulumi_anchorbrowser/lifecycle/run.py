"""The interpreter of steps: every step toward a goal is taken here, with its call, its receipt and its pauses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import (
    Account,
    Answered,
    ApiError,
    Client,
    Lost,
    NotFound,
    Outcome,
    Refused,
    UnexpectedAnswer,
)
from pulumi_anchorbrowser.clock import Clock, Interrupted
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle.claims import Claims
from pulumi_anchorbrowser.lifecycle.fold import Counts, Said, counts_of, fold, said_in, said_in_receipt
from pulumi_anchorbrowser.lifecycle.goals import Cancelled, Deleted, Goal, SessionsEnded, Started
from pulumi_anchorbrowser.lifecycle.listing import Listing, ListingIncomplete
from pulumi_anchorbrowser.lifecycle.looks import BatchIdentity, Looks
from pulumi_anchorbrowser.lifecycle.messages import messages_of
from pulumi_anchorbrowser.lifecycle.next_step import next_step
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
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
    OtherAccount,
    Pause,
    Start,
)
from pulumi_anchorbrowser.lifecycle.tags import age_of, patience_left, with_tags
from pulumi_anchorbrowser.receipts import (
    Ending,
    Operation,
    Receipt,
    Receipts,
    ReceiptsUnavailable,
    SessionEnding,
    Subject,
    is_running,
)
from pulumi_anchorbrowser.words import sessions

_LOGGER = logging.getLogger(__name__)
_CODE_SALT = "confirm-account"
_CODE_CHARACTERS = 8
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Brought:
    """Where an attempt to reach a goal has brought a batch: its record, and the counts of this attempt alone.

    `error` says why the goal was not reached; the record then has what was done until then.
    """

    record: BatchRecord
    counts: Counts
    error: ExpectedError | None = None
    was_already_gone: bool = False

    def value(self) -> BatchRecord:
        """Return the record. Raises the error where the goal was not reached."""
        if self.error is not None:
            raise self.error
        return self.record


class Runner:
    """Brings batches to goals; for many threads.

    For `settle_timeout` seconds after its create, a batch may be unknown to a part of the API. `confirmed_accounts` are
    the codes with which the user vouches for a changed key.
    """

    def __init__(
        self,
        client: Client,
        listing: Listing,
        receipts: Receipts,
        clock: Clock,
        settle_timeout: float,
        confirmed_accounts: Collection[str] = (),
    ) -> None:
        self.client, self.listing, self.receipts, self.clock = client, listing, receipts, clock
        self.looks, self.claims = Looks(client, clock), Claims(client, listing)
        self.settle_timeout, self._confirmed = settle_timeout, confirmed_accounts
        # It starts no thread before its first use.
        self._pool = ThreadPoolExecutor(client.max_concurrency, thread_name_prefix="end")
        self._lock = Lock()
        # By identity: not every class of notices can be hashed.
        self._warned: WeakValueDictionary[int, Notices] = WeakValueDictionary()

    def bring(self, record: BatchRecord, goal: Goal, notices: Notices, entries: list[Entry] | None = None) -> Brought:
        """Take steps until the goal is reached or cannot be. Raises Interrupted.

        A call's intent is written down before it is sent, and its outcome before anything else is decided. `entries`
        gets each step that was taken, and so has those before an interrupt.
        """
        # A stop alone: what a failed one has counted so far belongs in no state, where no session is named.
        past = self._past(record, notices) if isinstance(goal, (Cancelled, Deleted, SessionsEnded)) else []
        hidden = patience_left(age_of(record.claim, self.clock.now()), self.settle_timeout)
        entries = [] if entries is None else entries
        while True:
            step = next_step(record, goal, entries, hidden)
            _log(goal, step)
            if isinstance(step, (Done, Fail)):
                return self._ended(record, goal, entries, past, step, notices)
            self._take(fold(record, entries, past), step, notices, entries)

    def recorded(
        self, operation: Operation, subject: Subject, call: Callable[[], Outcome[_Value]], notices: Notices
    ) -> Outcome[_Value]:
        """Make one mutating call with its receipt: the intent before, the outcome after."""
        return self._recorded(operation, subject, call, notices)[1]

    def end_session(self, session_id: str, subject: Subject, notices: Notices) -> Outcome[None]:
        """End one session that belongs to no batch, with a receipt of its own. Raises Interrupted."""
        with self._begun("end_sessions", subject, notices) as receipt:
            outcome = self.client.end_session(session_id)
        with self._tolerant(notices):
            self.receipts.session_ended(receipt, session_id, _how(outcome))
            self.receipts.end(receipt, _ending(outcome), **_values_of_all({session_id: outcome}))
        return outcome

    # Steps

    def _take(self, record: BatchRecord, step: Call, notices: Notices, entries: list[Entry]) -> None:
        """Take the step, and add its entry."""
        if isinstance(step, Pause):
            _progress(step, record, notices)
            self.clock.sleep(step.seconds)
            entries.append(self._entry(record, step))
        elif isinstance(step, EndSessions):
            self._end_sessions(record, step, notices, entries)
        elif isinstance(step, (Start, Cancel, Delete)):
            entries.append(self._change(record, step, notices))
        else:
            entries.append(self._entry(record, step, _outcome_of(lambda: self._read(record, step))))

    def _read(self, record: BatchRecord, step: Call) -> Any:
        match step:
            case Get(shared):
                return self.listing.batch(record.known_id) if shared else self.client.get_batch(record.known_id)
            case Find():
                return self.claims.find(record.claim, count=record.count, since=self.client.api_time())
            case ListSessions():
                return self.listing.sessions_of(record.known_id)
            case Confirm():
                return self.looks.running(identity_of(record))
        raise AssertionError(step)

    def _change(self, record: BatchRecord, step: Start | Cancel | Delete, notices: Notices) -> Entry:
        operations: dict[type, Operation] = {Start: "create", Cancel: "cancel", Delete: "delete"}
        subject = _subject(record, str(self.client.account()) if isinstance(step, Start) else record.account)
        receipt, outcome = self._recorded(operations[type(step)], subject, lambda: self._send(record, step), notices)
        return self._entry(record, step, outcome, receipt=receipt)

    def _send(self, record: BatchRecord, step: Start | Cancel | Delete) -> Outcome[Any]:
        match step:
            case Start():
                configuration = with_tags(record.configuration, record.owner, record.claim)
                return self.client.create_batch(cast("int", record.count), configuration, record.metadata)
            case Cancel():
                return self.client.cancel_batch(record.known_id)
            case Delete():
                return self.client.delete_batch(record.known_id)

    def _end_sessions(self, record: BatchRecord, step: EndSessions, notices: Notices, entries: list[Entry]) -> None:
        """End each session. An interrupt leaves those whose turn has not come, and the entry has the others."""
        subject = replace(_subject(record, record.account), count=None)
        receipt = self._begin("end_sessions", subject, notices)
        endings: dict[str, Outcome[None]] = {}
        interrupts: list[Interrupted] = []

        def end(session_id: str) -> tuple[str, Outcome[None] | None]:
            try:
                return session_id, self.client.end_session(session_id)
            except Interrupted as error:
                interrupts.append(error)
                return session_id, None

        try:
            for session_id, outcome in self._pool.map(logs.keeping_about(end), step.session_ids):
                with self._tolerant(notices):
                    self.receipts.session_ended(receipt, session_id, _how(outcome))
                if outcome is None:
                    continue
                endings[session_id] = outcome
                notices.progress(f"{len(endings)} of {sessions(len(step.session_ids))} ended")
        finally:
            if record.batch_id is not None:
                self.listing.changed(record.batch_id)
        with self._tolerant(notices):
            self.receipts.end(receipt, _ending_of_all(endings), **_values_of_all(endings))
        entries.append(self._entry(record, step, endings=endings, receipt=receipt))
        if interrupts:
            raise interrupts[0]

    def _entry(
        self,
        record: BatchRecord,
        step: Call,
        outcome: Outcome[Any] | None = None,
        endings: Mapping[str, Outcome[None]] | None = None,
        receipt: int = 0,
    ) -> Entry:
        at = self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        other = None if outcome is None else self._other_account(record.account)
        return Entry(step, outcome, endings or {}, at, other, receipt)

    def _other_account(self, recorded: str) -> OtherAccount | None:
        if not recorded or self.client.opens(Account.parse(recorded)):
            return None
        # Bound to the key in use: left behind in an environment, the code vouches for no other key.
        code = self.client.account(salt=_CODE_SALT).fingerprint[:_CODE_CHARACTERS]
        return OtherAccount(str(self.client.account()), self.client.base_url, code, code in self._confirmed)

    def _ended(
        self,
        before: BatchRecord,
        goal: Goal,
        entries: list[Entry],
        past: list[Said],
        step: Done | Fail,
        notices: Notices,
    ) -> Brought:
        record = fold(before, entries, past)
        counts = counts_of(said_in(entries), record.total_requests)
        self._note_confirmation(record, entries, notices)
        if isinstance(step, Fail):
            return Brought(record, counts, step.error)
        record = record.but(**step.changes)
        if isinstance(goal, Started):
            record = record.but(account=str(self.client.account()))
        self._note_found(record, entries, notices)
        for message in messages_of(before, record, goal, entries):
            notices.info(message.text) if message.severity == "info" else notices.warning(message.text)
        was_gone = record.missing and not any(said.was_answered for said in said_in(entries))
        return Brought(record, counts, was_already_gone=was_gone)

    # Receipts

    def _past(self, record: BatchRecord, notices: Notices) -> list[Said]:
        receipts: list[Receipt] = []
        if record.batch_id is not None:
            with self._tolerant(notices):
                receipts = self.receipts.of_batch(record.batch_id)
        # A call in flight has lost nothing, and counts once it has ended.
        ended = [one for one in receipts if not self._is_in_flight(one)]
        return [said for receipt in ended if (said := said_in_receipt(receipt)) is not None]

    def _is_in_flight(self, receipt: Receipt) -> bool:
        """Whether the call has not ended, and its process runs: this one, or another one on this machine."""
        return receipt.outcome is None and (receipt.run == self.receipts.run or is_running(receipt.run) is True)

    def _recorded(
        self, operation: Operation, subject: Subject, call: Callable[[], Outcome[_Value]], notices: Notices
    ) -> tuple[int, Outcome[_Value]]:
        with self._begun(operation, subject, notices) as receipt:
            outcome = call()
        self._end(receipt, outcome, notices, subject)
        return receipt, outcome

    @contextmanager
    def _begun(self, operation: Operation, subject: Subject, notices: Notices) -> Iterator[int]:
        """Write the intent of one call, and its end where it is interrupted before it is sent."""
        receipt = self._begin(operation, subject, notices)
        try:
            yield receipt
        except Interrupted:
            with self._tolerant(notices):
                self.receipts.end(receipt, "refused", note="interrupted before the call was sent")
            raise

    def _begin(self, operation: Operation, subject: Subject, notices: Notices) -> int:
        # Stopping browsers goes before bookkeeping, and so does starting them: the state has the claim.
        receipt = 0
        with self._tolerant(notices):
            receipt = self.receipts.begin(operation, subject)
            _LOGGER.debug("receipt", extra={"receipt": receipt, "call": operation})
        return receipt

    def _end(self, receipt: int, outcome: Outcome[Any], notices: Notices, subject: Subject) -> None:
        if subject.batch_id is not None:
            self.listing.changed(subject.batch_id)
        with self._tolerant(notices):
            self.receipts.end(receipt, _ending(outcome), was_lost=outcome.was_lost, **_values(outcome))

    def _note_found(self, record: BatchRecord, entries: list[Entry], notices: Notices) -> None:
        """Write the batch of a create whose response was lost, once it has been found."""
        with self._tolerant(notices):
            for entry in entries:
                was_found = isinstance(entry.step, Start) and record.batch_id is not None
                if was_found and entry.receipt and entry.outcome and isinstance(entry.outcome.last, Lost):
                    self.receipts.end(entry.receipt, "done", batch_id=record.batch_id, http_status=None, note=None)

    def _note_confirmation(self, record: BatchRecord, entries: list[Entry], notices: Notices) -> None:
        """Write to the receipt of the last stop what the API listed after it."""
        stops = [one for one in entries if isinstance(one.step, (Cancel, Delete, EndSessions)) and one.receipt]
        if stops and any(isinstance(one.step, Confirm) for one in entries):
            shown = {"still_running": record.still_running, "confirmed_at": record.confirmed_at}
            with self._tolerant(notices):
                self.receipts.end(stops[-1].receipt, _ending_of(stops[-1]), **shown)

    @contextmanager
    def _tolerant(self, notices: Notices) -> Iterator[None]:
        try:
            yield
        except ReceiptsUnavailable as error:
            # Once in an operation, which has notices of its own.
            with self._lock:
                is_first = id(notices) not in self._warned
                self._warned[id(notices)] = notices
            if is_first:
                notices.warning(f"{error.explanation}. Continuing without a receipt. {error.advice}")


def identity_of(record: BatchRecord) -> BatchIdentity:
    """Return by what the sessions of the record's batch are told from others."""
    return BatchIdentity(record.known_id, record.owner, record.claim, record.adopted, record.created_at)


def _outcome_of(read: Callable[[], Any]) -> Outcome[Any]:
    try:
        return Outcome((Answered(read()),))
    except ApiError as error:
        return Outcome((Refused(error) if isinstance(error, NotFound) else Lost(error),))
    except ListingIncomplete as error:
        return Outcome((Lost(UnexpectedAnswer("list", error.reason)),))


def _subject(record: BatchRecord, account: str) -> Subject:
    return Subject(
        owner=record.owner,
        urn=record.resource_urn or "",
        claim=record.claim,
        account=account,
        batch_id=record.batch_id,
        count=record.count if record.batch_id is None else None,
    )


def _ending(outcome: Outcome[Any]) -> Ending:
    if isinstance(outcome.last, Answered):
        return "done"
    if outcome.is_gone:
        return "gone"
    return "unknown" if outcome.was_lost else "refused"


def _ending_of(entry: Entry) -> Ending:
    if entry.outcome is not None:
        return _ending(entry.outcome)
    return _ending_of_all(entry.endings)


def _ending_of_all(endings: Mapping[str, Outcome[None]]) -> Ending:
    """Return how the endings of sessions one by one ended as a whole."""
    hows = {_how(one) for one in endings.values()}
    if "lost" in hows:
        return "unknown"
    if "ended" in hows:
        return "done"
    return "gone" if hows == {"gone"} else "refused"


def _values(outcome: Outcome[Any]) -> dict[str, Any]:
    if not isinstance(outcome.last, Answered):
        return {"http_status": outcome.last.error.status, "note": outcome.last.error.reason}
    names = ("batch_id", "cancelled_sessions", "deleted_sessions")
    values = {name: getattr(outcome.last.value, name) for name in names if hasattr(outcome.last.value, name)}
    if hasattr(outcome.last.value, "failed"):
        values["failed_deletions"] = outcome.last.value.failed
    if hasattr(outcome.last.value, "retried_sessions"):
        values["count"] = outcome.last.value.retried_sessions
    return values


def _values_of_all(endings: Mapping[str, Outcome[None]]) -> dict[str, Any]:
    ended = sum(isinstance(one.last, Answered) for one in endings.values())
    failed = [one.error for one in endings.values() if one.error is not None and not one.is_gone]
    if not ended and not failed:
        failed = [one.error for one in endings.values() if one.error is not None]
    why = {"http_status": failed[0].status, "note": failed[0].reason} if failed else {}
    return {"ended_sessions": ended or None, "was_lost": any(one.was_lost for one in endings.values()), **why}


def _how(outcome: Outcome[None] | None) -> SessionEnding:
    if outcome is None:
        return "refused"  # Interrupted before the call was sent.
    if isinstance(outcome.last, Answered):
        return "ended"
    if outcome.was_lost:
        return "lost"
    return "gone" if outcome.is_gone else "refused"


def _progress(step: Pause, record: BatchRecord, notices: Notices) -> None:
    texts = {
        "claim": f"looking for the batch of claim {record.claim}",
        "confirm": "waiting until no session is listed as running",
        "cancelling": "waiting until the batch is cancelled",
        "undeleted_sessions": "some sessions could not be deleted yet; deleting again",
        "cancel_refused": "the API refused the cancel of an unfinished batch; cancelling again",
        "not_found": "the API does not know the batch (HTTP 404); retrying",
    }
    notices.progress(texts[step.reason])
    _LOGGER.debug("wait", extra={"reason": step.reason, "seconds": round(step.seconds, 4)})


def _log(goal: Goal, step: Any) -> None:
    _LOGGER.debug("decision", extra={"goal": type(goal).__name__, "step": type(step).__name__})
