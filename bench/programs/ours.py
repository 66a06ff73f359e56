"""So many batches, by this project's provider."""

from typing import cast

import pulumi

from pulumi_anchorbrowser import Batch, Status

config = pulumi.Config()
status = cast(Status, config.get("status") or "active")

for number in range(config.require_int("batches")):
    Batch(f"batch-{number}", count=config.require_int("sessions"), status=status)
