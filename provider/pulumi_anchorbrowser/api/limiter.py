"""How many calls are under way at once, for all threads of a process together; fewer after a 429, then more again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import Literal

from pulumi_anchorbrowser.logs import seconds_since

_LOGGER = logging.getLogger(__name__)
# Plans limit how many batches are started in a minute: that must not hold up the calls that stop browsers.
Lane = Literal["starting", "other"]
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 20.0


@dataclass
class _Flow:
    allowed: float
    under_way: int = 0
    returning: int = 0
    closed_until: float = 0.0
    pauses: int = 0


class Limiter:
    """Lets at most `most` calls be under way.

    A 429 halves what its lane allows and closes the lane for as long as the API asks, else for a pause that doubles;
    each success allows a little more (AIMD). A call that was turned away goes before those that have not been sent.
    A lane is never closed for longer than `patience` seconds, for which no call waits: each gets a 429 of its own.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._most = most
        self._patience = patience
        self._under_way = 0
        self._flows: dict[Lane, _Flow] = {"starting": _Flow(most), "other": _Flow(most)}
        self._turn = Condition()

    @contextmanager
    def slot(self, lane: Lane, *, returning: bool = False) -> Iterator[None]:
        """Wait for a turn, and hold it for one call."""
        flow = self._flows[lane]
        came_at, has_waited = time.monotonic(), False
        with self._turn:
            flow.returning += returning
            try:
                while (wait := self._seconds_to_wait(flow, returning)) != 0:
                    has_waited = True
                    self._turn.wait(wait)
            finally:
                flow.returning -= returning
                if returning:
                    # Those who let this one go first need not wait for it any more.
                    self._turn.notify_all()
            flow.under_way += 1
            self._under_way += 1
        if has_waited:
            _LOGGER.debug("wait", extra={"reason": "turn", "lane": lane, "seconds": seconds_since(came_at)})
        try:
            yield
        finally:
            with self._turn:
                flow.under_way -= 1
                self._under_way -= 1
                self._turn.notify_all()

    def succeeded(self, lane: Lane) -> None:
        """The API took a call."""
        flow = self._flows[lane]
        with self._turn:
            flow.pauses = 0
            flow.allowed = min(self._most, flow.allowed + 1 / flow.allowed)

    def turned_away(self, lane: Lane, retry_after: float | None, sent_at: float) -> float:
        """The API answered 429 to a call sent at `sent_at` (monotonic seconds); the seconds until it may be sent again.

        A `retry_after` of 0 is none: it would have the call sent again and again.
        """
        flow = self._flows[lane]
        now = time.monotonic()
        asked = retry_after or 0.0
        with self._turn:
            flow.allowed = max(1.0, flow.allowed / 2)
            if 0 < asked <= self._patience:
                flow.closed_until = max(flow.closed_until, now + asked)
            # Calls that were under way together are turned away together: that is one reason to pause, not many.
            elif not asked and sent_at >= flow.closed_until:
                flow.closed_until = now + _pause(flow.pauses)
                flow.pauses += 1
            closed, allowed = max(0.0, flow.closed_until - now), int(flow.allowed)
        _LOGGER.debug("limit", extra={"lane": lane, "allowed": allowed, "closed_for": round(closed, 4)})
        return max(asked, closed)

    def _seconds_to_wait(self, flow: _Flow, returning: bool) -> float | None:
        closed = flow.closed_until - time.monotonic()
        if closed > 0:
            return closed
        goes_first = returning or not flow.returning
        is_free = flow.under_way < int(flow.allowed) and self._under_way < self._most
        return 0 if is_free and goes_first else None


def _pause(so_far: int) -> float:
    longest: float = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**so_far)
    return longest * random.uniform(0.75, 1.25)
