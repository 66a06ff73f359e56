"""What became of a plan, as data: the API's own counts, None where it has not said one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.cleanup.plan import Plan
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.words import STOPPED, batches, counted, first_of, sessions

# gone: the API no longer knows it. skipped: it no longer qualifies. interrupted: begun, and not brought to its end.
CleanupOutcome = Literal["done", "gone", "skipped", "failed", "interrupted", "not_begun"]
COUNTS = ("cancelled_sessions", "deleted_sessions", "ended_sessions", "failed_sessions")
TOTALS = (*COUNTS, "still_running", "cleaned_batches", "gone_batches", "skipped_batches", "failed_batches")
RESULTS = ("matched", "plan", "skipped", "results", "failures", *TOTALS)
_DONE = {"delete": "deleted", "cancel": "cancelled", "end_sessions": "ended the sessions of"}


class TooMany(LifecycleError):
    """More batches match than the limit allows."""

    anchor = "too-many"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(
            f"Nothing was done: {counted(found, 'match', 'matches')} found, and limit is {limit}",
            f"Narrow the selection, or set limit to {found} or more to continue.",
        )


class CleanupIncomplete(LifecycleError):
    """Some batches were not stopped; the rest are."""

    anchor = "cleanup-incomplete"
    advice = "They may still run. Run the same command again for the rest."

    def __init__(self, report: Report) -> None:
        failed = [f"{one['batch_id'] or one['session_id']} ({one['reason']})" for one in report.failures]
        parts = [f"{len(failed)} failed: {first_of(failed, '; ')}"] if failed else []
        if report.was_interrupted:
            unfinished = [one.id for one in report.results if one.outcome == "interrupted"]
            parts += [f"{len(unfinished)} interrupted: {first_of(unfinished)}"] if unfinished else []
            parts += [f"{len(report.not_begun)} not begun: {first_of(report.not_begun)}"] if report.not_begun else []
        super().__init__(f"Could not clean up everything: {'; '.join(parts)}")


@dataclass(frozen=True)
class Actor:
    """On whose behalf batches are stopped: the stack, and the resource in it. Receipts name them."""

    owner: str = ""
    urn: str = ""


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch, or of a single session, in this run: the API's own counts, None where it said none.

    `failed_sessions` could not be deleted or ended. `still_running` is how many sessions the API listed as running
    afterwards; None where that is not confirmed.
    """

    batch_id: str | None
    action: Action
    outcome: CleanupOutcome
    cancelled_sessions: int | None = None
    deleted_sessions: int | None = None
    ended_sessions: int | None = None
    failed_sessions: int | None = None
    still_running: int | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    session_id: str | None = None

    @property
    def id(self) -> str:
        """The batch's id, or the single session's."""
        return self.batch_id or self.session_id or ""

    def to_row(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {**asdict(self), "warnings": list(self.warnings)}


@dataclass(frozen=True)
class Report:
    """A plan and what became of it."""

    plan: Plan
    results: tuple[BatchResult, ...] = ()

    @property
    def failures(self) -> list[dict[str, str | None]]:
        """The batches and single sessions that could not be stopped or not even be read, and why."""
        failed = [(one.batch_id, one.session_id, one.reason) for one in self.results if one.outcome == "failed"]
        failed += [(one.batch_id, one.session_id, one.reason) for one in self.plan.unreadable]
        return [{"batch_id": batch, "session_id": session, "reason": reason} for batch, session, reason in failed]

    @property
    def not_begun(self) -> list[str]:
        """The ids of what was not begun, because the run was interrupted."""
        return [one.id for one in self.results if one.outcome == "not_begun"]

    @property
    def was_interrupted(self) -> bool:
        """Whether the run was interrupted before it was done."""
        return any(one.outcome in {"interrupted", "not_begun"} for one in self.results)

    def of_outcome(self, outcome: CleanupOutcome) -> list[BatchResult]:
        """Return the batches with this outcome."""
        return [one for one in self.results if one.outcome == outcome and one.batch_id is not None]

    def total(self, count: str) -> int | None:
        """Return the sum of one of COUNTS, as far as the API has said; None where it has said none."""
        # Another rule than that of a batch's own counts, as in a report of receipts: a batch whose count is unknown
        # makes no total unknown. Its row says so.
        known = [said for one in self.results if (said := getattr(one, count)) is not None]
        return sum(known) if known else None

    @property
    def still_running(self) -> int | None:
        """How many sessions the API still listed as running; None where that is not confirmed of each batch.

        0 for an empty plan; None for one that was not carried out.
        """
        looked_at = [one.still_running for one in self.results if one.outcome not in {"skipped", "not_begun"}]
        if self.plan.matched and not looked_at:
            return None
        known = [count for count in looked_at if count is not None]
        return sum(known) if len(known) == len(looked_at) else None

    def totals(self) -> dict[str, int | None]:
        """Return sessions and batches, each summed up."""
        counts = {count: self.total(count) for count in COUNTS}
        outcomes: dict[str, CleanupOutcome] = {"cleaned": "done", "gone": "gone", "skipped": "skipped"}
        numbers = {f"{name}_batches": len(self.of_outcome(outcome)) for name, outcome in outcomes.items()}
        failed = sum(one["batch_id"] is not None for one in self.failures)
        return {**counts, "still_running": self.still_running, **numbers, "failed_batches": failed}

    def summary(self) -> str:
        """Return the report in one line."""
        if not self.results:
            return "nothing was done"
        done = sum(one.outcome == "done" for one in self.results if one.session_id)
        parts = [f"{_DONE[self.plan.action]} {batches(len(self.of_outcome('done')))}"] if self.plan.batches else []
        parts += [f"ended {counted(done, 'single session')}"] if self.plan.sessions else []
        parts += [f"{sessions(total)} {verb}" for name, verb in STOPPED.items() if (total := self.total(name))]
        if self.still_running != 0 and any(one.outcome in {"done", "gone"} for one in self.results):
            parts.append("not confirmed" if self.still_running is None else f"{self.still_running} still running")
        words = {"gone": "already gone", "skipped": "skipped", "interrupted": "interrupted", "not_begun": "not begun"}
        numbers = {word: sum(one.outcome == outcome for one in self.results) for outcome, word in words.items()}
        parts += [f"{number} {word}" for word, number in numbers.items() if number]
        return ", ".join([*parts, *([f"{len(self.failures)} failed"] if self.failures else [])])


def outputs_of(report: Report | None) -> dict[str, Any]:
    """Return the outputs of a run; all None where there was none yet."""
    if report is None:
        return dict.fromkeys(RESULTS)
    return {
        "matched": report.plan.matched,
        "plan": report.plan.to_rows(),
        "skipped": report.plan.skipped_rows(),
        "results": [result.to_row() for result in report.results],
        "failures": report.failures,
        **report.totals(),
    }
