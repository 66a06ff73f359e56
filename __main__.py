"""The quickstart: a batch of browsers, ready to work, that stops when Pulumi says so.

`pulumi up` starts them and waits; `pulumi config set status cancelled` and `pulumi up` cancels them;
`pulumi destroy` deletes them. The counts are stack outputs.
"""

from typing import cast

import pulumi

from pulumi_anchorbrowser import Batch, BatchReady, SessionArgs, SessionConfigurationArgs, Status, TimeoutArgs

config = pulumi.Config()
status = cast(Status, config.require("status"))

batch = Batch(
    "browsers",
    count=config.require_int("count"),
    status=status,
    configuration=SessionConfigurationArgs(
        session=SessionArgs(tags=["quickstart"], timeout=TimeoutArgs(max_duration=20)),
    ),
)

if status == "active":
    BatchReady("browsers-ready", batch_id=batch.batch_id, min_ready=config.require_int("minReady"), timeout="10m")

for output in (
    "batch_id",
    "live_status",
    "total_requests",
    "cancelled_sessions",
    "ended_sessions",
    "deleted_sessions",
    "failed_deletions",
):
    pulumi.export(output, getattr(batch, output))
