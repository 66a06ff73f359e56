"""So many batches, by the native plugin."""

from typing import cast

import pulumi

from pulumi_anchorbrowser import Status
from pulumi_anchorbrowser.native import Batch

config = pulumi.Config()
status = cast(Status, config.get("status") or "active")

for number in range(config.require_int("batches")):
    Batch(f"batch-{number}", count=config.require_int("sessions"), status=status)
