"""So many batches, each of which is waited for."""

import pulumi

from pulumi_anchorbrowser import Batch, BatchReady

config = pulumi.Config()

for number in range(config.require_int("batches")):
    batch = Batch(f"batch-{number}", count=config.require_int("sessions"))
    BatchReady(f"ready-{number}", batch_id=batch.batch_id)
