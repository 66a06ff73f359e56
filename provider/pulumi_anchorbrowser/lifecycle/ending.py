"""Ending the sessions of a batch one by one: their browsers stop, their data stays."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, Batch, Client
from pulumi_anchorbrowser.api.models import CANCELLED, FAILED
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.counting import Ending
from pulumi_anchorbrowser.lifecycle.errors import SessionsNotEnded
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.words import sessions


class SessionEnding:
    """Ends sessions, as many at a time as the client makes calls, whichever batches they are of."""

    def __init__(self, client: Client, calls: RecordedCalls, accounts: AccountCheck) -> None:
        self._client = client
        self._calls = calls
        self._accounts = accounts
        self._pool = ThreadPoolExecutor(client.max_concurrency, thread_name_prefix="end")

    def end_all(self, live: Batch, record: BatchRecord, notices: Notices) -> BatchRecord:
        """End every session of a batch that starts no more of them."""
        running = [s.session_id for s in live.sessions or () if s.session_id and s.status not in {FAILED, CANCELLED}]
        ending = self.end(running, record, notices)
        if ending.failures:
            raise SessionsNotEnded(record.known_id, ending.failures, ending.ended)
        notices.info(
            f"ended the sessions of batch {record.batch_id} one by one: {sessions(ending.ended)} stopped, data kept"
        )
        ended = ending.total(notices)
        return self._accounts.renewed(record.seen(live).but(ended_sessions=ended, ended=True))

    def end(self, running: Sequence[str], record: BatchRecord, notices: Notices) -> Ending:
        """End these sessions. One that has ended by itself meanwhile is no failure."""
        ending = Ending(self._calls.counts(record, notices), had_stopped=record.is_stopped)
        if not running:
            return ending
        with self._calls.ending(record, notices) as outcome:
            for session, end in zip(running, self._pool.map(logs.keeping_about(self._end_one), running), strict=True):
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
