"""Stopping the browsers of a batch, one way or another. The counts are the API's own."""

from __future__ import annotations

import logging

from pulumi_anchorbrowser.api import Client
from pulumi_anchorbrowser.api.models import CANCELLED, COMPLETED
from pulumi_anchorbrowser.lifecycle import decisions
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.cancelling import Cancelling
from pulumi_anchorbrowser.lifecycle.deleting import Deleting
from pulumi_anchorbrowser.lifecycle.ending import SessionEnding
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls

_LOGGER = logging.getLogger(__name__)


class Stopping:
    """Carries out stop decisions. Every method answers with the record as it stands afterwards."""

    def __init__(self, client: Client, calls: RecordedCalls, accounts: AccountCheck, clock: Clock) -> None:
        self._ending = SessionEnding(client, calls, accounts)
        self._deleting = Deleting(client, calls, accounts, self._ending, clock)
        self._cancelling = Cancelling(client, calls, accounts, self._deleting, self._ending, clock)

    def carry_out(self, decision: decisions.StopDecision, record: BatchRecord, notices: Notices) -> BatchRecord:
        """Do what was decided."""
        decided = {"question": "stop", "decision": type(decision).__name__, "live_status": record.live_status}
        _LOGGER.debug("decision", extra=decided)
        match decision:
            case decisions.Cancel():
                return self._cancelling.cancel(record, notices)
            case decisions.Delete():
                return self._deleting.delete(record, notices)
            case decisions.EndSessions():
                return self._end_sessions(record, notices)
            case _:
                return record

    def _end_sessions(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        live = self._cancelling.look(record)
        if live is None or live.is_empty:
            return self._deleting.gone(record, notices, live)
        if live.status == CANCELLED:
            return record.seen(live)
        if live.status != COMPLETED:
            # What ends here must not start again elsewhere: a cancel keeps the data, and no more sessions come.
            cancelled = self._cancelling.cancel(record.but(if_completed="end_sessions"), notices)
            return cancelled.but(if_completed=record.if_completed)
        return self._ending.end_all(live, record, notices)
