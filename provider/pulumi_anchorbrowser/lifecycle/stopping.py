"""Stopping the browsers of a batch: cancel it, delete it, or end its sessions one by one. The counts are the API's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pulumi_anchorbrowser.api import AlreadySettled, ApiError, Batch, BatchDeleted, Client, NotFound
from pulumi_anchorbrowser.api.models import CANCELLED, FAILED, UNFINISHED
from pulumi_anchorbrowser.lifecycle import decisions
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.errors import CancelRefused, DeletionIncomplete, SessionsNotEnded
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord, added

_TRIES = 3
_PAUSE_SECONDS = 0.5
_ENDED_AT_ONCE = 8

Failures = list[tuple[str, str]]


class Stopping:
    """Carries out stop decisions. Every method answers with the record as it stands afterwards."""

    def __init__(self, client: Client, accounts: AccountCheck, clock: Clock) -> None:
        self._client = client
        self._accounts = accounts
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
                return self._gone(record, notices.warning)
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
        answer: BatchDeleted | None = None
        for attempt in range(_TRIES):
            if attempt:
                self._clock.sleep(_PAUSE_SECONDS * attempt)
            try:
                answer = self._client.delete_batch(record.known_id)
            except NotFound:
                # 404 after a partial deletion is success as well: nothing of the batch is left.
                if answer is None:
                    return self._gone(record, notices.info)
                return self._deleted(record, None, notices)
            record = record.but(deleted_sessions=added(record.deleted_sessions, answer.deleted_sessions))
            if not answer.failed_deletions:
                return self._deleted(record, answer, notices)
            notices.progress(f"{answer.failed_deletions} sessions could not be deleted yet")
        assert answer is not None  # noqa: S101  # the loop ran
        return self._end_undeleted(record, answer, notices)

    def end_sessions(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """End every session one by one, so that the data stays; first see to it that no more are started."""
        live = self._look(record)
        if live is None or live.is_empty:
            return self._gone(record, notices.warning, live)
        if live.status in UNFINISHED | {FAILED}:
            try:
                # Refused where creation has finished between the two calls; the sessions are ended below.
                with suppress(AlreadySettled):
                    record = self._cancelled(record, notices)
            except NotFound:
                return self._gone(record, notices.warning)
            live = self._look(record) or live
        return self._end_all(live, record, notices)

    def _cancelled(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        answer = self._client.cancel_batch(record.known_id)
        notices.info(f"cancelled batch {record.batch_id}: {_sessions(answer.cancelled_sessions)} stopped")
        if answer.cancelled_sessions is None:
            notices.warning("the API did not say how many sessions the cancel stopped; cancelled_sessions is empty")
        return self._accounts.renewed(
            record.but(live_status=CANCELLED, cancelled_sessions=answer.cancelled_sessions, message=answer.message)
        )

    def _after_refusal(
        self,
        decision: decisions.RefusedCancelDecision,
        live: Batch | None,
        refusal: AlreadySettled,
        record: BatchRecord,
        notices: Notices,
    ) -> BatchRecord:
        if live is not None:
            record = self._accounts.renewed(record.seen(live))
        match decision:
            case decisions.AlreadyGone():
                return self._gone(record, notices.warning, live)
            case decisions.AlreadyCancelled():
                notices.warning(
                    f"batch {record.batch_id} was already cancelled; "
                    "how many sessions that stopped is not known, so cancelled_sessions is empty"
                )
                return record
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
        sessions = [s.session_id for s in live.sessions if s.session_id and s.status not in {FAILED, CANCELLED}]
        ended, failures = self._end(sessions, notices)
        if failures:
            raise SessionsNotEnded(record.known_id, failures, ended)
        notices.info(f"ended the sessions of batch {record.batch_id} one by one: {_sessions(ended)} stopped, data kept")
        return self._accounts.renewed(record.seen(live).but(ended_sessions=added(record.ended_sessions, ended)))

    def _end_undeleted(self, record: BatchRecord, answer: BatchDeleted, notices: Notices) -> BatchRecord:
        named = [failed.session_id for failed in answer.errors if failed.session_id]
        if len(named) < (answer.failed_deletions or 0):
            live = self._look(record)
            named = [s.session_id for s in live.sessions if s.session_id] if live else []
        ended, failures = self._end(named, notices)
        if failures:
            raise DeletionIncomplete(record.known_id, failures, record.deleted_sessions)
        notices.warning(
            f"{_sessions(answer.failed_deletions)} of batch {record.batch_id} could not be deleted, and "
            f"{ended} of them were ended one by one: nothing runs, but data of them may remain"
        )
        return self._deleted(record.but(ended_sessions=added(record.ended_sessions, ended)), answer, notices)

    def _end(self, sessions: list[str], notices: Notices) -> tuple[int, Failures]:
        """How many were ended, and which could not be. One that has ended by itself is neither."""
        ended, failures = 0, Failures()
        with ThreadPoolExecutor(max_workers=_ENDED_AT_ONCE) as pool:
            for session, outcome in zip(sessions, pool.map(self._end_one, sessions), strict=True):
                if isinstance(outcome, str):
                    failures.append((session, outcome))
                else:
                    ended += outcome
                notices.progress(f"{ended} of {len(sessions)} sessions ended")
        return ended, failures

    def _end_one(self, session: str) -> bool | str:
        try:
            self._client.end_session(session)
        except NotFound:
            return False
        except ApiError as error:
            return error.explanation
        return True

    def _look(self, record: BatchRecord) -> Batch | None:
        try:
            return self._client.get_batch(record.known_id)
        except NotFound:
            return None

    def _gone(self, record: BatchRecord, tell: Callable[[str], None], empty: Batch | None = None) -> BatchRecord:
        if empty is None:
            self._accounts.must_be_ours(record)
        tell(f"batch {record.batch_id} is no longer known to the API: taken as deleted, with no counts of this run")
        return self._accounts.renewed(record.but(live_status=DELETED))

    def _deleted(self, record: BatchRecord, answer: BatchDeleted | None, notices: Notices) -> BatchRecord:
        failed = answer.failed_deletions if answer else 0
        errors = [{"session_id": e.session_id, "error": e.error} for e in answer.errors] if answer else []
        notices.info(
            f"deleted batch {record.batch_id}: {_sessions(record.deleted_sessions)} deleted, {failed or 0} failed"
        )
        if record.deleted_sessions is None:
            notices.warning("the API did not say how many sessions it deleted; deleted_sessions is empty")
        return self._accounts.renewed(
            record.but(
                live_status=DELETED,
                failed_deletions=failed,
                deletion_errors=errors or None,
                message=answer.message if answer else record.message,
            )
        )


def _sessions(count: int | None) -> str:
    if count is None:
        return "an unknown number of sessions"
    return f"{count} session" if count == 1 else f"{count} sessions"


def _said(refusal: AlreadySettled | None) -> str:
    return refusal.explanation if refusal else "the API refused"
