"""Time, which tests can move and a user can interrupt. All waits of a process go through one clock."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from threading import Condition, Thread
from typing import Protocol
from weakref import WeakSet

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class Interrupted(Exception):
    """The wait was interrupted: by Ctrl-C in a command, or by the engine's Cancel."""


class TimeIsUp(Interrupted):
    """The time that `limited_to` allows is over."""


@contextmanager
def limited_to(seconds: float) -> Iterator[None]:
    """Let every wait of a SystemClock in the block end with TimeIsUp after so many seconds in all; 0 for no limit.

    A request in flight then times out. It holds in this thread, and in others that `logs.keeping_about` hands work to.
    """
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds) if seconds > 0 else _deadline.get())
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_allowed() -> float:
    """Return how many seconds of `limited_to` are left here; infinity where there is no limit."""
    return max(0.0, _deadline.get() - time.monotonic())


class Clock(Protocol):
    """Time in seconds. Every wait of the product is one of the two methods that block."""

    def monotonic(self) -> float:
        """Return the seconds since some moment."""

    def now(self) -> datetime:
        """Return the machine's time, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds. Raises Interrupted, at once, when the clock is interrupted."""

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait on a condition that the caller holds. Raises Interrupted, at once, when the clock is interrupted."""

    def check(self) -> None:
        """Raise Interrupted where the clock was interrupted: called before a request is sent."""


class SystemClock:
    """The machine's own clock."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waited_on: WeakSet[Condition] = WeakSet()
        self._is_interrupted = False

    def monotonic(self) -> float:
        """Return the seconds since the machine's start."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the machine's time, in UTC."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        until = min(time.monotonic() + seconds, _deadline.get())
        with self._changed:
            while not self._is_interrupted and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
        self.check()

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait on a condition that this thread holds."""
        # Registered before the check, so that an interrupt between the two still wakes this thread.
        with self._changed:
            self._waited_on.add(condition)
        self.check()
        left = min(seconds_allowed(), math.inf if seconds is None else seconds)
        condition.wait(None if left == math.inf else left)
        self.check()

    def check(self) -> None:
        """Raise Interrupted where the clock was interrupted, TimeIsUp where no time is left."""
        if self._is_interrupted:
            raise Interrupted
        if time.monotonic() >= _deadline.get():
            raise TimeIsUp

    def interrupt(self) -> None:
        """End every wait, and every later one, with Interrupted. Requests in flight are left to finish."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()
            waited_on = list(self._waited_on)
        for condition in waited_on:
            with condition:
                condition.notify_all()

    def interrupt_from_signal(self) -> None:
        """Interrupt from a signal handler, which must not wait for a lock that the thread below it may hold."""
        Thread(target=self.interrupt, name="interrupt", daemon=True).start()
