"""What to do with a batch: goals, one pure function that decides the next step, and one place that takes it."""

from pulumi_anchorbrowser.lifecycle.batches import SETTLE_TIMEOUT_SECONDS, Batches
from pulumi_anchorbrowser.lifecycle.changes import Changes, changes_between
from pulumi_anchorbrowser.lifecycle.checks import Problem, problems_of, with_canonical_id
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.inputs import DEFAULTS, BatchInputs, batch_problems
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.tags import new_claim

__all__ = [
    "DEFAULTS",
    "SETTLE_TIMEOUT_SECONDS",
    "BatchInputs",
    "BatchRecord",
    "Batches",
    "Changes",
    "LifecycleError",
    "Notices",
    "Problem",
    "batch_problems",
    "changes_between",
    "new_claim",
    "problems_of",
    "with_canonical_id",
]
