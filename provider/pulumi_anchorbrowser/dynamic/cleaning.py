"""One run of a cleanup, told as it goes: by a resource in the provider host, or by a hook in the program."""

from __future__ import annotations

from pulumi_anchorbrowser.dynamic.services import Services
from pulumi_anchorbrowser.lifecycle import Notices
from pulumi_anchorbrowser.lifecycle.cleanup import (
    Actor,
    Cleanup,
    CleanupIncomplete,
    CleanupInputs,
    Plan,
    Report,
    Spared,
    TooMany,
)
from pulumi_anchorbrowser.words import counted


def plan_cleanup(services: Services, inputs: CleanupInputs, spared: Spared, notices: Notices) -> Plan:
    """What the cleanup would do; nothing is changed. Raises ApiError and LifecycleError."""
    return _cleanup(services).plan(inputs.request, notices, spared)


def run_cleanup(services: Services, inputs: CleanupInputs, spared: Spared, notices: Notices) -> Report:
    """Tell the plan, carry it out unless `dry_run`, tell what was done.

    Raises TooMany before anything is done, and CleanupIncomplete after all is done that can be, where `on_failure` is
    "error".
    """
    cleanup = _cleanup(services)
    plan = cleanup.plan(inputs.request, notices, spared)
    if inputs.dry_run:
        notices.info(f"cleanup, dry run: would {plan.told()}")
        tell_undecided(plan, notices)
        if plan.matched > inputs.limit:
            notices.warning(f"without dry_run: {TooMany(plan.matched, inputs.limit)}")
        return Report(plan)
    is_refused = plan.matched > inputs.limit
    notices.info(f"cleanup, {'refused to' if is_refused else 'about to'} {plan.told()}")
    actor = Actor(inputs.owner, inputs.resource_urn or "")
    report = cleanup.carry_out(plan, notices, actor=actor, limit=inputs.limit)
    notices.info(f"cleanup: {report.told()}")
    tell_undecided(plan, notices)
    if report.failures:
        incomplete = CleanupIncomplete(report.failures, len(report.results) - report.of_outcome("failed"))
        if inputs.on_failure == "error":
            raise incomplete
        notices.warning(str(incomplete))
    return report


def tell_undecided(plan: Plan, notices: Notices) -> None:
    """A warning of batches that may be meant, and of which that cannot be told."""
    undecided = [left for left in plan.left_alone if left.kind == "undecided"]
    if undecided:
        first = undecided[0]
        count = counted(len(undecided), "batch was", "batches were")
        notices.warning(
            f"{count} left alone, since it cannot be told whether it is meant, such as {first.batch_id} "
            f"({first.status}): {first.reason}. A batch that its own resource is deleting just now looks the same; "
            "if it is not that, look again later with `pulumi-anchorbrowser sweep`, or delete it by its id"
        )


def _cleanup(services: Services) -> Cleanup:
    return Cleanup(services.client, services.receipts, clock=services.clock, changed=services.keeper.changed)
