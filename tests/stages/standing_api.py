"""The API on a clock of the test's own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings


@contextmanager
def standing_api(teams: Mapping[str, str], ago: float = 0.0) -> Iterator[Simulator]:
    """The API for these teams, by their keys. Its clock stands still until it is moved; no session ends by itself.

    `ago`: how many seconds before now it stands, so that what is made in it is that old.
    """
    started = time.time() - ago
    with Simulator(dict(teams), SimulatorSettings(minute_seconds=1e6), clock=lambda: started) as running:
        yield running
