"""The simulator's time: the real one, or one that a test moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone


class SimulatorClock:
    """Seconds since the epoch by `source`, `offset` seconds ahead; `advance` moves it forward for tests."""

    def __init__(self, source: Callable[[], float] = time.time, offset: Callable[[], float] = lambda: 0.0) -> None:
        self._source = source
        self._offset = offset
        self._ahead = 0.0

    def now(self) -> float:
        return self._source() + self._ahead + self._offset()

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def behind(self, seconds: float) -> SimulatorClock:
        """Return a clock that stays `seconds` behind this one."""
        return SimulatorClock(self.now, lambda: -seconds)


def timestamp(moment: float) -> str:
    """Render `moment` as the API does: UTC, milliseconds, a Z."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
