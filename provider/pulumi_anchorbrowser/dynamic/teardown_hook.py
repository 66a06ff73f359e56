"""`teardown_hook`: a cleanup that runs just before one resource is deleted, in the program's own process."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi

from pulumi_anchorbrowser.binding import cleanup
from pulumi_anchorbrowser.binding.services import Services
from pulumi_anchorbrowser.binding.settings import Settings
from pulumi_anchorbrowser.choices import DEFAULT_LIMIT, Action, OnFailure
from pulumi_anchorbrowser.cleanup import CleanupInputs, cleanup_problems
from pulumi_anchorbrowser.dynamic.arguments import ExcludeArgs, SelectArgs
from pulumi_anchorbrowser.dynamic.errors import expected_errors_in_one_line
from pulumi_anchorbrowser.dynamic.resources import owner
from pulumi_anchorbrowser.engine import EngineNotices, run_mark
from pulumi_anchorbrowser.errors import ExpectedError


class NoResourceHooks(ExpectedError):
    """The Pulumi SDK is too old for hooks."""

    anchor = "no-resource-hooks"
    advice = "Upgrade `pulumi`, or use a BatchCleanup."

    def __init__(self) -> None:
        super().__init__("This Pulumi SDK has no resource hooks")


class UnusableTeardownHook(ExpectedError):
    """The arguments of a hook are wrong."""

    anchor = "unusable-teardown-hook"
    advice = "Correct it, then run again."


@expected_errors_in_one_line()
def teardown_hook(
    name: str,
    *,
    select: SelectArgs,
    exclude: ExcludeArgs | None = None,
    action: Action = "delete",
    limit: int = DEFAULT_LIMIT,
    dry_run: bool = False,
    allow_all: bool = False,
    on_failure: OnFailure = "error",
) -> pulumi.ResourceHook:
    """Return a hook that cleans up the batches of `select` before its resource is deleted:

        hook = teardown_hook("stop-browsers", select={"tags": ["crawl"]})
        opts = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[hook]))

    Use a `BatchCleanup`, which runs in every `pulumi destroy`, unless the cleanup belongs to one resource. A hook runs
    whenever its resource is deleted, also when an `up` replaces the resource. The hook lives in the program: destroy
    with `pulumi destroy --run-program`. A resource that was removed from the program no longer has a hook.

    The hook never stops batches of its own stack. A failed hook stops the deletion of the resource. Settings come from
    the stack's config first, then from the environment. The arguments are plain values, not outputs. Raises
    AnchorBrowserError, which names every wrong argument.

    Args:
        name: The hook's name, unique in the program.
        select: Which batches match; there is no default.
        exclude: Which matching batches to skip.
        action: What to do with each batch: `delete`; or `cancel` or `end_sessions`, which keep the data.
        limit: The most batches. If more match, the hook does nothing and fails with their number.
        dry_run: Whether to report the plan only.
        allow_all: Whether the selection may match every batch of the team.
        on_failure: Whether batches that could not be stopped are an `error` or a `warn`ing; all others are stopped.
    """
    if not hasattr(pulumi, "ResourceHook"):
        raise NoResourceHooks
    given = {
        "select": select,
        "exclude": exclude,
        "action": action,
        "limit": limit,
        "dry_run": dry_run,
        "allow_all": allow_all,
        "on_failure": on_failure,
        "owner": owner(),
    }
    if problems := cleanup_problems(given, lambda _: False):
        wrong = "; ".join(f"{path}: {reason}" for path, reason in problems)
        raise UnusableTeardownHook(f"teardown_hook {name!r} cannot be used: {wrong}")
    # The program knows its engine from another place than a provider host does.
    engine = pulumi.runtime.settings.get_engine()
    notices = EngineNotices(engine=engine)
    services = Services(Settings.read(_config, notify=notices.warning), notices, run_mark())

    def clean_up(urn: str) -> None:
        inputs = CleanupInputs.model_validate({**given, "resource_urn": urn})
        with expected_errors_in_one_line():
            cleanup.run(services, inputs, urn=urn, notices=EngineNotices(urn, engine), name="teardown_hook")

    async def before_delete(args: Any) -> None:
        await asyncio.to_thread(clean_up, args.urn)

    return pulumi.ResourceHook(name, before_delete)


def _config(key: str) -> str | None:
    namespace, _, name = key.partition(":")
    return pulumi.Config(namespace).get(name)
