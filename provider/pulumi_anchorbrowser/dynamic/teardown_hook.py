"""`teardown_hook`: a cleanup that runs just before one resource is deleted, in the program's own process."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.choices import Action, OnFailure
from pulumi_anchorbrowser.dynamic.batch_cleanup import ExcludeArgs, SelectArgs
from pulumi_anchorbrowser.dynamic.cleaning import run_cleanup
from pulumi_anchorbrowser.dynamic.declared import spared_in_program
from pulumi_anchorbrowser.dynamic.engine import EngineNotices
from pulumi_anchorbrowser.dynamic.inputs import owner
from pulumi_anchorbrowser.dynamic.services import services_for
from pulumi_anchorbrowser.dynamic.settings import Settings
from pulumi_anchorbrowser.dynamic.speech import AnchorBrowserError, expected_failures_in_one_line
from pulumi_anchorbrowser.lifecycle.advice import leading_to
from pulumi_anchorbrowser.lifecycle.cleanup import DEFAULT_LIMIT, CleanupInputs, cleanup_problems


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
    """A hook that cleans up the batches of `select` before the resource that it is bound to is deleted:

        hook = teardown_hook("stop-browsers", select={"owner": "this"})
        opts = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[hook]))

    Which of the two: a `BatchCleanup` runs on *every* `pulumi destroy`, and is the one to choose unless the cleanup
    belongs to one resource. A hook runs whenever that resource is deleted, so also when an `up` replaces it; but it
    lives in the program, so that a plain `pulumi destroy` refuses: use `pulumi destroy --run-program`. And for a
    resource that was taken out of the program there is no hook any more.

    Settings come from the stack's config, else from the environment. Batches that the program declares are left
    alone: their own resources delete them. A failure stops the deletion of the resource. Raises AnchorBrowserError,
    with every wrong argument at once. The arguments are plain values: no outputs.

    Args:
        name: The hook's name, unique in the program.
        select: Which batches are meant; there is no default.
        exclude: Which are left alone nevertheless.
        action: What is done with each: `delete`; `cancel` or `end_sessions` keep the data.
        limit: How many batches at most; if there are more, nothing is done, and the error says how many.
        dry_run: Whether it only plans.
        allow_all: Whether it may match every batch of the team.
        on_failure: Whether batches that could not be dealt with are an `error` or a `warn`ing; the rest is done.
    """
    if not hasattr(pulumi, "ResourceHook"):
        outdated = "This Pulumi SDK has no resource hooks: upgrade `pulumi`, or use a BatchCleanup."
        raise AnchorBrowserError(leading_to(outdated, "no-resource-hooks"))
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
    problems = cleanup_problems(given, lambda _: False)
    if problems:
        wrong = "; ".join(f"{path}: {reason}" for path, reason in problems)
        text = f"teardown_hook {name!r} cannot be used: {wrong.rstrip('?')}. Correct it, then run again."
        raise AnchorBrowserError(leading_to(text, "unusable-teardown-hook"))
    services = services_for(Settings.read(_config))
    engine = pulumi.runtime.settings.get_engine()

    async def clean_up(args: pulumi.ResourceHookArgs) -> None:
        inputs = CleanupInputs.model_validate({**given, "resource_urn": args.urn})
        spared = await spared_in_program(inputs.owner)
        run = services.receipts.run
        with expected_failures_in_one_line(), logs.operation("teardown_hook", run=run, urn=args.urn):
            await asyncio.to_thread(run_cleanup, services, inputs, spared, _ProgramNotices(engine, args.urn))

    return pulumi.ResourceHook(name, clean_up)


def _config(key: str) -> str | None:
    namespace, _, name = key.partition(":")
    return pulumi.Config(namespace).get(name)


class _ProgramNotices(EngineNotices):
    """Notices of the program's own process, which knows the engine from elsewhere than a provider host does."""

    def __init__(self, engine: Any, urn: str) -> None:
        super().__init__(urn)
        self._own_engine = engine

    def _engine(self) -> Any:
        return self._own_engine
