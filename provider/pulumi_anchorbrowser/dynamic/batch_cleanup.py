"""`BatchCleanup`: batches cleaned up declaratively, when a stack is applied or destroyed."""

from __future__ import annotations

from typing import Any

import pulumi
from typing_extensions import TypedDict

from pulumi_anchorbrowser.choices import Action, LiveStatus, OnFailure, When
from pulumi_anchorbrowser.dynamic.batch_cleanup_provider import BatchCleanupProvider
from pulumi_anchorbrowser.dynamic.declared_here import declared_urns
from pulumi_anchorbrowser.dynamic.inputs import owner
from pulumi_anchorbrowser.dynamic.resource import AnchorBrowserResource

_OUTPUTS = (
    "matched",
    "plan",
    "left_alone",
    "results",
    "failures",
    "cancelled_sessions",
    "deleted_sessions",
    "ended_sessions",
    "failed_sessions",
    "cleaned_batches",
    "gone_batches",
    "failed_batches",
)


class SelectArgs(TypedDict, total=False):
    """Which batches are meant: those that meet every criterion given here."""

    owner: pulumi.Input[str]
    """`this` (this stack), another stack's `organization/project/stack`, or `any`. Default: `any` where `batch_ids`
    names the batches, and `this` otherwise."""
    statuses: pulumi.Input[list[pulumi.Input[LiveStatus]]]
    """The API's words, any one of them. `completed` says that all browsers were created: they may still run."""
    older_than: pulumi.Input[str | float]
    """The age at least, as a duration such as "24h" or "30m", or in seconds."""
    newer_than: pulumi.Input[str | float]
    """The age at most, likewise."""
    tags: pulumi.Input[list[pulumi.Input[str]]]
    """All of these must be on the sessions."""
    batch_ids: pulumi.Input[list[pulumi.Input[str]]]
    """One of these; an empty list selects nothing."""


class ExcludeArgs(TypedDict, total=False):
    """Which batches are left alone although they are selected."""

    batch_ids: pulumi.Input[list[pulumi.Input[str]]]
    """These."""
    tags: pulumi.Input[list[pulumi.Input[str]]]
    """Those with any one of these on a session."""


class BatchCleanup(AnchorBrowserResource, module="anchorbrowser", name="BatchCleanup"):
    """A cleanup of batches as a resource: it runs on every plain `pulumi destroy`, on apply, or on both.

    With `depends_on` it runs *before* what it depends on is destroyed: browsers stop before their network goes.

    What is never touched: batches that the running program declares as `Batch`; what `exclude` names; and batches whose
    sessions carry the tag `pulumi-protect`, which you set in `configuration.session.tags`. A batch that cannot be told
    by its tags, because none of its sessions can be seen yet, is left alone with a warning. If a `Batch` depends on a
    cleanup, the cleanup runs before the engine says which batch that is, so it leaves all batches of this stack alone.

    Removing a cleanup from the program, or renaming it without an alias, deletes it, and so *runs* it (`when` destroy
    or both); its plan is in the log before it acts. To drop one without running it: set `when="apply"` and run `up`
    first, or use `pulumi state delete`.

    In a destroy no program runs, so batches of this stack that have a `Batch` resource are selected like any other. Let
    the `Batch` depend on the cleanup, and its own delete comes first; else whichever comes second finds the batch gone,
    which is no error, and the receipts count every session once. To keep such a batch's data, tag or exclude it.

    The preview of an `up` shows in the log what would go, and changes nothing. The preview of a destroy asks no
    provider anything, so it cannot: `pulumi-anchorbrowser sweep` shows the same plan at any time.

    For a cleanup that belongs to one resource, and runs whenever that is deleted or replaced, see `teardown_hook`.
    """

    select: pulumi.Output[dict[str, Any]]
    """Which batches are meant."""
    exclude: pulumi.Output[dict[str, Any] | None]
    """Which are left alone nevertheless."""
    action: pulumi.Output[str]
    """What is done with each: `delete`, `cancel` or `end_sessions`."""
    when: pulumi.Output[str]
    """When it runs: `destroy`, `apply` or `both`."""
    limit: pulumi.Output[int]
    """How many batches it deals with at most; if there are more, it does nothing and says how many."""
    dry_run: pulumi.Output[bool]
    """Whether it only plans."""
    triggers: pulumi.Output[list[Any] | None]
    """Values whose change runs it again."""
    allow_all: pulumi.Output[bool]
    """Whether it may match every batch of the team."""
    on_failure: pulumi.Output[str]
    """Whether batches that could not be dealt with are an `error` or a `warn`ing."""
    owner: pulumi.Output[str]
    """The stack that `this` means."""
    matched: pulumi.Output[int | None]
    """How many batches the last run on apply matched; None where there was none, as for all that follow."""
    plan: pulumi.Output[list[dict[str, Any]] | None]
    """What was, or with `dry_run` would be, done: `batch_id`, `action`, `status`, `created_at`, `total_requests`,
    `owner`, `claim`."""
    left_alone: pulumi.Output[list[dict[str, Any]] | None]
    """What was left alone and why: `batch_id`, `status`, `kind`, `reason`."""
    results: pulumi.Output[list[dict[str, Any]] | None]
    """What became of each: `batch_id`, `outcome` (done, gone, failed), its counts, `reason`, `warnings`."""
    failures: pulumi.Output[list[dict[str, Any]] | None]
    """Which could not be dealt with: `batch_id`, `reason`."""
    cancelled_sessions: pulumi.Output[int | None]
    """Sessions that this run's cancels terminated, in the API's own count; None where it has said none."""
    deleted_sessions: pulumi.Output[int | None]
    """Sessions that this run deleted, likewise."""
    ended_sessions: pulumi.Output[int | None]
    """Sessions that this run ended one by one."""
    failed_sessions: pulumi.Output[int | None]
    """Sessions that could not be deleted or ended, as far as the API has said."""
    cleaned_batches: pulumi.Output[int | None]
    """Batches dealt with."""
    gone_batches: pulumi.Output[int | None]
    """Batches that had gone by themselves."""
    failed_batches: pulumi.Output[int | None]
    """Batches that could not be dealt with."""

    def __init__(
        self,
        resource_name: str,
        *,
        select: pulumi.Input[SelectArgs],
        exclude: pulumi.Input[ExcludeArgs | None] = None,
        action: pulumi.Input[Action | None] = None,
        when: pulumi.Input[When | None] = None,
        limit: pulumi.Input[int | None] = None,
        dry_run: pulumi.Input[bool | None] = None,
        triggers: pulumi.Input[list[Any] | None] = None,
        allow_all: pulumi.Input[bool | None] = None,
        on_failure: pulumi.Input[OnFailure | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Clean up the batches of `select`, without those of `exclude`.

        Args:
            resource_name: The resource's name in the program.
            select: Which batches are meant; there is no default.
            exclude: Which are left alone nevertheless.
            action: What is done with each: `delete`; `cancel` or `end_sessions` keep the data. A completed batch
                cannot be cancelled, so its sessions are ended one by one.
            when: When it runs: on `destroy`, on `apply`, or on `both`.
            limit: How many batches at most; if there are more, nothing is done, and the error says how many.
            dry_run: Whether it only plans.
            triggers: Any values; a change of them runs it again on apply.
            allow_all: Whether it may match every batch of the team.
            on_failure: Whether batches that could not be dealt with are an `error` or a `warn`ing; the rest is done.
            opts: Pulumi's own options.
        """
        properties: dict[str, Any] = {
            "select": select,
            "exclude": exclude,
            "action": action,
            "when": when,
            "limit": limit,
            "dry_run": dry_run,
            "triggers": triggers,
            "allow_all": allow_all,
            "on_failure": on_failure,
            "owner": owner(),
            "declared": declared_urns(),
            "is_preview": True if pulumi.runtime.is_dry_run() else None,
            **dict.fromkeys(_OUTPUTS),
        }
        super().__init__(BatchCleanupProvider(), resource_name, properties, opts)
