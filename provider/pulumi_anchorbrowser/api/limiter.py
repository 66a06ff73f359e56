"""How many calls are under way at once, for all threads of a process together; fewer after a 429, then more again."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import Literal

from pulumi_anchorbrowser.clock import Clock

_LOGGER = logging.getLogger(__name__)
# Plans limit how many batches are started in a minute: that must not hold up the calls that stop browsers.
Lane = Literal["starting", "other"]
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 20.0


def pause(so_far: int) -> float:
    """Return the seconds to wait after so many earlier waits: they double, with jitter."""
    longest: float = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(so_far, 10))
    return longest * random.uniform(0.75, 1.25)


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
    each success allows a little more (AIMD). A call that is repeated goes before those that have not been sent.
    A lane is never closed for longer than `patience` seconds, for which no call waits: each gets a 429 of its own.
    """

    def __init__(self, most: int, patience: float, clock: Clock) -> None:
        self._most = most
        self._patience = patience
        self._clock = clock
        self._under_way = 0
        # On no clock is a lane closed when the first call comes.
        self._flows: dict[Lane, _Flow] = {
            lane: _Flow(most, closed_until=clock.monotonic()) for lane in ("starting", "other")
        }
        self._turn = Condition()

    @contextmanager
    def slot(self, lane: Lane, *, returning: bool = False, until: float | None = None) -> Iterator[bool]:
        """Wait for a turn and hold it for one try. Yield False, without a turn, where none comes before `until`."""
        flow = self._flows[lane]
        began = self._clock.monotonic()
        with self._turn:
            has_turn, has_waited = self._wait(flow, returning, until)
            flow.under_way += has_turn
            self._under_way += has_turn
        if has_waited:
            waited = round(self._clock.monotonic() - began, 4)
            _LOGGER.debug("wait", extra={"reason": "turn", "lane": lane, "seconds": waited})
        try:
            yield has_turn
        finally:
            with self._turn:
                flow.under_way -= has_turn
                self._under_way -= has_turn
                self._turn.notify_all()

    def _wait(self, flow: _Flow, returning: bool, until: float | None) -> tuple[bool, bool]:
        has_waited = False
        flow.returning += returning
        try:
            while (left := self._seconds_left(until)) > 0:
                seconds = self._seconds_to_wait(flow, returning)
                if seconds <= 0:
                    return True, has_waited
                has_waited = True
                shorter = min(seconds, left)
                self._clock.wait(self._turn, shorter if shorter < math.inf else None)
            return False, has_waited
        finally:
            flow.returning -= returning
            if returning:
                # Those who let this one go first need not wait for it any more.
                self._turn.notify_all()

    def succeeded(self, lane: Lane) -> None:
        """Allow a little more in the lane: the API took a call."""
        flow = self._flows[lane]
        with self._turn:
            flow.pauses = 0
            flow.allowed = min(self._most, flow.allowed + 1 / flow.allowed)

    def turned_away(self, lane: Lane, retry_after: float | None, sent_at: float) -> float:
        """Close the lane: the API answered 429 to a call sent at `sent_at`. Return the seconds until its next try.

        A `retry_after` of 0 is none: it would have the call sent again and again.
        """
        flow = self._flows[lane]
        now = self._clock.monotonic()
        asked = retry_after or 0.0
        with self._turn:
            flow.allowed = max(1.0, flow.allowed / 2)
            if 0 < asked <= self._patience:
                flow.closed_until = max(flow.closed_until, now + asked)
            # Calls that were under way together are turned away together: that is one reason to pause, not many.
            elif not asked and sent_at >= flow.closed_until:
                flow.closed_until = now + pause(flow.pauses)
                flow.pauses += 1
            closed, allowed = max(0.0, flow.closed_until - now), int(flow.allowed)
        _LOGGER.debug("limit", extra={"lane": lane, "allowed": allowed, "closed_for": round(closed, 4)})
        return max(asked, closed)

    def _seconds_left(self, until: float | None) -> float:
        return math.inf if until is None else until - self._clock.monotonic()

    def _seconds_to_wait(self, flow: _Flow, returning: bool) -> float:
        closed = flow.closed_until - self._clock.monotonic()
        if closed > 0:
            return closed
        goes_first = returning or not flow.returning
        is_free = flow.under_way < int(flow.allowed) and self._under_way < self._most
        return 0.0 if is_free and goes_first else math.inf
