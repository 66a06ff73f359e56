"""`Batch`: a batch of cloud browsers as a Pulumi resource."""

# Annotations are evaluated once: the SDK would evaluate those that are text anew for each batch.

from typing import Any

import pulumi

from pulumi_anchorbrowser.choices import IfCompleted, OnDestroy, OnMissing, Status
from pulumi_anchorbrowser.dynamic.arguments import SessionConfigurationArgs
from pulumi_anchorbrowser.dynamic.batch_provider import BatchProvider
from pulumi_anchorbrowser.dynamic.declared_here import note_in_program
from pulumi_anchorbrowser.dynamic.inputs import owner, with_secret_password
from pulumi_anchorbrowser.dynamic.resource import AnchorBrowserResource

_OUTPUTS = (
    "live_status",
    "total_requests",
    "completed_requests",
    "failed_requests",
    "created_at",
    "completed_at",
    "cancelled_sessions",
    "ended_sessions",
    "deleted_sessions",
    "failed_deletions",
    "deletion_errors",
    "message",
    "adopted",
    "account",
    "claim",
)


class Batch(AnchorBrowserResource, module="anchorbrowser", name="Batch"):
    """A batch of browsers that stops when Pulumi says so.

    Setting `status` to `cancelled` sends the PATCH, deleting the resource (or setting `status` to `deleted`) sends
    the DELETE, and the counts that the API answers with are outputs. A count is None until the API has said it.
    """

    count: pulumi.Output[int | None]
    """How many browsers were asked for; None for an adopted batch."""
    batch_id: pulumi.Output[str]
    """The API's id of the batch."""
    configuration: pulumi.Output[dict[str, Any] | None]
    """What the sessions were configured with, as it was given."""
    metadata: pulumi.Output[dict[str, Any] | None]
    """The metadata sent along; the API does not return it."""
    status: pulumi.Output[str]
    """The desired status: `active`, `cancelled` or `deleted`."""
    on_destroy: pulumi.Output[str]
    """What destroying the resource does."""
    if_completed: pulumi.Output[str]
    """What a cancel does that the API refuses because creation had finished."""
    on_missing: pulumi.Output[str]
    """What a refresh does when the API no longer knows the batch."""
    owner: pulumi.Output[str]
    """`organization/project/stack`; every session of the batch carries it in a tag."""
    claim: pulumi.Output[str]
    """The random id of this create; every session of the batch carries it in a tag."""
    account: pulumi.Output[str]
    """The base URL and a salted fingerprint of the key that made the batch."""
    adopted: pulumi.Output[bool]
    """Whether the batch was there before the resource."""
    live_status: pulumi.Output[str]
    """The API's word (`pending`, `processing`, `completed`, `failed`, `cancelled`), or `deleted`.

    `completed` says that every session was created: its browsers still run, and are billed.
    """
    total_requests: pulumi.Output[int | None]
    """Sessions requested."""
    completed_requests: pulumi.Output[int | None]
    """Sessions created."""
    failed_requests: pulumi.Output[int | None]
    """Sessions that could not be created."""
    created_at: pulumi.Output[str | None]
    """When the batch was made, by the API's clock (ISO 8601)."""
    completed_at: pulumi.Output[str | None]
    """When creation ended, by the API's clock (ISO 8601)."""
    cancelled_sessions: pulumi.Output[int | None]
    """Running sessions that the PATCH terminated, in the API's own count."""
    ended_sessions: pulumi.Output[int | None]
    """Sessions ended one by one."""
    deleted_sessions: pulumi.Output[int | None]
    """Sessions that the DELETE deleted, in the API's own count."""
    failed_deletions: pulumi.Output[int | None]
    """Sessions that the DELETE could not delete."""
    deletion_errors: pulumi.Output[list[dict[str, str | None]] | None]
    """Which those were, and why."""
    message: pulumi.Output[str | None]
    """The API's summary of the last cancel or delete."""

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
            batch_id: Or the id of a batch to adopt.
            configuration: What every session is configured with, under the API's own names.
            metadata: Sent along with the create; a plain dictionary.
            status: `active`; `cancelled` stops the browsers and keeps the data; `deleted` removes the data as well.
            on_destroy: What destroying does: `delete`; `cancel` or `end_sessions` (one by one) keep the data.
            if_completed: What a cancel does that the API refuses because every browser has been created:
                `end_sessions` (one by one; the data stays), `delete`, `accept` (they run on) or `fail`.
            on_missing: What a refresh does if the API no longer knows the batch: `keep` it, as deleted, or `recreate`.
            opts: Pulumi's own options.
        """
        properties: dict[str, Any] = {
            "count": count,
            "batch_id": batch_id,
            "configuration": with_secret_password(configuration),
            "metadata": metadata,
            "status": status,
            "on_destroy": on_destroy,
            "if_completed": if_completed,
            "on_missing": on_missing,
            "owner": owner(),
            **dict.fromkeys(_OUTPUTS),
        }
        super().__init__(BatchProvider(), resource_name, properties, opts)
        note_in_program(self, properties["resource_urn"])
