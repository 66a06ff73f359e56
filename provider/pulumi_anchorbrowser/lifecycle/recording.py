"""The mutating calls, each with its receipt: the intent before, the outcome after.

A create without a receipt is not made: after a crash nobody would look for it. Stopping browsers goes first: where
the store fails, a cancel or a delete is made all the same, with a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pulumi_anchorbrowser.api import ApiError, BatchCancelled, BatchDeleted, BatchRetried, Client
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.receipts import Counts, Operation, Receipts, ReceiptsUnavailable, Subject

_LOGGER = logging.getLogger(__name__)


class CreateStopped(LifecycleError):
    """The store of receipts failed, and so nothing was started."""


class Outcome:
    """What a stop has come to, filled in while it goes on."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self.values: dict[str, Any] = {}
        self.is_known = True
        self.progress = progress


class RecordedCalls:
    """The client's mutating calls, with receipts."""

    def __init__(self, client: Client, receipts: Receipts, changed: Callable[[str], None] = lambda _: None) -> None:
        """`changed` is told the id of each batch that a call may have changed."""
        self._client = client
        self._receipts = receipts
        self._changed = changed

    def intend_create(self, subject: Subject) -> int:
        """The number of a create's receipt. Raises CreateStopped where it cannot be written."""
        try:
            return self._intended("create", subject)
        except ReceiptsUnavailable as error:
            raise CreateStopped(f"Nothing was started: {error}; then run again.") from None

    def close_create(self, receipt: int, notices: Notices, error: ApiError | None = None, **values: Any) -> None:
        """Write down how a create ended. The batch exists by now, so a failing store is only a warning."""
        with self._tolerant(notices):
            if error is None:
                self._receipts.close(receipt, "done", **values)
            else:
                self._close_failed(receipt, error)

    def cancel(self, record: BatchRecord, notices: Notices) -> BatchCancelled:
        """PATCH the batch to cancelled."""
        with self._stop("cancel", record, notices) as outcome:
            answer = self._client.cancel_batch(record.known_id)
            outcome.values = {"cancelled_sessions": answer.cancelled_sessions}
        return answer

    def delete(self, record: BatchRecord, notices: Notices) -> BatchDeleted:
        """DELETE the batch."""
        with self._stop("delete", record, notices) as outcome:
            answer = self._client.delete_batch(record.known_id)
            outcome.values = {
                "deleted_sessions": answer.deleted_sessions,
                "failed_deletions": answer.failed_deletions,
                "uncertain": answer.after_lost_answer,
            }
        return answer

    def retry(self, subject: Subject, batch_id: str, max_retries: int, notices: Notices) -> BatchRetried:
        """POST a retry of the failed sessions."""
        with self._receipt("retry", subject, notices) as outcome:
            answer = self._client.retry_batch(batch_id, max_retries)
            outcome.values = {"count": answer.retried_sessions}
        return answer

    @contextmanager
    def ending(self, record: BatchRecord, notices: Notices) -> Iterator[Outcome]:
        """One receipt for the ending of sessions one by one; it knows at any moment how far that has come."""
        with self._stop("end_sessions", record, notices) as outcome:
            yield outcome

    def counts(self, record: BatchRecord, notices: Notices) -> Counts:
        """What the API has said of the batch so far, in the receipts or else in the state."""
        past = Counts()
        with self._tolerant(notices):
            past = self._receipts.counts(record.known_id)
        return Counts(
            cancelled_sessions=_either(past.cancelled_sessions, record.cancelled_sessions),
            ended_sessions=_either(past.ended_sessions, record.ended_sessions),
            deleted_sessions=_either(past.deleted_sessions, record.deleted_sessions),
            ended_uncertain=past.ended_uncertain,
            deleted_uncertain=past.deleted_uncertain,
        )

    def mark_in_state(self, record: BatchRecord, notices: Notices) -> None:
        """The engine's state knows this batch."""
        if record.batch_id is not None:
            with self._tolerant(notices):
                self._receipts.mark_in_state(record.batch_id)

    def _stop(self, operation: Operation, record: BatchRecord, notices: Notices) -> Any:
        subject = Subject(record.owner, record.resource_urn or "", record.claim, record.account, record.batch_id)
        return self._receipt(operation, subject, notices)

    @contextmanager
    def _receipt(self, operation: Operation, subject: Subject, notices: Notices) -> Iterator[Outcome]:
        receipt = 0
        with self._tolerant(notices):
            receipt = self._intended(operation, subject)

        def progress(ended: int) -> None:
            with self._tolerant(notices):
                if receipt:
                    self._receipts.progress(receipt, ended_sessions=ended)

        outcome = Outcome(progress)
        try:
            yield outcome
        except ApiError as error:
            with self._tolerant(notices):
                self._close_failed(receipt, error)
            raise
        finally:
            if subject.batch_id is not None:
                self._changed(subject.batch_id)
        with self._tolerant(notices):
            if receipt:
                self._receipts.close(receipt, "done" if outcome.is_known else "unknown", **outcome.values)

    def _intended(self, operation: Operation, subject: Subject) -> int:
        receipt = self._receipts.intend(operation, subject)
        _LOGGER.debug("receipt", extra={"receipt": receipt, "call": operation})
        return receipt

    def _close_failed(self, receipt: int, error: ApiError) -> None:
        if receipt:
            self._receipts.close(
                receipt,
                "refused" if error.nothing_done else "unknown",
                http_status=error.status,
                uncertain=error.after_lost_answer,
                note=error.explanation,
            )

    @contextmanager
    def _tolerant(self, notices: Notices) -> Iterator[None]:
        try:
            yield
        except ReceiptsUnavailable as error:
            notices.warning(f"{error}. What is being done goes on without a receipt.")


def _either(first: int | None, second: int | None) -> int | None:
    return second if first is None else first
