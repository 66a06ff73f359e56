"""The trail of interrupted creates: what the state and the receipts name, and what becomes of the batches they left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock, Thread

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle.errors import LeftoverUnknown
from pulumi_anchorbrowser.lifecycle.goals import Deleted, SessionsEnded, Sought
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.run import Runner
from pulumi_anchorbrowser.lifecycle.state import StackState, StateUnreadable, read_state
from pulumi_anchorbrowser.lifecycle.tags import minted_at, run_mark_of
from pulumi_anchorbrowser.receipts import Receipt, Receipts, ReceiptsUnavailable
from pulumi_anchorbrowser.words import counted

_LOGGER = logging.getLogger(__name__)
# After so long a batch that has shown no session will not show one any more.
_LOOKED_FOR_ONCE_AFTER = timedelta(hours=1)
_CLEAR = "`pulumi refresh --clear-pending-creates` ends Pulumi's own warning about it"


@dataclass(frozen=True)
class Interrupted:
    """A create that no run has finished. `receipts` are the numbers of its receipts on this machine."""

    claim: str
    urn: str
    owner: str
    count: int | None
    receipts: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::")[-1]


class Trail:
    """Settles the interrupted creates of one stack, each at most once in a run; for many threads.

    A create that no run has finished is known by an entry of the state's pending operations, on every machine, or by a
    receipt of this one. Its batch is looked for by its claim, and deleted if it is found: no state has it. Nothing is
    deleted that the state has, or that neither names; and nothing at all where the state cannot be read.

    `run_mark` is in the claims of this run, so that its own creates under way are told from interrupted ones.
    """

    def __init__(
        self, receipts: Receipts, clock: Clock, run_mark: str, read: Callable[[str], StackState] = read_state
    ) -> None:
        self._receipts, self._clock, self._run_mark, self._read = receipts, clock, run_mark, read
        self._reading: Thread | None = None
        self._state: StackState | None = None
        self._error: StateUnreadable | None = None
        self._lock = Lock()
        self._once: set[str] = set()
        self._settling: dict[str, Lock] = {}
        self._settled: set[str] = set()

    def begin(self, stack: str) -> None:
        """Begin to read the state of `organization/project/stack` in the background, once."""
        with self._lock:
            if self._reading is None:
                self._reading = Thread(target=self._read_state, args=(stack,), name="state", daemon=True)
                self._reading.start()

    def announce(self, owner: str, notices: Notices) -> None:
        """Warn, once in a run, of the interrupted creates of this stack."""
        if not self._is_first("announced"):
            return
        interrupted = self._interrupted(owner, notices)
        if interrupted:
            names = ", ".join(sorted({one.name for one in interrupted}))
            notices.warning(
                f"{counted(len(interrupted), 'create')} of this stack did not finish in an earlier run ({names}) and "
                "may have started browsers. The next change of that resource, or a destroy, looks for its batch and "
                "deletes it; `pulumi-anchorbrowser orphans` lists it now"
            )

    def before_create(self, runner: Runner, inputs: BatchInputs, patience: float, notices: Notices) -> None:
        """Settle the interrupted creates of this resource. Raises LeftoverUnknown where that cannot be done."""
        for one in self._interrupted(inputs.owner, notices):
            if one.urn == inputs.resource_urn and (failure := self._settle(runner, one, patience, notices)):
                raise LeftoverUnknown(one.claim, failure)
        self._warn_of_strangers(runner, inputs.owner, notices)

    def before_change(self, runner: Runner, record: BatchRecord, patience: float, notices: Notices) -> None:
        """Settle the interrupted creates of this resource; a failure is a warning."""
        ours = [one for one in self._interrupted(record.owner, notices) if one.urn == record.resource_urn]
        self._settle_all(runner, ours, patience, notices)

    def before_delete(self, runner: Runner, record: BatchRecord, patience: float, notices: Notices) -> None:
        """Settle all interrupted creates of the stack; a failure is a warning."""
        self._settle_all(runner, self._interrupted(record.owner, notices), patience, notices)

    def state(self, notices: Notices) -> StackState | None:
        """Return the state; None, with one warning in a run, where it cannot be read."""
        if self._reading is None:
            return None
        self._reading.join()
        if self._error is not None and self._is_first("unreadable"):
            notices.warning(
                f"{self._error}. Interrupted creates of this stack are not looked for, and nothing of theirs is "
                "deleted. List them with `pulumi-anchorbrowser orphans`"
            )
        return self._state

    def _read_state(self, stack: str) -> None:
        try:
            self._state = self._read(stack)
        except StateUnreadable as error:
            self._error = error

    def _interrupted(self, owner: str, notices: Notices) -> list[Interrupted]:
        state = self.state(notices)
        if state is None:
            return []
        found = {one.claim: Interrupted(one.claim, one.urn, one.owner, one.count) for one in state.pending}
        for receipt in self._unfinished_receipts(owner, notices):
            subject = receipt.subject
            known = found.get(subject.claim)
            numbers = (*(known.receipts if known else ()), receipt.id)
            found[subject.claim] = Interrupted(subject.claim, subject.urn, subject.owner, subject.count, numbers)
        return [
            one
            for claim, one in found.items()
            if claim not in state.claims and run_mark_of(claim) != self._run_mark and claim not in self._settled
        ]

    def _unfinished_receipts(self, owner: str, notices: Notices) -> list[Receipt]:
        try:
            return self._receipts.creates_without_end(owner)
        except ReceiptsUnavailable as error:
            if self._is_first("receipts"):
                notices.warning(
                    f"{error.explanation}. Interrupted creates are known by the state alone. {error.advice}"
                )
            return []

    def _settle_all(self, runner: Runner, ones: Iterable[Interrupted], patience: float, notices: Notices) -> None:
        for one in ones:
            if failure := self._settle(runner, one, patience, notices):
                notices.warning(
                    f"could not look for the batch of an interrupted create of {one.name} (claim {one.claim}): "
                    f"{failure}. Run the same command again, or `pulumi-anchorbrowser orphans --delete`"
                )

    def _settle(self, runner: Runner, one: Interrupted, patience: float, notices: Notices) -> str | None:
        """Look for the create's batch and delete it. Returns why it could not be looked for; None where it could."""
        with self._lock:
            settling = self._settling.setdefault(one.claim, Lock())
        with settling, logs.about(claim=one.claim):
            if one.claim in self._settled:
                return None
            age = self._age(one.claim)
            left = 0.0 if age is None or age > _LOOKED_FOR_ONCE_AFTER else max(0.0, patience - age.total_seconds())
            sought = runner.bring(self._record(runner, one), Sought(min(left, patience)), notices)
            if sought.error is not None:
                return sought.error.reason if isinstance(sought.error, ApiError) else sought.error.explanation
            self._settled.add(one.claim)
            if sought.record.batch_id is not None:
                self._delete(runner, one, sought.record, notices)
            elif age is None or age > _LOOKED_FOR_ONCE_AFTER:
                self._close(one, None)
        return None

    def _delete(self, runner: Runner, one: Interrupted, record: BatchRecord, notices: Notices) -> None:
        state = self._state
        if state is None or record.batch_id in state.batch_ids:
            return
        notices.warning(
            f"deleting batch {record.batch_id}, which an interrupted create of {one.name} started (claim {one.claim}): "
            "no resource of this stack has it"
        )
        _LOGGER.debug("settle", extra={"settled": "leftover", "batch_id": record.batch_id})
        error: ExpectedError | None = None
        for goal in (Deleted(), SessionsEnded()):
            brought = runner.bring(record, goal, notices)
            if brought.error is None:
                self._close(one, record.batch_id)
                notices.info(f"the interrupted create of {one.name} is settled; {_CLEAR}")
                return
            error = error or brought.error
        notices.warning(
            f"batch {record.batch_id}, which an interrupted create of {one.name} started, could not be deleted and may "
            f"still run: {error}. Delete it with `pulumi-anchorbrowser delete {record.batch_id}`"
        )

    def _close(self, one: Interrupted, batch_id: str | None) -> None:
        note = "deleted: an interrupted create had started it" if batch_id else "nothing of it was found"
        try:
            for number in one.receipts:
                self._receipts.end(number, "settled", batch_id=batch_id, note=note)
        except ReceiptsUnavailable as error:
            # Then a later run looks for it once more, and finds nothing.
            _LOGGER.debug("receipt", extra={"error": str(error)})

    def _record(self, runner: Runner, one: Interrupted) -> BatchRecord:
        inputs = BatchInputs(count=one.count, resource_urn=one.urn, owner=one.owner, claim=one.claim)
        return BatchRecord.of(inputs, live_status="pending", account=str(runner.client.account()))

    def _age(self, claim: str) -> timedelta | None:
        minted = minted_at(claim)
        return None if minted is None else self._clock.now() - minted

    def _warn_of_strangers(self, runner: Runner, owner: str, notices: Notices) -> None:
        """Warn of live batches with this stack's tag that no state has: another machine may have lost them."""
        state = self._state
        if state is None or not state.claims or not self._is_first("strangers"):
            return
        try:
            live = runner.listing.live_claims(owner)
        except ApiError as error:
            _LOGGER.debug("strangers", extra={"error": type(error).__name__})
            return
        known = {*state.claims, *(one.claim for one in state.pending)}
        strangers = [claim for claim in live if claim not in known and run_mark_of(claim) != self._run_mark]
        if strangers:
            notices.warning(
                f"{counted(len(strangers), 'batch', 'batches')} tagged with this stack's name run, and the state does "
                "not have them: another machine may have lost them, or another stack has this name. List them with "
                "`pulumi-anchorbrowser orphans`"
            )

    def _is_first(self, what: str) -> bool:
        with self._lock:
            is_first = what not in self._once
            self._once.add(what)
        return is_first
