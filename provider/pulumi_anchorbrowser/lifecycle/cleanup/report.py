"""What a cleanup has done, as data. The counts are the API's own; None where it has not said one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.lifecycle.cleanup.plan import Plan
from pulumi_anchorbrowser.lifecycle.counting import added
from pulumi_anchorbrowser.words import sessions

# gone: the API no longer knew it. left: the run was stopped before its turn came.
Outcome = Literal["done", "gone", "failed", "left"]
COUNTS = ("cancelled_sessions", "deleted_sessions", "ended_sessions", "failed_sessions")


@dataclass(frozen=True)
class BatchResult:
    """What became of one batch in this run. `failed_sessions` could not be deleted, or not be ended."""

    batch_id: str
    action: Action
    outcome: Outcome
    cancelled_sessions: int | None = None
    deleted_sessions: int | None = None
    ended_sessions: int | None = None
    failed_sessions: int | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()

    def to_row(self) -> dict[str, Any]:
        """The result as plain data."""
        return {**asdict(self), "warnings": list(self.warnings)}


@dataclass(frozen=True)
class Report:
    """A plan and what came of it."""

    TOTALS: ClassVar[tuple[str, ...]] = (*COUNTS, "cleaned_batches", "gone_batches", "failed_batches")

    plan: Plan
    results: tuple[BatchResult, ...] = ()

    @property
    def failures(self) -> list[dict[str, str]]:
        """Batches that could not be dealt with or not even be read, and why."""
        failed = [(one.batch_id, one.reason or "") for one in self.results if one.outcome == "failed"]
        failed += [(left.batch_id, left.reason) for left in self.plan.unreadable]
        return [{"batch_id": batch_id, "reason": reason} for batch_id, reason in failed]

    @property
    def left(self) -> list[str]:
        """The batches whose turn did not come, because the run was stopped."""
        return [one.batch_id for one in self.results if one.outcome == "left"]

    def total(self, count: str) -> int | None:
        """The sum of one of COUNTS over all batches; None where the API has said none."""
        return added(*(getattr(one, count) for one in self.results))

    def of_outcome(self, outcome: Outcome) -> int:
        """How many batches came to this."""
        return sum(one.outcome == outcome for one in self.results)

    def totals(self) -> dict[str, int | None]:
        """Sessions and batches, each summed up."""
        return {
            **{count: self.total(count) for count in COUNTS},
            "cleaned_batches": self.of_outcome("done"),
            "gone_batches": self.of_outcome("gone"),
            "failed_batches": len(self.failures),
        }

    def told(self) -> str:
        """The report in one line."""
        verbs = {"cancelled": "cancelled_sessions", "deleted": "deleted_sessions", "ended": "ended_sessions"}
        counted = [f"{sessions(total)} {verb}" for verb, name in verbs.items() if (total := self.total(name))]
        parts = [f"{self.of_outcome('done')} of {self.plan.matched} batches cleaned up", *counted]
        if gone := self.of_outcome("gone"):
            parts.append(f"{gone} already gone")
        if self.left:
            parts.append(f"{len(self.left)} not begun")
        return ", ".join([*parts, f"{len(self.failures)} failed"])
