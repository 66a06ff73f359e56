"""`BatchReady`: waits until the browsers of a batch are ready."""

from __future__ import annotations

from typing import Any

import pulumi

from pulumi_anchorbrowser.dynamic.batch_ready_provider import BatchReadyProvider
from pulumi_anchorbrowser.dynamic.resource import AnchorBrowserResource

_OUTPUTS = (
    "live_status",
    "total_requests",
    "completed_requests",
    "failed_requests",
    "retried_sessions",
    "sessions",
)


class BatchReady(AnchorBrowserResource, module="anchorbrowser", name="BatchReady"):
    """A wait for a batch, as a resource of its own: if it fails, the batch itself is safe in the state.

    The next `pulumi up` goes on waiting. Destroying it does nothing.
    """

    batch_id: pulumi.Output[str]
    """The batch waited for."""
    min_ready: pulumi.Output[int | None]
    """How many ready browsers were enough; None for all of them."""
    timeout: pulumi.Output[str | float]
    """How long to wait."""
    retry_failed: pulumi.Output[int]
    """How often a failed session is retried at most."""
    record_sessions: pulumi.Output[bool]
    """Whether `sessions` is recorded."""
    live_status: pulumi.Output[str]
    """The API's word for the batch when the wait ended."""
    total_requests: pulumi.Output[int | None]
    """Sessions requested."""
    completed_requests: pulumi.Output[int | None]
    """Sessions ready when the wait ended."""
    failed_requests: pulumi.Output[int | None]
    """Sessions that could not be created."""
    retried_sessions: pulumi.Output[int | None]
    """Failed sessions that were retried; None where no retry was needed."""
    sessions: pulumi.Output[list[dict[str, Any]] | None]
    """With `record_sessions`: each session's `item_index`, `session_id`, `status`, `cdp_url`, `live_view_url` and
    `error`. Secret, since the URLs open a browser to whoever holds them."""

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
            min_ready: How many ready browsers are enough; all of them if not given.
            timeout: How long to wait at most: a duration such as "10m", or a number of seconds.
            retry_failed: How often a session that could not be created is retried at most, 0 to 3.
            record_sessions: Whether to record the sessions, with the URLs that open them, as the secret `sessions`.
            opts: Pulumi's own options.
        """
        properties: dict[str, Any] = {
            "batch_id": batch_id,
            "min_ready": min_ready,
            "timeout": timeout,
            "retry_failed": retry_failed,
            "record_sessions": record_sessions,
            **dict.fromkeys(_OUTPUTS),
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["sessions"])
        super().__init__(BatchReadyProvider(), resource_name, properties, pulumi.ResourceOptions.merge(opts, secret))
