"""Carrying out a plan: each batch by the same steps as a `Batch` of its own, and none stops the rest."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, Client
from pulumi_anchorbrowser.choices import Action, IfCompleted
from pulumi_anchorbrowser.lifecycle import decisions
from pulumi_anchorbrowser.lifecycle.accounts import AccountCheck
from pulumi_anchorbrowser.lifecycle.cleanup.plan import Plan, PlannedBatch
from pulumi_anchorbrowser.lifecycle.cleanup.report import BatchResult, Report
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.lifecycle.stopping import Stopping
from pulumi_anchorbrowser.receipts import Counts

_TOLD_WARNINGS = 10
_DECISIONS: dict[Action, decisions.StopDecision] = {
    "cancel": decisions.Cancel(),
    "delete": decisions.Delete(),
    "end_sessions": decisions.EndSessions(),
}


@dataclass(frozen=True)
class Actor:
    """On whose behalf batches are stopped: the stack, and the resource in it. Receipts name them."""

    owner: str = ""
    urn: str = ""


@dataclass(frozen=True)
class Watch:
    """How the one who started a run follows it, and stops it: what is under way then still ends."""

    on_result: Callable[[BatchResult], object] = lambda _: None
    is_stopped: Callable[[], bool] = lambda: False


class Acting:
    """Carries out plans, as many batches at once as the client makes calls."""

    def __init__(self, client: Client, calls: RecordedCalls, clock: Clock) -> None:
        self._client = client
        self._calls = calls
        # A batch that was in the list a moment ago is this account's own, so that its 404 means gone.
        self._stopping = Stopping(client, calls, AccountCheck(client), clock)

    def carry_out(self, plan: Plan, actor: Actor, notices: Notices, watch: Watch, if_completed: IfCompleted) -> Report:
        """Do all that is planned. What could not be done is in the report, and is not raised."""
        account = str(self._client.account()) if plan.batches else ""
        results: list[BatchResult] = []
        lock = Lock()

        def one(batch: PlannedBatch) -> BatchResult:
            if watch.is_stopped():
                return BatchResult(batch.batch_id, batch.action, "left", reason="stopped before its turn came")
            with logs.about(batch_id=batch.batch_id, claim=batch.claim):
                result = self._one(batch, _record(batch, actor, account, if_completed))
            with lock:
                results.append(result)
                notices.progress(f"{len(results)} of {plan.matched} batches")
                watch.on_result(result)
            return result

        with ThreadPoolExecutor(self._client.max_concurrency, thread_name_prefix="cleanup") as pool:
            report = Report(plan, tuple(pool.map(logs.keeping_about(one), plan.batches)))
        _tell(report, notices)
        return report

    def _one(self, batch: PlannedBatch, record: BatchRecord) -> BatchResult:
        heard = _Heard()
        past = self._calls.counts(record, heard)
        try:
            after = self._stopping.carry_out(_DECISIONS[batch.action], record, heard)
        except (ApiError, LifecycleError) as error:
            so_far = self._calls.counts(record, heard)
            failed = getattr(error, "failed_sessions", None)
            return self._result(batch, "failed", past, so_far, failed, heard, reason=str(error))
        so_far = Counts(after.cancelled_sessions, after.ended_sessions, after.deleted_sessions)
        is_gone = after.is_gone and after.failed_deletions is None
        return self._result(batch, "gone" if is_gone else "done", past, so_far, after.failed_deletions, heard)

    def _result(
        self,
        batch: PlannedBatch,
        outcome: str,
        past: Counts,
        so_far: Counts,
        failed: int | None,
        heard: _Heard,
        reason: str | None = None,
    ) -> BatchResult:
        return BatchResult(
            batch.batch_id,
            batch.action,
            outcome,  # type: ignore[arg-type]
            _since(past.cancelled_sessions, so_far.cancelled_sessions),
            _since(past.deleted_sessions, so_far.deleted_sessions),
            _since(past.ended_sessions, so_far.ended_sessions),
            failed,
            reason,
            tuple(heard.warnings),
        )


def _since(past: int | None, so_far: int | None) -> int | None:
    # What an earlier run, or the batch's own resource, has counted is theirs: so no session is counted twice.
    return None if so_far is None or so_far == past else so_far - (past or 0)


def _record(batch: PlannedBatch, actor: Actor, account: str, if_completed: IfCompleted) -> BatchRecord:
    inputs = BatchInputs(
        batch_id=batch.batch_id,
        if_completed=if_completed,
        owner=actor.owner or batch.owner or "",
        resource_urn=actor.urn or None,
        claim=batch.claim or "",
    )
    return BatchRecord.of(
        inputs,
        live_status=batch.status,
        total_requests=batch.total_requests,
        created_at=batch.created_at,
        account=account,
    )


def _tell(report: Report, notices: Notices) -> None:
    warnings = [f"{one.batch_id}: {text}" for one in report.results for text in one.warnings]
    for text in warnings[:_TOLD_WARNINGS]:
        notices.warning(text)
    if len(warnings) > _TOLD_WARNINGS:
        notices.warning(f"{len(warnings) - _TOLD_WARNINGS} more warnings of this kind are in the results")


@dataclass
class _Heard:
    """The notices of one batch: of many batches, only the warnings are worth a line each."""

    warnings: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        """Left out: it is in the result, as data."""

    def warning(self, text: str) -> None:
        """Kept for the result."""
        self.warnings.append(text)

    def progress(self, text: str) -> None:
        """Left out: the progress of all is told."""
