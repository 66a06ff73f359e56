"""Starting a batch once and only once, whatever becomes of the answer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from threading import Lock

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, Batch, Client, NotFound, passwords_in
from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.claims import ClaimSearch
from pulumi_anchorbrowser.lifecycle.decisions import Delete
from pulumi_anchorbrowser.lifecycle.errors import OutcomeUnknown
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.ownership import claim_tag, with_marks
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import CreateStopped, RecordedCalls
from pulumi_anchorbrowser.lifecycle.stopping import Stopping
from pulumi_anchorbrowser.receipts import Receipt, Receipts, ReceiptsUnavailable, Subject

_LOGGER = logging.getLogger(__name__)
# After so long, a create that has shown nothing will not show anything any more.
_HOPELESS_AFTER = timedelta(hours=1)
_one_at_a_time = Lock()


class Starting:
    """Starts batches. A create of unknown outcome is looked for, and never repeated in the same run."""

    def __init__(
        self,
        client: Client,
        receipts: Receipts,
        calls: RecordedCalls,
        stopping: Stopping,
        accounts: AccountCheck,
        search: ClaimSearch,
    ) -> None:
        self._client = client
        self._receipts = receipts
        self._calls = calls
        self._stopping = stopping
        self._accounts = accounts
        self._search = search
        self._swept: set[str] = set()
        self._lock = Lock()

    def start(self, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        """The batch of these inputs: one that an interrupted run had started for them, else a new one."""
        earlier = self._settle_earlier(inputs, notices)
        if earlier is not None:
            return earlier
        configuration = with_marks(inputs.configuration, inputs.owner, inputs.claim)
        if inputs.count is None:
            raise ValueError("a batch to start has a count")
        sent_at = datetime.now(timezone.utc)
        receipt = self._calls.intend_create(self._subject(inputs))
        try:
            created = self._client.create_batch(inputs.count, configuration, inputs.metadata)
        except ApiError as error:
            self._calls.close_create(receipt, notices, error)
            if error.nothing_done:
                raise
            return self._look_for(inputs, receipt, sent_at, error, notices)
        self._calls.close_create(receipt, notices, batch_id=created.batch_id)
        _settled("answered", batch_id=created.batch_id)
        notices.info(f"started batch {created.batch_id}: {inputs.count} sessions requested")
        return self._record(inputs, created.batch_id).but(
            live_status=created.status, total_requests=created.total_requests, created_at=created.created_at
        )

    def sweep_unanswered(self, owner: str, notices: Notices) -> None:
        """Delete, once in a run, what interrupted creates of this stack have left: no state knows it."""
        with self._lock:
            if owner in self._swept:
                return
            self._swept.add(owner)
            self._sweep(lambda: self._receipts.unanswered_creates(owner), notices)

    def sweep_superseded(self, record: BatchRecord, notices: Notices) -> None:
        """Delete what interrupted creates of this resource have left: the state has another batch in its place."""
        urn = record.resource_urn
        if urn is not None:
            self._sweep(lambda: self._receipts.superseded_creates(record.owner, urn, record.batch_id), notices)

    def _sweep(self, find: Callable[[], list[Receipt]], notices: Notices) -> None:
        for receipt in self._earlier(find, notices.warning):
            batch = self._batch_of(receipt, notices)
            if batch is not None:
                self._delete_leftover(receipt, batch, notices)

    def _look_for(
        self, inputs: BatchInputs, receipt: int, sent_at: datetime, error: ApiError, notices: Notices
    ) -> BatchRecord:
        try:
            found = self._search.find(inputs.claim, inputs.count, sent_at, notices)
            batch = self._client.get_batch(found) if found else None
        except ApiError as failure:
            raise self._unknown(inputs, f"{error.explanation}; {failure.explanation}") from None
        if batch is None:
            _settled("unknown")
            raise self._unknown(inputs, error.explanation) from None
        _settled("found", batch_id=batch.batch_id)
        self._calls.close_create(receipt, notices, batch_id=batch.batch_id, http_status=None, note=None)
        notices.warning(
            f"the answer to the create was lost ({error.explanation}), and batch {batch.batch_id}, "
            "which it had started, was found by its claim and taken"
        )
        return self._record(inputs, batch.batch_id).seen(batch)

    def _settle_earlier(self, inputs: BatchInputs, notices: Notices) -> BatchRecord | None:
        adopted: BatchRecord | None = None
        urn = inputs.resource_urn or ""
        for receipt in self._earlier(lambda: self._receipts.unsettled_creates(inputs.owner, urn), _stop_create):
            try:
                batch = self._batch_of(receipt, notices)
            except ApiError as error:
                raise CreateStopped(
                    f"Nothing was started: what an interrupted run may have started (claim {receipt.subject.claim}) "
                    f"could not be looked for: {error.explanation}. Run the same command again."
                ) from None
            if batch is None:
                continue
            if adopted is None and batch.status != CANCELLED and self._matches(receipt, inputs):
                self._receipts.take_over(receipt.id, batch.batch_id)
                _settled("taken_over", batch_id=batch.batch_id, claim=receipt.subject.claim)
                notices.warning(
                    f"took over batch {batch.batch_id}, which an interrupted run had started for this resource"
                )
                # Its sessions carry the claim they were started with.
                adopted = self._record(inputs, batch.batch_id).seen(batch).but(claim=receipt.subject.claim)
            else:
                self._delete_leftover(receipt, batch, notices)
        return adopted

    def _batch_of(self, receipt: Receipt, notices: Notices) -> Batch | None:
        """The batch that an earlier create made, if it made one and it is still there."""
        subject = receipt.subject
        with logs.about(claim=subject.claim, batch_id=subject.batch_id):
            batch_id = subject.batch_id or self._search.find(subject.claim, subject.count, receipt.intended_at, notices)
            batch = None
            if batch_id is not None:
                try:
                    batch = self._client.get_batch(batch_id)
                except NotFound:
                    batch = None
        if batch is not None and not batch.is_empty:
            return batch
        is_over = batch_id is not None or datetime.now(timezone.utc) - receipt.intended_at > _HOPELESS_AFTER
        if is_over and self._accounts.is_ours(subject.account):
            self._receipts.close(receipt.id, "settled", note="nothing of it is there")
        return None

    def _delete_leftover(self, receipt: Receipt, batch: Batch, notices: Notices) -> None:
        notices.warning(
            f"deleting batch {batch.batch_id} ({batch.status}, {batch.total_requests} sessions), "
            "which an interrupted run had started and no state knows"
        )
        subject = receipt.subject
        inputs = BatchInputs(count=subject.count, resource_urn=subject.urn, owner=subject.owner, claim=subject.claim)
        with logs.about(claim=subject.claim, batch_id=batch.batch_id):
            _settled("leftover")
            self._stopping.carry_out(Delete(), self._record(inputs, batch.batch_id).seen(batch), notices)
            self._receipts.close(receipt.id, "settled", batch_id=batch.batch_id, note="deleted")

    def _earlier(self, find: Callable[[], list[Receipt]], on_failure: Callable[[str], None]) -> list[Receipt]:
        try:
            return find()
        except ReceiptsUnavailable as error:
            on_failure(f"Interrupted creates could not be looked for: {error}; then run again.")
            return []

    def _matches(self, receipt: Receipt, inputs: BatchInputs) -> bool:
        return receipt.subject.fingerprint == _fingerprint(inputs, receipt.subject.claim)

    def _record(self, inputs: BatchInputs, batch_id: str) -> BatchRecord:
        account = str(self._client.account())
        return BatchRecord.of(inputs, batch_id=batch_id, adopted=False, live_status="pending", account=account)

    def _subject(self, inputs: BatchInputs) -> Subject:
        return Subject(
            owner=inputs.owner,
            urn=inputs.resource_urn or "",
            claim=inputs.claim,
            account=str(self._client.account()),
            count=inputs.count,
            fingerprint=_fingerprint(inputs, inputs.claim) if self._receipts.enabled else None,
        )

    def _unknown(self, inputs: BatchInputs, explanation: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            explanation,
            claim_tag(inputs.claim),
            looked_for=self._search.patience,
            next_run_looks=self._receipts.enabled,
        )


def _settled(how: str, **fields: str) -> None:
    """It is known now what became of a create, or that it is not known."""
    _LOGGER.debug("settle", extra={"settled": how, **fields})


def _stop_create(reason: str) -> None:
    raise CreateStopped(f"Nothing was started. {reason}")


def _fingerprint(inputs: BatchInputs, claim: str) -> str:
    """Tells equal inputs from others. They can hold a proxy's password, so it is slow to guess at then, and salted."""
    with _one_at_a_time:
        key = _slow_key(tuple(passwords_in(inputs.configuration)), inputs.owner)
    text = json.dumps([inputs.count, inputs.configuration, inputs.metadata, claim], sort_keys=True)
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).hexdigest()


@lru_cache(maxsize=64)
def _slow_key(passwords: tuple[str, ...], owner: str) -> bytes:
    """Takes 50 ms and 16 MiB, which is why it is made once for the equal batches of a stack, and only where needed."""
    if not passwords:
        return b""
    return hashlib.scrypt(json.dumps(passwords).encode(), salt=owner.encode(), n=2**14, r=8, p=1, dklen=32)
