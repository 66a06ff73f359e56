"""Turns the true state into the API's words; decides nothing."""

from __future__ import annotations

from datetime import datetime, timezone

from pulumi_anchorbrowser.simulator import answers
from pulumi_anchorbrowser.simulator.batch import Batch
from pulumi_anchorbrowser.simulator.clock import timestamp
from pulumi_anchorbrowser.simulator.plan import Counts, Status
from pulumi_anchorbrowser.simulator.sessions import Session, dig
from pulumi_anchorbrowser.simulator.state import Deletion, State

HOST = "connect.simulator.invalid"


def _when(moment: float | None) -> str | None:
    return None if moment is None else timestamp(moment)


def created(batch: Batch) -> answers.CreatedBatch:
    """Says `pending` whatever the clock says: the answer tells of the moment of acceptance."""
    return answers.CreatedBatch(
        batch_id=batch.id,
        status="pending",
        total_requests=batch.plan.count,
        created_at=timestamp(batch.created_at),
    )


def summary(batch: Batch) -> answers.BatchSummary:
    counts = _counts(batch)
    return answers.BatchSummary(
        batch_id=batch.id,
        status=_status(batch),
        total_requests=batch.plan.count,
        completed_requests=counts.completed,
        failed_requests=counts.failed,
        created_at=timestamp(batch.created_at),
        actual_completion_time=_when(batch.finished_at),
    )


def status(batch: Batch) -> answers.BatchStatus:
    counts, word = _counts(batch), _status(batch)
    share = 100 * (counts.completed + counts.failed) / batch.plan.count
    indexes = () if batch.deleted else [i for i in range(batch.plan.count) if i not in batch.removed]
    return answers.BatchStatus(
        **summary(batch).model_dump(),
        processing_requests=counts.processing,
        pending_requests=counts.pending,
        error="No session of the batch could be created" if word == "failed" else None,
        sessions=[_item(batch, index, word) for index in indexes],
        progress=answers.Progress(percentage=round(share, 2), current_phase=_phase(word, share)),
    )


def _status(batch: Batch) -> Status:
    return "cancelled" if batch.deleted else batch.status


def _counts(batch: Batch) -> Counts:
    return Counts(0, 0, 0, 0) if batch.deleted else batch.counts()


def _phase(word: Status, share: float) -> answers.Phase:
    if word in ("pending", "processing"):
        return "queued" if word == "pending" else "provisioning" if share < 50 else "configuring"
    return "ready"


def _item(batch: Batch, index: int, batch_status: Status) -> answers.BatchItem:
    settled, succeeds, runs = batch.settled(index), batch.succeeds(index), batch.runs(index)
    started = batch.started_at(index) <= (batch.creation_stopped_at or batch.clock.now())
    session_id = batch.session_id(index)
    attempts = batch.retried[index].attempts if index in batch.retried else 0
    word: Status = "processing" if started else "pending"
    if settled:
        word = "completed" if succeeds else "failed"
    if batch_status == "cancelled" and (not settled or (succeeds and index in batch.ended)):
        word = "cancelled"
    return answers.BatchItem(
        item_index=index,
        session_id=session_id if settled and succeeds else None,
        status=word,
        cdp_url=f"wss://{HOST}/cdp?sessionId={session_id}" if runs else None,
        live_view_url=f"https://{HOST}/live?sessionId={session_id}" if runs else None,
        error="The browser could not be started" if word == "failed" else None,
        retry_count=attempts,
        started_at=timestamp(batch.started_at(index)) if started else None,
        completed_at=timestamp(batch.ready_at(index)) if settled else None,
    )


def cancelled(batch: Batch, terminated: int) -> answers.CancelledBatch:
    return answers.CancelledBatch(
        batch_id=batch.id,
        status="cancelled",
        cancelled_sessions=terminated,
        message=f"Batch cancelled; running sessions terminated: {terminated}",
    )


def deleted(batch_id: str, done: Deletion) -> answers.DeletedBatch:
    errors = [answers.FailedDeletion(session_id=one, error="The session could not be ended") for one in done.stuck]
    return answers.DeletedBatch(
        batch_id=batch_id,
        deleted_sessions=done.deleted,
        failed_deletions=len(done.stuck),
        errors=errors or None,
        message=f"Sessions deleted: {done.deleted}; failed: {len(done.stuck)}",
    )


def retried(batch_id: str, sessions: int) -> answers.RetriedBatch:
    return answers.RetriedBatch(
        batch_id=batch_id, status="processing", retried_sessions=sessions, message=f"Sessions retried: {sessions}"
    )


def session_status(session: Session) -> answers.SessionStatus:
    return answers.SessionStatus(
        session_id=session.id,
        status=session.status,
        tags=list(session.batch.tags),
        created_at=timestamp(session.created_at),
    )


def session_summary(session: Session) -> answers.SessionSummary:
    configuration, ended = session.batch.configuration, session.ended_at
    running = session.runs
    return answers.SessionSummary(
        id=session.id,
        status=session.status,
        tags=list(session.batch.tags),
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


def billing(state: State, team: str) -> answers.Billing:
    left = state.teams.credits_left(team)
    granted = state.settings.credits
    return answers.Billing(
        credits=1_000_000.0 if left is None else left,
        credits_used=state.teams.usage(team).credits,
        included_credits=1_000_000.0 if granted is None else granted,
        billing_period=datetime.fromtimestamp(state.clock.now(), tz=timezone.utc).strftime("%Y-%m"),
        tier="simulated",
        max_concurrent_browsers=state.settings.max_concurrent_browsers,
    )
