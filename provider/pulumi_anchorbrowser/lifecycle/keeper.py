"""The life of a batch: create, read, update, destroy. Decides with `decisions`, acts through the API."""

from __future__ import annotations

import logging
from collections.abc import Collection
from threading import Lock

from pulumi_anchorbrowser.api import Batch, BatchSummary, Client, NotFound
from pulumi_anchorbrowser.lifecycle import decisions
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.changes import recorded_in_place
from pulumi_anchorbrowser.lifecycle.claims import ClaimSearch
from pulumi_anchorbrowser.lifecycle.errors import NotAdopted
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices, SystemClock
from pulumi_anchorbrowser.lifecycle.reading import BatchReader
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.lifecycle.starting import Starting
from pulumi_anchorbrowser.lifecycle.stopping import Stopping
from pulumi_anchorbrowser.lifecycle.waiting import FIRST_PAUSE_SECONDS, Waiting
from pulumi_anchorbrowser.receipts import Receipts

_LOGGER = logging.getLogger(__name__)
# How long after its create was sent a batch of unknown outcome is looked for.
SETTLE_TIMEOUT_SECONDS = 60.0


class BatchKeeper:
    """Keeps batches for one run of the engine; safe for use by many threads.

    Every method raises `ApiError` or `LifecycleError` for what can be expected to go wrong.
    `confirmed_accounts` are the codes with which the user vouches for a changed key.
    """

    def __init__(
        self,
        client: Client,
        receipts: Receipts,
        *,
        clock: Clock | None = None,
        confirmed_accounts: Collection[str] = (),
        settle_timeout: float = SETTLE_TIMEOUT_SECONDS,
    ) -> None:
        clock = clock or SystemClock()
        self._client = client
        self._clock = clock
        self._reader = BatchReader(client, clock)
        self._calls = RecordedCalls(client, receipts, self.changed)
        self._accounts = AccountCheck(client, confirmed_accounts)
        self._stopping = Stopping(client, self._calls, self._accounts, clock)
        search = ClaimSearch(client, clock, settle_timeout)
        self._starting = Starting(client, receipts, self._calls, self._stopping, self._accounts, search)
        self._adopted_in_this_run: set[str] = set()
        self._lock = Lock()

    def changed(self, batch_id: str) -> None:
        """This process may have changed the batch: what was read of it before is not used again."""
        self._reader.changed(batch_id)

    def create(self, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        """Start or adopt a batch. Returns as soon as the API has taken it, so that its id is in the state."""
        decision = decisions.on_create(inputs)
        _LOGGER.debug("decision", extra={"question": "create", "decision": type(decision).__name__})
        match decision:
            case decisions.Start():
                return self._starting.start(inputs, notices)
            case decisions.Adopt():
                return self._adopt(inputs, notices)
            case _:
                notices.warning(
                    f"status is {inputs.status!r} for a batch that does not exist yet: "
                    "nothing was started, and there are no counts"
                )
                return BatchRecord.of(inputs, live_status=DELETED, account=str(self._client.account()))

    def read(self, record: BatchRecord, notices: Notices) -> BatchRecord | None:
        """The record brought up to date; None where the resource is to be dropped, so that it is created anew."""
        if record.batch_id is None:
            return record
        self._calls.mark_in_state(record, notices)
        batch: BatchSummary | None = None
        if not record.is_gone:
            try:
                batch = self._reader.read(record.batch_id)
            except NotFound:
                self._accounts.must_be_ours(record)
        if batch is not None:
            record = self._accounts.renewed(record)
            if not (isinstance(batch, Batch) and batch.is_empty):
                return record.seen(batch)
        return self._missing(record, notices)

    def update(self, record: BatchRecord, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        """Bring the batch to its new inputs."""
        self._calls.mark_in_state(record, notices)
        without_effect = recorded_in_place(record.model_dump(), inputs.model_dump()) if inputs.batch_id is None else []
        if without_effect:
            notices.info(f"{', '.join(without_effect)}: recorded; no batch is replaced, since this one is not to run")
        decision = decisions.on_update(record, inputs)
        updated = self._stopping.carry_out(decision, record.with_inputs(inputs), notices)
        self._starting.sweep_superseded(record, notices)
        return updated

    def delete(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """Do what `on_destroy` says. The answer holds the final counts."""
        decision = decisions.on_destroy(record)
        with self._lock:
            taken_over = record.batch_id in self._adopted_in_this_run
        if taken_over and not isinstance(decision, decisions.Nothing):
            notices.warning(f"batch {record.batch_id} was adopted by another resource in this run, so it is left alone")
            return record
        record = self._stopping.carry_out(decision, record, notices)
        self._starting.sweep_superseded(record, notices)
        self._starting.sweep_unanswered(record.owner, notices)
        return record

    def waiting(self, notices: Notices, first_pause: float = FIRST_PAUSE_SECONDS) -> Waiting:
        """A wait that shares its looks at the API with all other waits and reads."""
        return Waiting(self._client, self._reader, self._calls, self._clock, notices, first_pause)

    def _adopt(self, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        batch_id = str(inputs.batch_id)
        try:
            batch = self._client.get_batch(batch_id)
        except NotFound as error:
            raise NotAdopted(batch_id, error.explanation, error.advice) from None
        if batch.is_empty:
            raise NotAdopted(batch_id, "nothing of it is left", "Adopt another batch, or start a new one with count.")
        account = str(self._client.account())
        record = BatchRecord.of(inputs, live_status=batch.status, account=account).seen(batch)
        decision = decisions.on_adopt(record)
        if isinstance(decision, decisions.Refuse):
            raise NotAdopted(batch_id, decision.reason, "Or start a new batch with count.")
        # Before the call that follows: even if it fails, the engine may delete a former owner of this id.
        with self._lock:
            self._adopted_in_this_run.add(batch_id)
        notices.info(f"adopted batch {batch_id}: {batch.status}, {batch.total_requests} sessions")
        return self._stopping.carry_out(decision, record, notices)

    def _missing(self, record: BatchRecord, notices: Notices) -> BatchRecord | None:
        gone = record.but(live_status=DELETED)
        decision = decisions.on_missing(record)
        _LOGGER.debug("decision", extra={"question": "missing", "decision": type(decision).__name__})
        if isinstance(decision, decisions.Forget):
            notices.warning(f"batch {record.batch_id} is gone; the next `pulumi up` starts a new one (on_missing)")
            return None
        if not record.is_gone and record.status != DELETED:
            notices.warning(
                f"batch {record.batch_id} is no longer known to the API: kept in the state as deleted, with no counts"
            )
        return gone
