"""What to do with a batch: pure decisions, and the steps that carry them out. Knows nothing of Pulumi."""

from pulumi_anchorbrowser.lifecycle.changes import Changes, changes_between
from pulumi_anchorbrowser.lifecycle.checks import Problem, problems_of, with_canonical_id
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.inputs import DEFAULTS, BatchInputs, batch_problems
from pulumi_anchorbrowser.lifecycle.keeper import BatchKeeper
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices, SystemClock
from pulumi_anchorbrowser.lifecycle.ownership import new_claim
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.lifecycle.waiting import Goal, Reached, Waiting

__all__ = [
    "DEFAULTS",
    "BatchInputs",
    "BatchKeeper",
    "BatchRecord",
    "Changes",
    "Clock",
    "Goal",
    "LifecycleError",
    "Notices",
    "Problem",
    "Reached",
    "RecordedCalls",
    "SystemClock",
    "Waiting",
    "batch_problems",
    "changes_between",
    "new_claim",
    "problems_of",
    "with_canonical_id",
]
