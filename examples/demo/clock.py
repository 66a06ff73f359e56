"""The simulator's time in the demo."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from pulumi_anchorbrowser.simulator import Simulator

CREATION_SECONDS = 60.0


class Clock:
    """The simulator's time, which stands still before the last browser of the first batch is ready.

    However slow this machine is, the batch is still being started when it is cancelled.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.simulator: Simulator | None = None
        self._stops_at = math.inf

    def __call__(self) -> float:
        now = self._now()
        if self._stops_at == math.inf and self.simulator is not None and self.simulator.batches:
            self._stops_at = now + CREATION_SECONDS / 2
        return min(now, self._stops_at)
