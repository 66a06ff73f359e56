"""What an output is, as an editor tells it."""

from typing import Any

import pulumi
from typing_extensions import assert_type

from pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady, ReadySession, teardown_hook

batch = Batch("crawl", count=3)
assert_type(batch.batch_id, pulumi.Output[str])
assert_type(batch.count, pulumi.Output[int | None])
assert_type(batch.status, pulumi.Output[str])
assert_type(batch.cancelled_sessions, pulumi.Output[int | None])
assert_type(batch.deletion_errors, pulumi.Output[list[dict[str, str | None]] | None])
assert_type(batch.adopted, pulumi.Output[bool])

ready = BatchReady("crawl-ready", batch_id=batch.batch_id)
assert_type(ready.completed_requests, pulumi.Output[int | None])
assert_type(ready.timeout, pulumi.Output[str | float])
assert_type(ready.sessions, pulumi.Output[list[ReadySession] | None])


def urls(sessions: list[ReadySession] | None) -> list[str | None]:
    return [session["cdp_url"] for session in sessions or []]


assert_type(ready.sessions.apply(urls), pulumi.Output[list[str | None]])

cleanup = BatchCleanup("leftovers", select={"owner": "acme/site/dev"})
assert_type(cleanup.plan, pulumi.Output[list[dict[str, Any]] | None])
assert_type(cleanup.limit, pulumi.Output[int])
assert_type(cleanup.dry_run, pulumi.Output[bool])

assert_type(teardown_hook("stop", select={"owner": "acme/site/dev"}), pulumi.ResourceHook)
