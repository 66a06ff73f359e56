"""Stopping the browsers of a batch: cancel it, delete it, or end its sessions one by one. The counts are the API's."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pulumi_anchorbrowser.api import AlreadySettled, ApiError, Batch, Client, NotFound
from pulumi_anchorbrowser.api.models import CANCELLED, FAILED, UNFINISHED
from pulumi_anchorbrowser.lifecycle import decisions
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.counting import Deletion, Ending, added, sessions
from pulumi_anchorbrowser.lifecycle.errors import CancelRefused, DeletionIncomplete, SessionsNotEnded
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls

_TRIES = 3
_PAUSE_SECONDS = 0.5
_ENDED_AT_ONCE = 8


class Stopping:
    """Carries out stop decisions. Every method answers with the record as it stands afterwards."""

    def __init__(self, client: Client, calls: RecordedCalls, accounts: AccountCheck, clock: Clock) -> None:
        self._client = client
        self._calls = calls
        self.accounts = accounts
        self._clock = clock

    def carry_out(self, decision: decisions.StopDecision, record: BatchRecord, notices: Notices) -> BatchRecord:
        """Do what was decided."""
        match decision:
            case decisions.Cancel():
                return self.cancel(record, notices)
            case decisions.Delete():
                return self.delete(record, notices)
            case decisions.EndSessions():
                return self.end_sessions(record, notices)
            case _:
                return record

    def cancel(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """PATCH the batch to cancelled; where the API refuses, do what `if_completed` says."""
        refusal: AlreadySettled | None = None
        for attempt in range(_TRIES):
            if attempt:
                self._clock.sleep(_PAUSE_SECONDS * attempt)
            try:
                return self._cancelled(record, notices)
            except NotFound:
                return self._gone(record, notices)
            except AlreadySettled as error:
                refusal = error
                live = self._look(record)
                decision = decisions.on_refused_cancel(live, record.if_completed)
                # Refused, and yet unfinished: it changed between the two calls, so ask again.
                if not isinstance(decision, decisions.Cancel):
                    return self._after_refusal(decision, live, error, record, notices)
        raise CancelRefused(record.known_id, _said(refusal), "the API goes on refusing although it is not finished")

    def delete(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """DELETE the batch; sessions that cannot be deleted are at least ended."""
        deletion = Deletion.after(self._calls.counts(record, notices), record)
        for attempt in range(_TRIES):
            if attempt:
                self._clock.sleep(_PAUSE_SECONDS * attempt)
            try:
                answer = self._calls.delete(record, notices)
            except NotFound as error:
                # 404 is success: nothing of the batch is left.
                deletion = deletion.gone(after_lost_answer=error.after_lost_answer)
                if not deletion.answers:
                    self.accounts.must_be_ours(record)
                return self._deleted(record, deletion, notices)
            deletion = deletion.answered(answer)
            if not deletion.failed:
                return self._deleted(record, deletion, notices)
            notices.progress(f"{sessions(deletion.failed)} could not be deleted yet")
        return self._end_undeleted(record, deletion, notices)

    def end_sessions(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """End every session one by one, so that the data stays; first see to it that no more are started."""
        live = self._look(record)
        if live is None or live.is_empty:
            return self._gone(record, notices, live)
        if live.status in UNFINISHED | {FAILED}:
            try:
                # Refused where creation has finished between the two calls; the sessions are ended below.
                with suppress(AlreadySettled):
                    record = self._cancelled(record, notices)
            except NotFound:
                return self._gone(record, notices)
            live = self._look(record) or live
        return self._end_all(live, record, notices)

    def _cancelled(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        past = self._calls.counts(record, notices).cancelled_sessions
        answer = self._calls.cancel(record, notices)
        notices.info(f"cancelled batch {record.batch_id}: {sessions(answer.cancelled_sessions)} stopped")
        if answer.cancelled_sessions is None:
            notices.warning("the API did not say how many sessions the cancel stopped; cancelled_sessions is empty")
        total = None if answer.cancelled_sessions is None else added(past, answer.cancelled_sessions)
        return self.accounts.renewed(
            record.but(live_status=CANCELLED, cancelled_sessions=total, message=answer.message)
        )

    def _already_cancelled(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        recorded = self._calls.counts(record, notices).cancelled_sessions
        if recorded is None:
            notices.warning(
                f"batch {record.batch_id} was already cancelled; "
                "how many sessions that stopped is not known, so cancelled_sessions is empty"
            )
        else:
            notices.info(f"batch {record.batch_id} was already cancelled: {sessions(recorded)} stopped, by its receipt")
        return record.but(cancelled_sessions=recorded)

    def _after_refusal(
        self,
        decision: decisions.RefusedCancelDecision,
        live: Batch | None,
        refusal: AlreadySettled,
        record: BatchRecord,
        notices: Notices,
    ) -> BatchRecord:
        if live is not None:
            record = self.accounts.renewed(record.seen(live))
        match decision:
            case decisions.AlreadyGone():
                return self._gone(record, notices, live)
            case decisions.AlreadyCancelled():
                return self._already_cancelled(record, notices)
            case decisions.Delete():
                return self.delete(record, notices)
            case decisions.EndSessions() if live is not None:
                return self._end_all(live, record, notices)
            case decisions.Refuse(reason):
                raise CancelRefused(record.known_id, _said(refusal), reason)
            case _:
                notices.warning(
                    f"batch {record.batch_id} is {record.live_status} and its browsers may go on running until they "
                    "end by themselves, as if_completed='accept' asks"
                )
                return record

    def _end_all(self, live: Batch, record: BatchRecord, notices: Notices) -> BatchRecord:
        running = [s.session_id for s in live.sessions if s.session_id and s.status not in {FAILED, CANCELLED}]
        ending = self._end(running, record, notices)
        if ending.failures:
            raise SessionsNotEnded(record.known_id, ending.failures, ending.ended)
        notices.info(
            f"ended the sessions of batch {record.batch_id} one by one: {sessions(ending.ended)} stopped, data kept"
        )
        ended = ending.total(notices)
        return self.accounts.renewed(record.seen(live).but(ended_sessions=ended, ended=True))

    def _end_undeleted(self, record: BatchRecord, deletion: Deletion, notices: Notices) -> BatchRecord:
        named = [failed["session_id"] for failed in deletion.errors if failed["session_id"]]
        if len(named) < deletion.failed:
            live = self._look(record)
            named = [s.session_id for s in live.sessions if s.session_id] if live else []
        ending = self._end(named, record, notices)
        if ending.failures:
            raise DeletionIncomplete(record.known_id, ending.failures, deletion.deleted)
        notices.warning(
            f"{sessions(deletion.failed)} of batch {record.batch_id} could not be deleted, and "
            f"{ending.ended} of them were ended one by one: nothing runs, but data of them may remain"
        )
        return self._deleted(record.but(ended_sessions=ending.total(notices)), deletion, notices)

    def _end(self, running: Sequence[str], record: BatchRecord, notices: Notices) -> Ending:
        ending = Ending(self._calls.counts(record, notices))
        if not running:
            return ending
        with self._calls.ending(record, notices) as outcome, ThreadPoolExecutor(_ENDED_AT_ONCE) as pool:
            for session, end in zip(running, pool.map(self._end_one, running), strict=True):
                ending.add(session, end)
                outcome.progress(ending.ended)
                notices.progress(f"{ending.ended} of {len(running)} sessions ended")
            outcome.is_known = not ending.is_uncertain
            outcome.values = {"ended_sessions": ending.ended, "uncertain": ending.is_uncertain}
        return ending

    def _end_one(self, session: str) -> ApiError | None:
        try:
            self._client.end_session(session)
        except ApiError as error:
            return error
        return None

    def _look(self, record: BatchRecord) -> Batch | None:
        try:
            return self._client.get_batch(record.known_id)
        except NotFound:
            return None

    def _gone(self, record: BatchRecord, notices: Notices, empty: Batch | None = None) -> BatchRecord:
        if empty is None:
            self.accounts.must_be_ours(record)
        past = self._calls.counts(record, notices)
        notices.warning(
            f"batch {record.batch_id} is no longer known to the API: taken as deleted, with the counts known so far"
        )
        return self.accounts.renewed(
            record.but(
                live_status=DELETED,
                cancelled_sessions=past.cancelled_sessions,
                deleted_sessions=None if past.deleted_uncertain else past.deleted_sessions,
            )
        )

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
        return self.accounts.renewed(
            record.but(
                live_status=DELETED,
                cancelled_sessions=self._calls.counts(record, notices).cancelled_sessions,
                deleted_sessions=deleted,
                failed_deletions=deletion.failed if deletion.answers else None,
                deletion_errors=list(deletion.errors) or None,
                message=deletion.message or record.message,
            )
        )


def _said(refusal: AlreadySettled | None) -> str:
    return refusal.explanation if refusal else "the API refused"
