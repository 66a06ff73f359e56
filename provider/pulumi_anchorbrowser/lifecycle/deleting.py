"""Deleting a batch: its browsers stop, its data is removed."""

from __future__ import annotations

import logging

from pulumi_anchorbrowser.api import Batch, Client, NotFound
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.counting import Deletion
from pulumi_anchorbrowser.lifecycle.ending import SessionEnding
from pulumi_anchorbrowser.lifecycle.errors import DeletionIncomplete
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.words import sessions

_LOGGER = logging.getLogger(__name__)
_TRIES = 3
_PAUSE_SECONDS = 0.5


class Deleting:
    """Deletes batches. A batch that is gone already is as good as deleted, under the account that made it."""

    def __init__(
        self, client: Client, calls: RecordedCalls, accounts: AccountCheck, ending: SessionEnding, clock: Clock
    ) -> None:
        self._client = client
        self._calls = calls
        self._accounts = accounts
        self._ending = ending
        self._clock = clock

    def delete(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """DELETE the batch; sessions that cannot be deleted are at least ended."""
        past = self._calls.counts(record, notices)
        record = record.but(cancelled_sessions=past.cancelled_sessions)
        deletion = Deletion.after(past, record)
        for attempt in range(_TRIES):
            if attempt:
                pause = _PAUSE_SECONDS * attempt
                _LOGGER.debug("wait", extra={"reason": "undeleted_sessions", "seconds": pause})
                self._clock.sleep(pause)
            try:
                answer = self._calls.delete(record, notices)
            except NotFound as error:
                # 404 is success: nothing of the batch is left.
                deletion = deletion.gone(after_lost_answer=error.after_lost_answer)
                if not deletion.answers:
                    self._accounts.must_be_ours(record)
                return self._deleted(record, deletion, notices)
            deletion = deletion.answered(answer)
            if not deletion.failed:
                return self._deleted(record, deletion, notices)
            notices.progress(f"{sessions(deletion.failed)} could not be deleted yet")
        return self._end_undeleted(record, deletion, notices)

    def gone(self, record: BatchRecord, notices: Notices, empty: Batch | None = None) -> BatchRecord:
        """The record of a batch that the API no longer knows, or of which it shows that nothing is left."""
        if empty is None:
            self._accounts.must_be_ours(record)
        past = self._calls.counts(record, notices)
        notices.warning(
            f"batch {record.batch_id} is no longer known to the API: taken as deleted, with the counts known so far"
        )
        return self._accounts.renewed(
            record.but(
                live_status=DELETED,
                cancelled_sessions=past.cancelled_sessions,
                deleted_sessions=None if past.deleted_uncertain else past.deleted_sessions,
            )
        )

    def _end_undeleted(self, record: BatchRecord, deletion: Deletion, notices: Notices) -> BatchRecord:
        named = [failed["session_id"] for failed in deletion.errors if failed["session_id"]]
        if len(named) < deletion.failed:
            named = self._all_sessions(record)
        ending = self._ending.end(named, record, notices)
        if ending.failures:
            raise DeletionIncomplete(record.known_id, ending.failures, deletion.deleted)
        notices.warning(
            f"{sessions(deletion.failed)} of batch {record.batch_id} could not be deleted, and "
            f"{ending.ended} of them were ended one by one: nothing runs, but data of them may remain"
        )
        return self._deleted(record.but(ended_sessions=ending.total(notices)), deletion, notices)

    def _all_sessions(self, record: BatchRecord) -> list[str]:
        try:
            batch = self._client.get_batch(record.known_id)
        except NotFound:
            return []
        return [session.session_id for session in batch.sessions or () if session.session_id]

    def _deleted(self, record: BatchRecord, deletion: Deletion, notices: Notices) -> BatchRecord:
        deleted = deletion.deleted
        if deletion.answers:
            notices.info(f"deleted batch {record.batch_id}: {sessions(deleted)} deleted, {deletion.failed} failed")
        else:
            known = "" if deleted is None else f": {sessions(deleted)} deleted, by its receipts"
            notices.info(f"batch {record.batch_id} was already gone{known}")
        if deleted is None and (deletion.answers or deletion.is_uncertain):
            notices.warning(
                f"how many sessions of batch {record.batch_id} were deleted is not known, since an answer of the API "
                "was lost or does not say; deleted_sessions is empty"
            )
        return self._accounts.renewed(
            record.but(
                live_status=DELETED,
                deleted_sessions=deleted,
                failed_deletions=deletion.failed if deletion.answers else None,
                deletion_errors=list(deletion.errors) or None,
                message=deletion.message or record.message,
            )
        )
