"""Cleaning up batches by owner, status, age and tags: a plan first, as data, then what it says and no more."""

from pulumi_anchorbrowser.lifecycle.cleanup.acting import Actor, Watch
from pulumi_anchorbrowser.lifecycle.cleanup.cleanup import DEFAULT_LIMIT, Cleanup, Request
from pulumi_anchorbrowser.lifecycle.cleanup.errors import (
    CleanupIncomplete,
    MatchesEverything,
    NoSuchOwner,
    TooMany,
)
from pulumi_anchorbrowser.lifecycle.cleanup.inputs import (
    DEFAULTS,
    RECORDED,
    RESULTS,
    RUNS_AGAIN,
    CleanupInputs,
    cleanup_problems,
    outputs_of,
)
from pulumi_anchorbrowser.lifecycle.cleanup.plan import LeftAlone, Plan, PlannedBatch, Spared
from pulumi_anchorbrowser.lifecycle.cleanup.report import COUNTS, BatchResult, Report
from pulumi_anchorbrowser.lifecycle.cleanup.selection import Exclusion, Selection

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
    "LeftAlone",
    "MatchesEverything",
    "NoSuchOwner",
    "Plan",
    "PlannedBatch",
    "Report",
    "Request",
    "Selection",
    "Spared",
    "TooMany",
    "Watch",
    "cleanup_problems",
    "outputs_of",
]
