"""What a user is told while something happens, and the time it happens in. Both are passed in."""

from __future__ import annotations

import time
from typing import Protocol


class Notices(Protocol):
    """Where a step says what it did."""

    def info(self, text: str) -> None:
        """A line that stays: what was done, with its counts."""

    def warning(self, text: str) -> None:
        """A line that stays and should be read."""

    def progress(self, text: str) -> None:
        """A passing status."""


class Clock(Protocol):
    """Time, in seconds."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Seconds since the machine's start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)
