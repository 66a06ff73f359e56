"""The simulator's time: the real one, or one that a test moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone


class Clock:
    """Tells seconds since the epoch; `advance` moves it forward for tests that cannot wait."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead = 0.0

    def now(self) -> float:
        return self._source() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


def timestamp(moment: float) -> str:
    """Renders `moment` as the API does: UTC, milliseconds, a Z."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
