"""Clocks for tests: one that skips every wait, and one whose sleeps last until a test ends them."""

from __future__ import annotations

import time
from threading import Condition, Event, Lock

from pulumi_anchorbrowser.clock import SystemClock


class JumpingClock(SystemClock):
    """Every wait with a known end is over at once: the clock jumps there. `slept` are the sleeps before retries."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self._jumped = 0.0
        self._jumping = Lock()

    def monotonic(self) -> float:
        return time.monotonic() + self._jumped

    def sleep(self, seconds: float) -> None:
        self.check()
        self.slept.append(seconds)
        self._jump(seconds)

    def wait(self, condition: Condition, seconds: float | None) -> None:
        if seconds is None:
            super().wait(condition, None)
        else:
            self.check()
            self._jump(seconds)

    def _jump(self, seconds: float) -> None:
        with self._jumping:
            self._jumped += seconds


class HeldClock(SystemClock):
    """A sleep lasts until `released` is set. `sleeping` counts those who have gone to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.released = Event()
        self.sleeping = 0
        self._counting = Lock()

    def sleep(self, seconds: float) -> None:  # noqa: ARG002
        with self._counting:
            self.sleeping += 1
        assert self.released.wait(30)
