"""Stopping batches by owner, status, age and tags: a plan first, as data, then what it says and no more."""

from pulumi_anchorbrowser.cleanup.matching import Matching, PlannedBatch, PlannedSession, Skipped
from pulumi_anchorbrowser.cleanup.plan import Plan, UnusablePlan
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
from pulumi_anchorbrowser.cleanup.run import Cleanup, run_cleanup, warn_of_undecided
from pulumi_anchorbrowser.cleanup.selection import (
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
    "cleanup_problems",
    "outputs_of",
    "run_cleanup",
    "warn_of_undecided",
]
