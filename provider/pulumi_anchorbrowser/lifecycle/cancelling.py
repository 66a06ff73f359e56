"""Cancelling a batch: its browsers stop, its data stays. The API refuses where creation has finished."""

from __future__ import annotations

import logging

from pulumi_anchorbrowser.api import AlreadySettled, Batch, Client, NotFound
from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.lifecycle import decisions
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.counting import added
from pulumi_anchorbrowser.lifecycle.deleting import Deleting
from pulumi_anchorbrowser.lifecycle.ending import SessionEnding
from pulumi_anchorbrowser.lifecycle.errors import CancelRefused
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.words import sessions

_LOGGER = logging.getLogger(__name__)
_TRIES = 3
_PAUSE_SECONDS = 0.5


class Cancelling:
    """Cancels batches."""

    def __init__(
        self,
        client: Client,
        calls: RecordedCalls,
        accounts: AccountCheck,
        deleting: Deleting,
        ending: SessionEnding,
        clock: Clock,
    ) -> None:
        self._client = client
        self._calls = calls
        self._accounts = accounts
        self._deleting = deleting
        self._ending = ending
        self._clock = clock

    def cancel(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """PATCH the batch to cancelled; where the API refuses, do what `if_completed` says."""
        said = "the API refused"
        for attempt in range(_TRIES):
            if attempt:
                pause = _PAUSE_SECONDS * attempt
                _LOGGER.debug("wait", extra={"reason": "cancel_refused", "seconds": pause})
                self._clock.sleep(pause)
            try:
                return self._cancelled(record, notices)
            except NotFound:
                return self._deleting.gone(record, notices)
            except AlreadySettled as error:
                said = error.explanation
                live = self.look(record)
                decision = self._on_refusal(live, record)
                # Refused, and yet unfinished: it changed between the two calls, so ask again.
                if not isinstance(decision, decisions.Cancel):
                    return self._after_refusal(decision, live, error, record, notices)
        raise CancelRefused(record.known_id, said, "the API goes on refusing although it is not finished")

    def look(self, record: BatchRecord) -> Batch | None:
        """The batch as the API has it; None where it has none."""
        try:
            return self._client.get_batch(record.known_id)
        except NotFound:
            return None

    def _on_refusal(self, live: Batch | None, record: BatchRecord) -> decisions.RefusedCancelDecision:
        decision = decisions.on_refused_cancel(live, record.if_completed)
        live_status = live.status if live is not None else "unknown to the API"
        decided = {"question": "refused_cancel", "decision": type(decision).__name__, "live_status": live_status}
        _LOGGER.debug("decision", extra=decided)
        return decision

    def _cancelled(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        past = self._calls.counts(record, notices).cancelled_sessions
        answer = self._calls.cancel(record, notices)
        notices.info(f"cancelled batch {record.batch_id}: {sessions(answer.cancelled_sessions)} stopped")
        if answer.cancelled_sessions is None:
            notices.warning("the API did not say how many sessions the cancel stopped; cancelled_sessions is empty")
        total = None if answer.cancelled_sessions is None else added(past, answer.cancelled_sessions)
        return self._accounts.renewed(
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
            record = self._accounts.renewed(record.seen(live))
        match decision:
            case decisions.AlreadyGone():
                return self._deleting.gone(record, notices, live)
            case decisions.AlreadyCancelled():
                return self._already_cancelled(record, notices)
            case decisions.Delete():
                return self._deleting.delete(record, notices)
            case decisions.EndSessions() if live is not None:
                return self._ending.end_all(live, record, notices)
            case decisions.Refuse(reason):
                raise CancelRefused(record.known_id, refusal.explanation, reason)
            case _:
                notices.warning(
                    f"batch {record.batch_id} is {record.live_status} and its browsers may go on running until they "
                    "end by themselves, as if_completed='accept' asks"
                )
                return record
