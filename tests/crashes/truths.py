"""What the simulator did to a batch, by its own records: the counts that outputs must not differ from."""

from __future__ import annotations

from collections import Counter

from pulumi_anchorbrowser.simulator import SimulatedBatch


def truths(batch: SimulatedBatch) -> dict[str, int]:
    """Return each count, by its name in the outputs. A session that a DELETE stopped was not ended one by one."""
    stops = Counter(batch.stopped_by.values())
    return {
        "cancelled_sessions": stops["cancel"],
        "ended_sessions": stops["end"],
        "deleted_sessions": len(batch.removed),
    }
