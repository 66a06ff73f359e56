"""Turns the true state into the API's words, as complete or incomplete as the settings want them."""

from __future__ import annotations

from datetime import datetime, timezone

from pulumi_anchorbrowser.simulator import responses
from pulumi_anchorbrowser.simulator.batch import SimulatedBatch
from pulumi_anchorbrowser.simulator.clock import timestamp
from pulumi_anchorbrowser.simulator.plan import CreationStatus, SessionCounts, ShownStatus
from pulumi_anchorbrowser.simulator.sessions import SimulatedSession, dig
from pulumi_anchorbrowser.simulator.settings import SimulatorSettings
from pulumi_anchorbrowser.simulator.state import Deletion, SimulatorState

HOST = "connect.simulator.invalid"


def _when(moment: float | None) -> str | None:
    return None if moment is None else timestamp(moment)


def created(batch: SimulatedBatch) -> responses.CreatedBatchBody:
    """Report `pending` whatever the time: the response is of the moment in which the batch was accepted."""
    return responses.CreatedBatchBody(
        batch_id=batch.id,
        status="pending",
        total_requests=batch.plan.count,
        created_at=timestamp(batch.created_at),
    )


def summary(batch: SimulatedBatch) -> responses.BatchSummaryBody:
    counts = _counts(batch)
    return responses.BatchSummaryBody(
        batch_id=batch.id,
        status=_status(batch),
        total_requests=batch.plan.count,
        completed_requests=counts.completed,
        failed_requests=counts.failed,
        created_at=timestamp(batch.created_at),
        actual_completion_time=_when(batch.finished_at),
    )


def status(batch: SimulatedBatch, settings: SimulatorSettings) -> responses.BatchStatusBody:
    counts, word = _counts(batch), _status(batch)
    share = 100 * (counts.completed + counts.failed) / batch.plan.count
    indexes = () if batch.deleted else [i for i in range(batch.plan.count) if not batch.is_removed(i)]
    items = [_item(batch, index, word, with_id=settings.batch_sessions != "without_ids") for index in indexes]
    return responses.BatchStatusBody(
        **summary(batch).model_dump(),
        processing_requests=counts.processing,
        pending_requests=counts.pending,
        error="No session of the batch could be created" if word == "failed" else None,
        sessions=None if settings.batch_sessions == "left_out" else items,
        progress=responses.ProgressBody(percentage=round(share, 2), current_phase=_phase(word, share)),
    )


def _status(batch: SimulatedBatch) -> ShownStatus:
    return "cancelled" if batch.deleted else batch.status


def _counts(batch: SimulatedBatch) -> SessionCounts:
    return SessionCounts(0, 0, 0, 0) if batch.deleted else batch.counts()


def _phase(word: ShownStatus, share: float) -> responses.Phase:
    if word in ("pending", "processing"):
        return "queued" if word == "pending" else "provisioning" if share < 50 else "configuring"
    return "ready"


def _item(batch: SimulatedBatch, index: int, batch_status: ShownStatus, *, with_id: bool) -> responses.BatchItemBody:
    settled, succeeds = batch.settled(index), batch.succeeds(index)
    stopped = batch.reported_as_stopped(index)
    again = batch.retry_of(index)
    started = batch.started_at(index) <= batch.creating_until()
    word: CreationStatus = "processing" if started else "pending"
    if settled:
        word = "completed" if succeeds else "failed"
    if batch_status == "cancelled" and (not settled or (succeeds and stopped)):
        word = "cancelled"
    session_id = batch.session_id(index)
    cdp_url, live_view_url = _urls(session_id) if batch.runs(index) and not stopped else (None, None)
    return responses.BatchItemBody(
        item_index=index,
        session_id=session_id if settled and succeeds and with_id else None,
        status=word,
        cdp_url=cdp_url,
        live_view_url=live_view_url,
        error="The browser could not be started" if word == "failed" else None,
        retry_count=again.attempts if again else 0,
        started_at=timestamp(batch.started_at(index)) if started else None,
        completed_at=timestamp(batch.ready_at(index)) if settled else None,
    )


def _urls(session_id: str) -> tuple[str, str]:
    return f"wss://{HOST}/cdp?sessionId={session_id}", f"https://{HOST}/live?sessionId={session_id}"


def cancelled(batch: SimulatedBatch, terminated: int) -> responses.CancelledBatchBody:
    return responses.CancelledBatchBody(
        batch_id=batch.id,
        status=batch.status,
        cancelled_sessions=terminated,
        message=f"Batch cancelled; running sessions terminated: {terminated}",
    )


def deleted(batch_id: str, done: Deletion, settings: SimulatorSettings) -> responses.DeletedBatchBody:
    errors = [
        responses.FailedDeletionBody(session_id=one, error="The session could not be ended") for one in done.stuck
    ]
    report = settings.deletion_report
    return responses.DeletedBatchBody(
        batch_id=batch_id,
        deleted_sessions=None if report == "nothing" else done.deleted,
        failed_deletions=len(done.stuck) if report in ("all", "counts") else None,
        errors=(errors or None) if report in ("all", "errors") else None,
        message="Batch deleted" if report == "nothing" else f"Sessions deleted: {done.deleted}",
    )


def retried(batch_id: str, sessions: int) -> responses.RetriedBatchBody:
    return responses.RetriedBatchBody(
        batch_id=batch_id, status="processing", retried_sessions=sessions, message=f"Sessions retried: {sessions}"
    )


def session_status(session: SimulatedSession) -> responses.SessionStatusBody:
    return responses.SessionStatusBody(
        session_id=session.id,
        status=session.status,
        tags=list(session.tags),
        created_at=timestamp(session.created_at),
    )


def created_session(session_id: str) -> responses.CreatedSessionBody:
    cdp_url, live_view_url = _urls(session_id)
    return responses.CreatedSessionBody(id=session_id, cdp_url=cdp_url, live_view_url=live_view_url)


def session_summary(session: SimulatedSession) -> responses.SessionSummaryBody:
    configuration, ended = session.batch.configuration, session.ended_at
    running = session.runs
    return responses.SessionSummaryBody(
        id=session.id,
        status=session.status,
        tags=list(session.tags),
        headless=bool(dig(configuration, "browser", "headless", "active")),
        recording=dig(configuration, "session", "recording", "active") is not False,
        used_credits="N/A" if running else 1.0,
        duration=None if running or ended is None else round(ended - session.created_at, 3),
        created_at=timestamp(session.created_at),
        user_configuration=configuration,
        task_initiated=False,
        task_executions_count=0,
        api_key_name=f"a key of {session.batch.team}",
        browser_ip="127.0.0.1",
        domains=[],
    )


def billing(state: SimulatorState, team: str) -> responses.BillingBody:
    left = state.teams.credits_left(team)
    granted = state.settings.credits
    return responses.BillingBody(
        credits=1_000_000.0 if left is None else left,
        credits_used=state.teams.usage(team).credits,
        included_credits=1_000_000.0 if granted is None else granted,
        billing_period=datetime.fromtimestamp(state.clock.now(), tz=timezone.utc).strftime("%Y-%m"),
        tier="simulated",
        max_concurrent_browsers=state.settings.max_concurrent_browsers,
    )
