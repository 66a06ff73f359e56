"""Adopt a batch that something else started, and cancel it, in one `pulumi up`.

Its browsers stop and their data stays. `on_destroy="cancel"` keeps the data after `pulumi destroy` as well; the
default, `delete`, would remove it.
"""

import pulumi

from pulumi_anchorbrowser import Batch

batch = Batch(
    "adopted",
    batch_id=pulumi.Config().require("batchId"),
    status="cancelled",
    on_destroy="cancel",
)

for output in ("batch_id", "live_status", "total_requests", "cancelled_sessions", "ended_sessions", "still_running"):
    pulumi.export(output, getattr(batch, output))
