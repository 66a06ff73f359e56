"""Carrying out a plan. Each batch is looked at again immediately before it is stopped, and none stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.api.models import UNFINISHED
from pulumi_anchorbrowser.choices import DEFAULT_LIMIT, IfCompleted
from pulumi_anchorbrowser.cleanup.finding import Finder, StateReader, mapped, own_state, pool_of
from pulumi_anchorbrowser.cleanup.matching import Matching, PlannedBatch, PlannedSession, Skipped, own
from pulumi_anchorbrowser.cleanup.plan import Plan
from pulumi_anchorbrowser.cleanup.report import Actor, BatchResult, CleanupIncomplete, Report, TooMany
from pulumi_anchorbrowser.cleanup.selection import CleanupInputs, MatchesEverything, Request
from pulumi_anchorbrowser.cleanup.singles import SessionsEnding, Singles
from pulumi_anchorbrowser.clock import Interrupted
from pulumi_anchorbrowser.lifecycle import Batches, BatchInputs, BatchRecord
from pulumi_anchorbrowser.lifecycle.fold import counts_of, said_in
from pulumi_anchorbrowser.lifecycle.goals import Cancelled, Deleted, Refreshed, SessionsEnded, StopGoal
from pulumi_anchorbrowser.lifecycle.listing import ListingIncomplete
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.run import Brought, identity_of
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.steps import Entry
from pulumi_anchorbrowser.words import counted

_PRINTED_WARNINGS = 10
_STATUS_OF = {"delete": "deleted", "cancel": "cancelled", "end_sessions": "active"}
_Planned = TypeVar("_Planned", PlannedBatch, PlannedSession)


class Cleanup:
    """Plans and carries out cleanups; for many threads. It never uses the second key.

    `read_state` reads the state of the stack that the cleanup belongs to; None where it belongs to none.
    """

    def __init__(self, batches: Batches, read_state: StateReader | None = None) -> None:
        self._batches, self._runner, self._read_state = batches, batches.runner, read_state

    def matching(self, request: Request) -> Matching:
        """Return what the request selects. Its ages are counted by the API's clock. Raises ApiError."""
        client = self._runner.client
        if request.select.has_ages:
            # A response shows that clock.
            client.list_batches(limit=1)
        return Matching.of(request, client.api_time() or self._runner.clock.now())

    def plan(self, request: Request, notices: Notices) -> Plan:
        """Return what would be done. Reads only.

        Raises MatchesEverything for a selection that is refused, ApiError and ListingIncomplete where the batches
        cannot be listed, and Interrupted.
        """
        if request.select.matches_everything and not request.allow_all:
            raise MatchesEverything
        matching = self.matching(request)
        found = list(self._found(matching, notices))
        # Read last: of a batch that this stack starts meanwhile, the state has the claim before the list has the batch.
        state = own_state(self._read_state, notices)
        found = [own(one, state) or one for one in found]
        return Plan(
            matching,
            tuple(one for one in found if isinstance(one, PlannedBatch)),
            tuple(one for one in found if isinstance(one, PlannedSession)),
            tuple(one for one in found if isinstance(one, Skipped)),
            str(self._runner.client.account()),
            state,
        )

    def _found(self, matching: Matching, notices: Notices) -> Iterator[PlannedBatch | PlannedSession | Skipped]:
        finder, what = Finder(self._runner, notices), matching.selection.what
        singles = Singles(finder, matching) if what != "batches" else None
        if what != "sessions":
            yield from finder.batches(matching)
        if singles is not None:
            yield from singles.without_those_of_batches()

    def carry_out(
        self,
        plan: Plan,
        notices: Notices,
        *,
        actor: Actor = Actor(),  # noqa: B008  # frozen
        limit: int | None = DEFAULT_LIMIT,
        on_result: Callable[[BatchResult], object] = lambda _: None,
        if_completed: IfCompleted = "end_sessions",
    ) -> Report:
        """Stop what is planned and still qualifies, and nothing else. A failure is in the report, and ends nothing.

        `on_result` gets each result, in one thread at a time. `if_completed` says what becomes of a batch that the API
        refuses to cancel. Where the clock is interrupted, the calls in flight end and no other begins. Raises TooMany,
        before anything is done, where more than `limit` (None: no limit) are planned.
        """
        if limit is not None and plan.matched > limit:
            raise TooMany(plan.matched, limit)
        if plan.is_empty:
            return Report(plan)
        state = own_state(self._read_state, notices) or plan.state
        acting = _Acting(self._batches, plan, state, actor, if_completed, notices)
        report = Report(plan, tuple(acting.carry_out(on_result)))
        _print_warnings(report, notices)
        return report


def run_cleanup(cleanup: Cleanup, inputs: CleanupInputs, notices: Notices) -> Report:
    """Report the plan, carry it out unless `dry_run`, report what was done.

    Raises TooMany before anything is done; CleanupIncomplete after everything is done that can be: for failures where
    `on_failure` is "error", and in any case where the run was interrupted.
    """
    plan = cleanup.plan(inputs.request(), notices)
    if inputs.dry_run:
        notices.info(f"cleanup, dry run: {plan.summary('would')}")
        warn_of_undecided(plan, notices)
        if plan.matched > inputs.limit:
            notices.warning(f"without dry_run the cleanup fails: {TooMany(plan.matched, inputs.limit)}")
        return Report(plan)
    notices.info(f"cleanup: {plan.summary('will')}")
    warn_of_undecided(plan, notices)
    actor = Actor(inputs.owner, inputs.resource_urn or "")
    report = cleanup.carry_out(plan, notices, actor=actor, limit=inputs.limit)
    if not plan.is_empty:
        notices.info(f"cleanup: {report.summary()}")
    if report.failures or report.was_interrupted:
        incomplete = CleanupIncomplete(report)
        if inputs.on_failure == "error" or report.was_interrupted:
            raise incomplete
        notices.warning(str(incomplete))
    return report


def warn_of_undecided(plan: Plan, notices: Notices) -> None:
    """Warn of batches that may match, and of which that is not known."""
    if plan.undecided:
        first, count = plan.undecided[0], len(plan.undecided)
        notices.warning(
            f"skipped {counted(count, 'possible match', 'possible matches')} as undecided, such as {first.id} "
            f"({first.status}): {first.reason}. Run `pulumi-anchorbrowser sweep` later, or delete the batch by its id."
        )


def _print_warnings(report: Report, notices: Notices) -> None:
    warnings = [f"{one.id}: {text}" for one in report.results for text in one.warnings]
    for text in warnings[:_PRINTED_WARNINGS]:
        notices.warning(text)
    if len(warnings) > _PRINTED_WARNINGS:
        more = counted(len(warnings) - _PRINTED_WARNINGS, "further warning")
        notices.warning(f"{more} of this kind: see the results")


@dataclass
class _Warnings:
    """The messages about one batch: of many batches, only the warnings are worth a line each."""

    texts: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        """Left out: the result has it as data."""

    def warning(self, text: str) -> None:
        """Keep the warning for the result."""
        self.texts.append(text)

    def progress(self, text: str) -> None:
        """Left out: the progress of the whole run is shown."""


@dataclass
class _Acting:
    """Stops the batches and single sessions of one plan."""

    batches: Batches
    plan: Plan
    state: StackState | None
    actor: Actor
    if_completed: IfCompleted
    notices: Notices

    def __post_init__(self) -> None:
        self._finder = Finder(self.batches.runner, self.notices)
        self._lock = Lock()

    def carry_out(self, on_result: Callable[[BatchResult], object]) -> Iterator[BatchResult]:
        """Yield the result of each batch and single session, in the order of the plan."""
        results: list[BatchResult] = []

        def followed(stop: Callable[[_Planned], BatchResult]) -> Callable[[_Planned], BatchResult]:
            def one(planned: _Planned) -> BatchResult:
                result = stop(planned)
                with self._lock:
                    results.append(result)
                    self.notices.progress(f"{len(results)} of {self.plan.matched} done")
                    on_result(result)
                return result

            return one

        singles = SessionsEnding(self._finder, self.plan, self.state, self.actor)
        with pool_of(self._finder.client.max_concurrency, "cleanup") as pool:
            yield from mapped(pool, followed(self._stop), self.plan.batches)
            yield from singles.carry_out(pool, followed)

    # Batches

    def _stop(self, batch: PlannedBatch) -> BatchResult:
        heard = _Warnings()
        with logs.about(batch_id=batch.batch_id, claim=batch.claim):
            try:
                self._finder.clock.check()
                if (result := self._again(batch)) is not None:
                    return result
            except Interrupted:
                return BatchResult(batch.batch_id, batch.action, "not_begun")
            except (ApiError, ListingIncomplete) as error:
                return self._failed(batch, f"could not read the batch again: {error.explanation}")
            entries: list[Entry] = []
            try:
                brought = self.batches.bring(self._record(batch), self._goal, heard, entries)
            except Interrupted:
                return self._interrupted(batch, entries)
            return self._result(batch, brought, heard)

    def _again(self, batch: PlannedBatch) -> BatchResult | None:
        """Look at the batch again; return its result where it is not to be stopped, since it no longer qualifies."""
        # What the plan says of a finished batch still holds, unless its status is a criterion.
        is_settled = batch.status not in UNFINISHED and self.plan.matching.selection.statuses is None
        judged = self._judged(batch) if is_settled else None
        if isinstance(judged, PlannedBatch):
            return None
        # Of a batch that is gone no session is listed, so that it looks like one that is skipped.
        seen = self.batches.bring(self._record(batch), Refreshed(), _Warnings())
        if seen.error is not None:
            is_forced = self.plan.matching.force and self.plan.matching.selection.statuses is None
            return None if is_forced else self._failed(batch, str(seen.error))
        if not is_settled:
            status, completed = seen.record.live_status, seen.record.completed_requests
            now = replace(batch, status=status, completed_requests=completed)
            judged = self._judged(batch if seen.record.missing else now)
        if isinstance(judged, PlannedBatch):
            return None
        if seen.record.missing:
            look = self._finder.runner.looks.running(identity_of(seen.record))
            if not look.running:
                return BatchResult(batch.batch_id, batch.action, "gone", still_running=look.still_running)
        reason = judged.reason if judged is not None else "it no longer matches"
        return BatchResult(batch.batch_id, batch.action, "skipped", reason=reason)

    def _judged(self, batch: PlannedBatch) -> PlannedBatch | Skipped | None:
        verdict = self.plan.matching.may_match(batch)
        return self._finder.judge(self.plan.matching, batch, self.state) if verdict is True else verdict or None

    def _failed(self, batch: PlannedBatch, reason: str) -> BatchResult:
        return BatchResult(batch.batch_id, batch.action, "failed", reason=reason)

    @property
    def _goal(self) -> StopGoal:
        if self.plan.action == "cancel":
            return Cancelled(self.if_completed)
        return Deleted() if self.plan.action == "delete" else SessionsEnded()

    def _record(self, batch: PlannedBatch) -> BatchRecord:
        owner = self.actor.owner or batch.owner or ""
        inputs = BatchInputs(
            batch_id=batch.batch_id,
            status=_STATUS_OF[self.plan.action],  # type: ignore[arg-type]
            if_completed=self.if_completed,
            owner=owner,
            resource_urn=self.actor.urn or None,
            claim=batch.claim or "",
        )
        return BatchRecord.of(
            inputs,
            live_status=batch.status,
            total_requests=batch.total_requests,
            created_at=batch.created_at,
            account=self.plan.account,
            # With its own owner and claim its stop is confirmed together with others, else by its id.
            adopted=not (batch.owner and batch.claim and batch.owner == owner),
        )

    def _result(self, batch: PlannedBatch, brought: Brought, heard: _Warnings) -> BatchResult:
        error, counts = brought.error, brought.counts
        failed = getattr(error, "failed_sessions", None) if error else brought.record.failed_deletions
        return BatchResult(
            batch.batch_id,
            batch.action,
            "failed" if error else "gone" if brought.was_already_gone else "done",
            counts.cancelled_sessions,
            counts.deleted_sessions,
            counts.ended_sessions,
            failed,
            brought.record.still_running,
            str(error) if error else None,
            tuple(heard.texts),
        )

    def _interrupted(self, batch: PlannedBatch, entries: list[Entry]) -> BatchResult:
        """The result of a batch whose steps were cut short; not begun where no stop of it had been sent."""
        said = said_in(entries)
        if not any(one.was_answered or one.was_lost for one in said):
            return BatchResult(batch.batch_id, batch.action, "not_begun")
        counts = counts_of(said, batch.total_requests)
        known = (counts.cancelled_sessions, counts.deleted_sessions, counts.ended_sessions)
        return BatchResult(batch.batch_id, batch.action, "interrupted", *known, reason="interrupted before its end")
