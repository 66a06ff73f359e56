"""The trail of interrupted creates: what the state and the receipts name, and what becomes of the batches they left."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from threading import Condition, Lock

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import Account, ApiError
from pulumi_anchorbrowser.api.models import is_id
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle.errors import BatchNotFound, LeftoverUnknown
from pulumi_anchorbrowser.lifecycle.goals import Deleted, SessionsEnded, Sought
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.interrupted import InterruptedCreate, interrupted_creates, settled_claims
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.own_state import OwnState
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.run import Brought, Runner
from pulumi_anchorbrowser.lifecycle.state import StackState, StateUnreadable
from pulumi_anchorbrowser.lifecycle.tags import age_of, patience_left, run_mark_of
from pulumi_anchorbrowser.receipts import Ending, Receipt, Receipts, ReceiptsUnavailable, is_running
from pulumi_anchorbrowser.urns import stack_of_urn
from pulumi_anchorbrowser.words import counted

_LOGGER = logging.getLogger(__name__)
# After so long a batch that has shown no session will not show one any more.
_LOOKED_FOR_ONCE_AFTER = timedelta(hours=1)
_CLEAR = "`pulumi refresh --clear-pending-creates` ends Pulumi's own warning about it"


class Trail:
    """Settles the interrupted creates of one stack, each at most once in a run; for many threads.

    A create that no run has finished is known by an entry of the state's pending operations, on every machine, or by a
    receipt of this one. Its batch is looked for by its claim, and deleted if it is found: no state has it. Nothing is
    deleted that the state has, or that neither names; and nothing at all where the state cannot be read.

    `run_mark` is in the claims of this run, so that its own creates in flight are told from interrupted ones.
    `provider` is the name of the provider that this process serves; empty where a program can have only one.
    """

    def __init__(self, state: OwnState, receipts: Receipts, clock: Clock, run_mark: str, provider: str = "") -> None:
        self.state = state
        self._receipts, self._clock, self._run_mark, self._provider = receipts, clock, run_mark, provider
        self._lock = Lock()
        self._once: set[str] = set()
        self._known: dict[str, list[InterruptedCreate]] = {}
        self._spared: set[str] = set()
        # The claims that a thread is looking for; `_turn` is notified when such a look ends.
        self._looking: set[str] = set()
        self._turn = Condition()
        self._not_found: set[str] = set()
        # The claims of the interrupted creates that were looked for in this run; and why that failed, where it did.
        self._looked_for: set[str] = set()
        self._failures: dict[str, str] = {}

    def spare(self, batch_id: str) -> None:
        """Never delete this batch: the program adopts it, and the state will have it."""
        self._spared.add(batch_id)

    def announce(self, owner: str, notices: Notices) -> None:
        """Warn, once in a run, of the interrupted creates of this stack."""
        if not self._is_first("announced"):
            return
        interrupted = self._interrupted(owner, notices)
        if interrupted:
            names = ", ".join(sorted({one.name for one in interrupted}))
            notices.warning(
                f"{counted(len(interrupted), 'create')} of this stack did not finish in an earlier run ({names}) and "
                "may have started browsers. The next create, change or delete of that resource, and every destroy, "
                "first looks for its batch and deletes it. `pulumi-anchorbrowser orphans` lists it now."
            )

    def before_create(self, runner: Runner, inputs: BatchInputs, notices: Notices) -> None:
        """Settle the interrupted creates of this resource. Raises LeftoverUnknown where that cannot be done."""
        for one in self._interrupted(inputs.owner, notices):
            if one.urn == inputs.resource_urn and (failure := self._settle(runner, one, notices)):
                raise LeftoverUnknown(one.claim, failure)
        self._warn_of_strangers(runner, inputs.owner, notices)

    def before_change(self, runner: Runner, record: BatchRecord, notices: Notices) -> None:
        """Settle the interrupted creates of this resource; a failure is a warning."""
        ours = [one for one in self._interrupted(record.owner, notices) if one.urn == record.resource_urn]
        self._settle_all(runner, ours, notices)

    def before_delete(self, runner: Runner, record: BatchRecord, notices: Notices) -> None:
        """Settle all interrupted creates of the stack; a failure is a warning."""
        interrupted = self._interrupted(record.owner, notices)
        self._settle_all(runner, interrupted, notices)
        for one in interrupted:
            if one.claim in self._not_found and self._is_of_other_provider(one) and self._is_first(f"at {one.claim}"):
                notices.warning(
                    f"found no batch of an interrupted create of {one.name} (claim {one.claim}) under this provider's "
                    "key: that create used another provider of the program. Run `pulumi-anchorbrowser orphans "
                    "--delete` with that provider's key."
                )

    def _known_state(self, notices: Notices) -> StackState | None:
        """Return the state; None, with one warning in a run, where it cannot be read."""
        state, error = self.state.get(), self.state.error
        if error is not None and self._is_first("unreadable"):
            notices.warning(
                f"{error.explanation}. Interrupted creates of this stack are not looked for, and their "
                f"batches are not deleted. List them with `pulumi-anchorbrowser orphans`. {error.advice}".rstrip()
            )
        return state

    def _interrupted(self, owner: str, notices: Notices) -> list[InterruptedCreate]:
        state = self._known_state(notices)
        if state is None:
            return []
        with self._lock:
            known = self._known.get(owner)
        if known is None:
            # What earlier runs have left does not change in this one.
            known = self._all_interrupted(state, owner, notices)
            with self._lock:
                self._known[owner] = known
        return [one for one in known if one.claim not in self._looked_for]

    def _all_interrupted(self, state: StackState, owner: str, notices: Notices) -> list[InterruptedCreate]:
        try:
            unfinished = self._unfinished_receipts(owner)
            receipts = self._receipts.all() if state.pending else unfinished
        except ReceiptsUnavailable as error:
            if self._is_first("receipts"):
                notices.warning(
                    f"{error.explanation}. Interrupted creates are known by the state alone. {error.advice}"
                )
            unfinished = receipts = []
        for receipt in unfinished:
            if receipt.subject.claim in state.claims:
                # Its end could not be written down. Once the batch is moved to another stack, only this says so.
                self._end(receipt, "done", None, "the state has its batch")
        interrupted = interrupted_creates(state, unfinished, settled_claims(receipts))
        senders = {one.subject.claim: one.run for one in receipts if one.operation == "create"}
        return [one for one in interrupted if not self._is_of_this_run(one.claim, senders.get(one.claim))]

    def _is_of_this_run(self, claim: str, sender: str | None) -> bool:
        """Whether the claim is of a create that may be in flight. `sender` is the process of its receipt, if known."""
        if run_mark_of(claim) != self._run_mark:
            return False
        # A mark is made of the engine's address, which, once in some ten thousand runs, an earlier engine had as well.
        age = age_of(claim, self._clock.now())
        is_old = age is not None and age > _LOOKED_FOR_ONCE_AFTER
        return not is_old and (sender is None or is_running(sender) is not False)

    def _unfinished_receipts(self, owner: str) -> list[Receipt]:
        # An owner is a label that a stack of the same name in another backend has too. Its creates in flight are none
        # of ours; nor are, after `pulumi stack rename`, those of a new stack with the old name.
        return [
            one
            for one in self._receipts.creates_without_end(owner)
            if stack_of_urn(one.subject.urn, self.state.stack or "") == self.state.stack
            and not self._may_be_in_flight(one)
        ]

    def _settle_all(self, runner: Runner, ones: Iterable[InterruptedCreate], notices: Notices) -> None:
        for one in ones:
            if (failure := self._settle(runner, one, notices)) and self._is_first(one.claim):
                notices.warning(
                    f"could not look for the batch of an interrupted create of {one.name} (claim {one.claim}): "
                    f"{failure}. Run the same command again, or `pulumi-anchorbrowser orphans --delete`."
                )

    def _settle(self, runner: Runner, one: InterruptedCreate, notices: Notices) -> str | None:
        """Look for the create's batch and delete it. Returns why it could not be looked for; None where it could.

        Raises Interrupted, also while another thread looks for it.
        """
        with self._turn:
            while one.claim in self._looking:
                self._clock.wait(self._turn, None)
            # A look that failed is not repeated: hundreds of deletes would wait for its time limit one after another.
            if one.claim in self._looked_for or one.claim in self._failures:
                return self._failures.get(one.claim)
            self._looking.add(one.claim)
        try:
            with logs.about(claim=one.claim):
                failure = self._look_for(runner, one, notices)
            if failure is None:
                self._looked_for.add(one.claim)
            else:
                self._failures[one.claim] = failure
            return failure
        finally:
            with self._turn:
                self._looking.remove(one.claim)
                self._turn.notify_all()

    def _look_for(self, runner: Runner, one: InterruptedCreate, notices: Notices) -> str | None:
        sought = self.find(runner, self._record(runner, one), notices)
        age = self._age(runner, one.claim)
        is_old = age is None or age > _LOOKED_FOR_ONCE_AFTER
        if sought.error is not None:
            return sought.error.reason if isinstance(sought.error, ApiError) else str(sought.error).rstrip(".")
        if sought.record.batch_id is not None:
            try:
                self._delete(runner, one, sought.record, notices)
            except StateUnreadable as error:
                return str(error).rstrip(".")
            return None
        self._not_found.add(one.claim)
        # Empty where the API lists sessions of the claim, if none that runs: then a later run looks again.
        is_over = is_old and sought.record.still_running == 0 and _is_of_account(one, runner)
        if one.is_pending and not self._is_of_other_provider(one):
            is_shown = sought.record.still_running == 0 and _is_of_account(one, runner)
            clear = f"; {_CLEAR}" if is_over else "" if is_shown else "; the next run looks for it again"
            notices.info(f"the interrupted create of {one.name} started no batch that can be found{clear}")
        if is_over:
            self._close(one, None)
        return None

    def find(self, runner: Runner, record: BatchRecord, notices: Notices) -> Brought:
        """Look for the batch of the record's claim, with patience while its create is young.

        Where the API lists sessions of it that run, and not their batch, they are ended, unless a resource has adopted
        the batch.
        """
        patience = self._patience(runner, record.claim)
        sought = runner.bring(record, Sought(patience), notices)
        is_over = isinstance(sought.error, ApiError) or sought.record.batch_id is not None
        # The first response of a run has the API's time, by which the create may be young after all.
        if not is_over and not patience and (patience := self._patience(runner, record.claim)):
            sought = runner.bring(record, Sought(patience), notices)
        if isinstance(sought.error, BatchNotFound):
            sought = self._without_batch(runner, record, sought, notices)
        return sought

    def is_saved(self, batch_id: str) -> bool:
        """Whether a resource of the state has this batch. Raises StateUnreadable."""
        state = self._state_with(batch_id)
        return state is not None and batch_id in state.saved_ids

    def is_spared(self, batch_id: str) -> bool:
        """Whether the program adopts this batch, in this process."""
        return batch_id in self._spared

    def _state_with(self, batch_id: str) -> StackState | None:
        """Return the state that names this batch, the first one or that of this moment. Raises StateUnreadable."""
        # Another process of this run may have adopted it since the first one.
        for read in (self.state.get, self.state.get_anew):
            if (state := read()) is not None and batch_id in state.batch_ids:
                return state
        return None

    def _without_batch(self, runner: Runner, record: BatchRecord, sought: Brought, notices: Notices) -> Brought:
        """End the sessions of a create whose batch the API does not list, unless their batch is one that is wanted."""
        try:
            state = self.state.get_anew()
        except StateUnreadable as error:
            return replace(sought, error=error)
        others = state.batch_ids - state.started_ids if state is not None else frozenset[str]()
        wanted = sorted(filter(is_id, others | self._spared))
        try:
            found = next((id_ for id_ in wanted if runner.claims.is_on(id_, record.claim)), None)
        except ApiError as error:
            return replace(sought, error=error)
        if found is not None:
            return replace(sought, record=sought.record.but(batch_id=found), error=None)
        return runner.bring(record, Sought(0.0, ends_sessions=True), notices)

    def _patience(self, runner: Runner, claim: str) -> float:
        return patience_left(self._age(runner, claim), runner.settle_timeout)

    def _age(self, runner: Runner, claim: str) -> timedelta | None:
        """Return the age of the create by this machine's clock or the API's: the smaller, as either may be wrong."""
        clocks = (self._clock.now(), runner.client.api_time())
        ages = [age for now in clocks if now is not None and (age := age_of(claim, now)) is not None]
        return min(ages, default=None)

    def _is_of_other_provider(self, one: InterruptedCreate) -> bool:
        """Whether the create used another provider of the program, and so perhaps another account."""
        return bool(self._provider and one.provider) and self._provider != one.provider

    def _delete(self, runner: Runner, one: InterruptedCreate, record: BatchRecord, notices: Notices) -> None:
        state = self._state_with(record.known_id)
        if state is not None or self.is_spared(record.known_id):
            is_saved = state is not None and record.known_id in state.saved_ids
            for receipt in one.receipts if is_saved else ():
                self._end(receipt, "done", record.batch_id, "the state has its batch")
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
                # Unconfirmed, which was warned of, it is looked for again by a later run.
                if brought.record.still_running == 0:
                    self._close(one, record.batch_id)
                    clear = f"; {_CLEAR}" if one.is_pending else ""
                    notices.info(f"the interrupted create of {one.name} is settled{clear}")
                return
            error = error or brought.error
        notices.warning(
            f"batch {record.batch_id}, which an interrupted create of {one.name} started, could not be deleted and may "
            f"still run: {error}. Delete it with `pulumi-anchorbrowser delete {record.batch_id}`."
        )

    def _close(self, one: InterruptedCreate, batch_id: str | None) -> None:
        note = "deleted: an interrupted create had started it" if batch_id else "nothing of it was found"
        for receipt in one.receipts:
            self._end(receipt, "settled", batch_id, note)

    def _end(self, receipt: Receipt, outcome: Ending, batch_id: str | None, note: str) -> None:
        try:
            self._receipts.end(receipt.id, outcome, batch_id=batch_id, note=note)
        except ReceiptsUnavailable as error:
            # Then a later run looks at it once more.
            _LOGGER.debug("receipt", extra={"error": str(error)})

    def _record(self, runner: Runner, one: InterruptedCreate) -> BatchRecord:
        inputs = BatchInputs(count=one.count, resource_urn=one.urn, owner=one.owner, claim=one.claim)
        return BatchRecord.of(inputs, live_status="pending", account=str(runner.client.account()))

    def _may_be_in_flight(self, receipt: Receipt) -> bool:
        runs = is_running(receipt.run)
        if runs is not None:
            # A process looks for the batch of a lost response, for minutes, after it has written the outcome.
            return runs
        return receipt.outcome is None and self._clock.now() - receipt.intended_at < _LOOKED_FOR_ONCE_AFTER

    def _warn_of_strangers(self, runner: Runner, owner: str, notices: Notices) -> None:
        """Warn of live batches with this stack's tag that no state has: another machine may have lost them."""
        state = self.state.get()
        if state is None or not state.claims or not self._is_first("strangers"):
            return
        try:
            live = runner.claims.live(owner)
        except ApiError as error:
            _LOGGER.debug("strangers", extra={"error": type(error).__name__})
            return
        interrupted = (*state.pending, *self._known.get(owner, ()))
        known = {*state.claims, *state.unknown_claims, *(one.claim for one in interrupted)}
        strangers = [claim for claim in live if claim not in known and run_mark_of(claim) != self._run_mark]
        if strangers:
            notices.warning(
                f"found {counted(len(strangers), 'running batch', 'running batches')} with this stack's owner tag that "
                "the state does not have: a run on another machine may have lost the response to a create, or another "
                "stack has the same name. List them with `pulumi-anchorbrowser orphans`."
            )

    def _is_first(self, what: str) -> bool:
        with self._lock:
            is_first = what not in self._once
            self._once.add(what)
        return is_first


def _is_of_account(one: InterruptedCreate, runner: Runner) -> bool:
    """Whether the key in use would show the create's batch: another team's key shows nothing."""
    accounts = {receipt.subject.account for receipt in one.receipts} - {""}
    # The state does not say which key has sent it; it was hardly the second one.
    return all(map(runner.client.opens, map(Account.parse, accounts))) if accounts else not runner.client.has_gone_over
