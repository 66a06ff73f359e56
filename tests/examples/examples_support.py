"""What the tests of the examples share."""

from __future__ import annotations

from pathlib import Path

from pulumi_anchorbrowser.simulator import SimulatedBatch, Simulator

ROOT = Path(__file__).resolve().parents[2]
API_KEY = "simulated-key"
# A batch takes an hour, of which some minutes have passed at once: some browsers run, and it stays unfinished.
AN_HOUR = 3600.0
SOME_MINUTES = 1200.0
COUNT = 20


def only_batch(simulator: Simulator) -> SimulatedBatch:
    """The one batch that was ever made."""
    (batch,) = simulator.batches.values()
    return batch
