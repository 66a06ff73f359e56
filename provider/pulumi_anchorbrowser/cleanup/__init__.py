"""Stopping batches by owner, status, age and tags: a plan first, as data, then what it says and no more."""

from pulumi_anchorbrowser.cleanup.plan import Matching, Plan, PlannedBatch, PlannedSession, Skipped, UnusablePlan
from pulumi_anchorbrowser.cleanup.report import (
    COUNTS,
    RESULTS,
    Actor,
    BatchResult,
    CleanupIncomplete,
    Report,
    TooMany,
    outputs_of,
)
from pulumi_anchorbrowser.cleanup.run import Cleanup, Watch, run_cleanup, warn_of_undecided
from pulumi_anchorbrowser.cleanup.selection import (
    DEFAULT_LIMIT,
    DEFAULTS,
    RECORDED,
    RUNS_AGAIN,
    CleanupInputs,
    Exclusion,
    MatchesEverything,
    Request,
    Selection,
    cleanup_problems,
)

__all__ = [
    "COUNTS",
    "DEFAULTS",
    "DEFAULT_LIMIT",
    "RECORDED",
    "RESULTS",
    "RUNS_AGAIN",
    "Actor",
    "BatchResult",
    "Cleanup",
    "CleanupIncomplete",
    "CleanupInputs",
    "Exclusion",
    "MatchesEverything",
    "Matching",
    "Plan",
    "PlannedBatch",
    "PlannedSession",
    "Report",
    "Request",
    "Selection",
    "Skipped",
    "TooMany",
    "UnusablePlan",
    "Watch",
    "cleanup_problems",
    "outputs_of",
    "run_cleanup",
    "warn_of_undecided",
]
