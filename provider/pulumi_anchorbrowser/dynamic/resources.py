"""`Batch`, `BatchReady` and `BatchCleanup`: the resources that a program declares."""

# Annotations are evaluated once, so no `from __future__ import annotations`: the SDK would evaluate those that are text
# anew for each batch.

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

import pulumi
from pulumi import dynamic
from pulumi.runtime import rpc

from pulumi_anchorbrowser.choices import Action, IfCompleted, OnDestroy, OnFailure, OnMissing, Status, When
from pulumi_anchorbrowser.dynamic.arguments import ExcludeArgs, SelectArgs, SessionConfigurationArgs
from pulumi_anchorbrowser.dynamic.errors import AnchorBrowserError
from pulumi_anchorbrowser.dynamic.providers import (
    AnchorBrowserProvider,
    BatchCleanupProvider,
    BatchProvider,
    BatchReadyProvider,
)
from pulumi_anchorbrowser.dynamic.sdk_patches import report_the_programs_line

if TYPE_CHECKING:
    from pulumi_anchorbrowser.dynamic.arguments import ReadySession
else:
    # The SDK converts each output to the type of its annotation, and raises for a typed dictionary.
    ReadySession = dict[str, Any]

_PATH_TO_PROXY = ("session", "proxy")
_PASSWORD = "password"  # noqa: S105  # the name of the property, not a password
# The engine has one kind of number, a double: it changes larger integers without a word.
_LARGEST_INTEGER = 2**53


def _unset(kind: type) -> dict[str, None]:
    """Return every property that the class declares, to be filled by the program or by the provider."""
    return dict.fromkeys(kind.__annotations__)


class AnchorBrowserResource(dynamic.Resource):
    """A resource that stands in the user's line."""

    def __init__(
        self,
        provider: AnchorBrowserProvider,
        resource_name: str,
        properties: dict[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        """Register it."""
        report_the_programs_line()
        self._register(provider, resource_name, properties, opts)

    def _register(
        self,
        provider: AnchorBrowserProvider,
        resource_name: str,
        properties: dict[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        super().__init__(provider, resource_name, properties, opts)


class Batch(AnchorBrowserResource, module="anchorbrowser", name="Batch"):
    """A batch of browsers that stops when Pulumi says so.

    Setting `status` to `cancelled` sends the PATCH. Deleting the resource, or setting `status` to `deleted`, sends the
    DELETE. The counts in the API's responses are outputs; a count is None until the API has said it.
    """

    count: pulumi.Output[int | None]
    """How many browsers were requested; None for an adopted batch."""
    batch_id: pulumi.Output[str]
    """The API's id of the batch."""
    configuration: pulumi.Output[dict[str, Any] | None]
    """The configuration of every session, as the program gave it."""
    metadata: pulumi.Output[dict[str, Any] | None]
    """The metadata sent with the create. The API does not return it."""
    status: pulumi.Output[str]
    """The desired status: `active`, `cancelled` or `deleted`."""
    on_destroy: pulumi.Output[str]
    """What destroying the resource does."""
    if_completed: pulumi.Output[str]
    """What to do if the API refuses a cancel because every session was created."""
    on_missing: pulumi.Output[str]
    """What a refresh does if the API no longer knows the batch."""
    owner: pulumi.Output[str]
    """`organization/project/stack`; every session of the batch carries it in a tag."""
    claim: pulumi.Output[str]
    """The random id of this create; every session of the batch carries it in a tag."""
    account: pulumi.Output[str]
    """The base URL and a salted fingerprint of the key that started the batch."""
    adopted: pulumi.Output[bool]
    """Whether the batch existed before the resource."""
    live_status: pulumi.Output[str]
    """The API's word (`pending`, `processing`, `completed`, `failed`, `cancelled`), or `deleted`.

    `completed` means that every session was created: its browsers may still run and be billed.
    """
    total_requests: pulumi.Output[int | None]
    """Sessions requested."""
    completed_requests: pulumi.Output[int | None]
    """Sessions created."""
    failed_requests: pulumi.Output[int | None]
    """Sessions that could not be created."""
    created_at: pulumi.Output[str | None]
    """When the batch was created, by the API's clock (ISO 8601)."""
    completed_at: pulumi.Output[str | None]
    """When creation ended, by the API's clock (ISO 8601)."""
    cancelled_sessions: pulumi.Output[int | None]
    """How many running sessions the PATCH terminated, in the API's own count."""
    ended_sessions: pulumi.Output[int | None]
    """How many sessions were ended one by one."""
    deleted_sessions: pulumi.Output[int | None]
    """How many sessions the DELETE deleted, in the API's own count."""
    failed_deletions: pulumi.Output[int | None]
    """How many sessions the DELETE could not delete."""
    deletion_errors: pulumi.Output[list[dict[str, str | None]] | None]
    """The sessions that the DELETE could not delete, each with the reason."""
    still_running: pulumi.Output[int | None]
    """How many sessions the API still listed as running after the last cancel or delete: 0 confirms that the batch has
    stopped. None before the first stop, and if the list could not be read."""
    confirmed_at: pulumi.Output[str | None]
    """When `still_running` was read, by this machine's clock (ISO 8601)."""
    message: pulumi.Output[str | None]
    """The API's summary of the last cancel or delete."""

    @overload
    def __init__(
        self,
        resource_name: str,
        *,
        count: pulumi.Input[int],
        batch_id: None = None,
        configuration: pulumi.Input[SessionConfigurationArgs | None] = None,
        metadata: pulumi.Input[dict[str, Any] | None] = None,
        status: pulumi.Input[Status | None] = None,
        on_destroy: pulumi.Input[OnDestroy | None] = None,
        if_completed: pulumi.Input[IfCompleted | None] = None,
        on_missing: pulumi.Input[OnMissing | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        *,
        batch_id: pulumi.Input[str],
        count: None = None,
        configuration: None = None,
        metadata: None = None,
        status: pulumi.Input[Status | None] = None,
        on_destroy: pulumi.Input[OnDestroy | None] = None,
        if_completed: pulumi.Input[IfCompleted | None] = None,
        on_missing: pulumi.Input[OnMissing | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...

    def __init__(
        self,
        resource_name: str,
        *,
        count: pulumi.Input[int | None] = None,
        batch_id: pulumi.Input[str | None] = None,
        configuration: pulumi.Input[SessionConfigurationArgs | None] = None,
        metadata: pulumi.Input[dict[str, Any] | None] = None,
        status: pulumi.Input[Status | None] = None,
        on_destroy: pulumi.Input[OnDestroy | None] = None,
        if_completed: pulumi.Input[IfCompleted | None] = None,
        on_missing: pulumi.Input[OnMissing | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Start a batch of `count` browsers, or adopt the one with `batch_id`; exactly one of the two.

        Args:
            resource_name: The resource's name in the program.
            count: How many browsers to start, 1 to 1000.
            batch_id: The id of a batch to adopt.
            configuration: The configuration of every session, under the API's own names.
            metadata: A plain dictionary that is sent with the create.
            status: `active`; `cancelled` stops the browsers and keeps the data; `deleted` removes the data as well.
            on_destroy: What destroying does: `delete` the batch; or `cancel` it or `end_sessions` one by one, both of
                which keep the data.
            if_completed: What to do if the API refuses a cancel because every session was created: `end_sessions` (one
                by one, data is kept), `delete`, `accept` (the browsers keep running) or `fail`.
            on_missing: What a refresh does if the API no longer knows the batch: `keep` the resource, as deleted, or
                `recreate` the batch.
            opts: Pulumi's own options.
        """
        _refuse_large_integers("Batch", resource_name, metadata, "metadata")
        _refuse_large_integers("Batch", resource_name, configuration, "configuration")
        properties: dict[str, Any] = {
            **_unset(Batch),
            "count": count,
            "batch_id": batch_id,
            "configuration": with_secret_password(configuration),
            "metadata": metadata,
            "status": status,
            "on_destroy": on_destroy,
            "if_completed": if_completed,
            "on_missing": on_missing,
            "owner": owner(),
            # Each create has another one; a saved plan accepts it where the preview did not know it.
            "claim": rpc.UNKNOWN if pulumi.runtime.is_dry_run() else None,
        }
        super().__init__(BatchProvider(), resource_name, properties, opts)


class BatchReady(AnchorBrowserResource, module="anchorbrowser", name="BatchReady"):
    """A wait for a batch, as a resource of its own: if the wait fails, the batch is in the state nevertheless.

    The next `pulumi up` waits again. Destroying it does nothing.
    """

    batch_id: pulumi.Output[str]
    """The id of the batch."""
    min_ready: pulumi.Output[int | None]
    """How many ready browsers were needed; None for all of them."""
    timeout: pulumi.Output[str | float]
    """How long the wait may take."""
    retry_failed: pulumi.Output[int]
    """How often a failed session may be retried."""
    record_sessions: pulumi.Output[bool]
    """Whether `sessions` is saved."""
    live_status: pulumi.Output[str]
    """The API's word for the batch when the wait ended."""
    total_requests: pulumi.Output[int | None]
    """Sessions requested."""
    completed_requests: pulumi.Output[int | None]
    """Sessions ready when the wait ended."""
    failed_requests: pulumi.Output[int | None]
    """Sessions that could not be created."""
    retried_sessions: pulumi.Output[int | None]
    """How many failed sessions were retried; None if no retry was needed."""
    sessions: pulumi.Output[list[ReadySession] | None]
    """With `record_sessions`: every session of the batch, ready or not (see `ReadySession`). Secret, since whoever has
    a session's URLs controls its browser."""

    def __init__(
        self,
        resource_name: str,
        *,
        batch_id: pulumi.Input[str],
        min_ready: pulumi.Input[int | None] = None,
        timeout: pulumi.Input[str | float | None] = None,
        retry_failed: pulumi.Input[int | None] = None,
        record_sessions: pulumi.Input[bool | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Wait until enough browsers of the batch are ready.

        Args:
            resource_name: The resource's name in the program.
            batch_id: The batch to wait for.
            min_ready: How many ready browsers are needed; by default all of them.
            timeout: How long the wait may take: a duration such as "10m", or a number of seconds.
            retry_failed: How often a session that could not be created may be retried, 0 to 3.
            record_sessions: Whether to save the sessions, with the URLs that open them, as the secret `sessions`.
            opts: Pulumi's own options.
        """
        properties: dict[str, Any] = {
            **_unset(BatchReady),
            "batch_id": batch_id,
            "min_ready": min_ready,
            "timeout": timeout,
            "retry_failed": retry_failed,
            "record_sessions": record_sessions,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["sessions"])
        super().__init__(BatchReadyProvider(), resource_name, properties, pulumi.ResourceOptions.merge(opts, secret))


class BatchCleanup(AnchorBrowserResource, module="anchorbrowser", name="BatchCleanup"):
    """A cleanup of batches as a resource. It runs in every plain `pulumi destroy`, on apply, or in both.

    With `depends_on` it runs *before* the resources it depends on are destroyed: browsers stop before their network.

    A cleanup never stops batches of its own stack, which its state has or whose sessions carry its owner tag: their own
    resources do that. It skips what `exclude` names, and batches of which any session has the tag `pulumi-protect`,
    which you set in `configuration.session.tags`. A batch is skipped with a warning if only some of its sessions match,
    or if none is visible yet.

    Removing a cleanup from the program, or renaming it without an alias, deletes the resource and so *runs* the cleanup
    (`when` destroy or both); the log has the plan before it acts. To drop one without running it, set `when="apply"`
    and run `up` first, or use `pulumi state delete`.

    A preview of an `up` shows in the log what a cleanup on apply would stop; the `up` itself shows that plan again. The
    preview of a delete calls no provider, neither that of a destroy nor that of an `up` without the cleanup: use
    `pulumi-anchorbrowser sweep` to see the plan at any time.

    For a cleanup that belongs to one resource, and runs whenever that is deleted or replaced, see `teardown_hook`.
    """

    select: pulumi.Output[dict[str, Any]]
    """Which batches match."""
    exclude: pulumi.Output[dict[str, Any] | None]
    """Which matching batches are skipped."""
    action: pulumi.Output[str]
    """What is done with each batch: `delete`, `cancel` or `end_sessions`."""
    when: pulumi.Output[str]
    """When it runs: on `destroy`, on `apply`, or on `both`."""
    limit: pulumi.Output[int]
    """The most batches. If more match, the cleanup does nothing and fails with their number."""
    dry_run: pulumi.Output[bool]
    """Whether the cleanup only reports its plan."""
    triggers: pulumi.Output[list[Any] | None]
    """Values whose change runs the cleanup again."""
    allow_all: pulumi.Output[bool]
    """Whether the selection may match every batch of the team."""
    on_failure: pulumi.Output[str]
    """Whether batches that could not be stopped are an `error` or a `warn`ing."""
    owner: pulumi.Output[str]
    """`organization/project/stack` of the cleanup itself, whose batches it never stops."""
    matched: pulumi.Output[int | None]
    """How many batches and single sessions matched in the last run on apply. This output and all that follow are None
    before the first such run."""
    plan: pulumi.Output[list[dict[str, Any]] | None]
    """What was done, or would be with `dry_run`: `batch_id`, `action`, `status`, `created_at`, `total_requests`,
    `owner`, `claim`."""
    skipped: pulumi.Output[list[dict[str, Any]] | None]
    """What was skipped, and why: `batch_id`, `status`, `kind`, `reason`."""
    results: pulumi.Output[list[dict[str, Any]] | None]
    """The result of each: `batch_id`, `outcome`, counts, `reason`, `warnings`."""
    failures: pulumi.Output[list[dict[str, Any]] | None]
    """What could not be stopped: `batch_id`, `reason`."""
    cancelled_sessions: pulumi.Output[int | None]
    """How many sessions this run's cancels terminated, in the API's own count; None if it gave none."""
    deleted_sessions: pulumi.Output[int | None]
    """How many sessions this run deleted, in the API's own count."""
    ended_sessions: pulumi.Output[int | None]
    """How many sessions this run ended one by one."""
    failed_sessions: pulumi.Output[int | None]
    """How many sessions could not be deleted or ended, as far as the API reports it."""
    still_running: pulumi.Output[int | None]
    """How many sessions the API still listed as running afterwards; None if that could not be confirmed."""
    cleaned_batches: pulumi.Output[int | None]
    """How many batches were stopped."""
    gone_batches: pulumi.Output[int | None]
    """How many batches no longer existed."""
    skipped_batches: pulumi.Output[int | None]
    """How many batches of the plan were skipped later, because they no longer qualified."""
    failed_batches: pulumi.Output[int | None]
    """How many batches could not be stopped."""

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
            select: Which batches match; there is no default.
            exclude: Which matching batches to skip.
            action: What to do with each batch: `delete`; or `cancel` or `end_sessions`, which keep the data. If the API
                refuses a cancel because the batch is completed, its sessions are ended one by one.
            when: When to run: on `destroy`, on `apply`, or on `both`.
            limit: The most batches. If more match, the cleanup does nothing and fails with their number.
            dry_run: Whether to report the plan only.
            triggers: Any values; a change runs the cleanup again on apply.
            allow_all: Whether the selection may match every batch of the team.
            on_failure: Whether batches that could not be stopped are an `error` or a `warn`ing; all others are stopped.
            opts: Pulumi's own options.
        """
        _refuse_large_integers("BatchCleanup", resource_name, triggers, "triggers")
        properties: dict[str, Any] = {
            **_unset(BatchCleanup),
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
        }
        super().__init__(BatchCleanupProvider(), resource_name, properties, opts)


def owner() -> str:
    """Return `organization/project/stack` of the running program."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def with_secret_password(configuration: pulumi.Input[Any] | None) -> pulumi.Input[Any] | None:
    """Return the configuration with a custom proxy's password made secret, even if the program passed it plain."""
    return _protect(configuration, _PATH_TO_PROXY)


def _protect(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        if not path:
            password = value.get(_PASSWORD)
            return {**value, _PASSWORD: pulumi.Output.secret(password)} if password is not None else value
        inner = value.get(path[0])
        return {**value, path[0]: _protect(inner, path[1:])} if inner is not None else value
    if isinstance(value, pulumi.Output) or asyncio.isfuture(value) or asyncio.iscoroutine(value):
        # The password cannot be reached before the value is known, so all of the value is made secret with it.
        return pulumi.Output.from_input(value).apply(lambda known: _secret_where_it_holds_a_password(known, path))
    return value


def _secret_where_it_holds_a_password(known: Any, path: tuple[str, ...]) -> Any:
    found = known
    for name in (*path, _PASSWORD):
        found = found.get(name) if isinstance(found, Mapping) else None
    return known if found is None else pulumi.Output.secret(known)


def _refuse_large_integers(kind: str, resource_name: str, value: Any, path: str) -> None:
    """Raise AnchorBrowserError for an integer that the engine would change: only the program still has it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_large_integers(kind, resource_name, item, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            _refuse_large_integers(kind, resource_name, item, f"{path}.{number}")
    elif isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise AnchorBrowserError(
            f"{kind} {resource_name!r}: {path} must not be an integer beyond 2^53, which Pulumi's engine would change "
            f"(got {value}). Pass the number as text, then run again."
        )
