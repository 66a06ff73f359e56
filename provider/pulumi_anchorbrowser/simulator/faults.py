"""What goes wrong on the wire, and when: scripted per request, or by seeded chance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from pulumi_anchorbrowser.simulator.log import LoggedRequest

Kind = Literal[
    "status",  # answers `status`; the API never sees the request, unless handled=True
    "latency",  # `seconds` later, all is well
    "reset_before",  # the connection is reset, the request is not handled
    "reset_after",  # handled, then the connection is reset instead of an answer
    "reset_mid_body",  # handled, then reset after half the body of the answer
    "no_reply",  # handled (unless handled=False), and never answered
    "handle_later",  # never answered; handled `seconds` after the client has given up
    "reset_then_handle",  # reset at once; handled `seconds` later
    "garbled",  # handled, answered with bytes that are no JSON
    "truncated",  # handled, answered with the first half of the body as if it were all
    "html",  # handled (unless handled=False), answered with a web page under `status`
    "complete_before",  # the batch in the path completes just before the request is handled
    "callback",  # nothing but `before` and `after`
]
Hook = Callable[[LoggedRequest], object]


@dataclass
class Fault:
    """One thing that goes wrong for the requests it matches.

    It strikes the `nth` matching request (1 is the first) and those after it, `times` in all (None: always).
    `path` is the whole path, or holds wildcards (`/v1/batch-sessions/*`; a `*` takes slashes too).
    `before` runs before the request is handled, `after` once it is handled and not yet answered; both off the
    server's loop, so that they may call the server, kill a process, or move the state.
    """

    kind: Kind = "callback"
    method: str | None = None
    path: str | None = None
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    retry_after: float | str | None = None
    handled: bool | None = None
    seconds: float = 0.0
    when: Callable[[LoggedRequest], bool] | None = None
    before: Hook | None = None
    after: Hook | None = None
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        return str(self.status) if self.kind == "status" else self.kind

    def matches(self, request: LoggedRequest) -> bool:
        if self.method is not None and self.method != request.method:
            return False
        if self.path is not None and not fnmatchcase(request.path, self.path):
            return False
        return self.when is None or self.when(request)

    def due(self, request: LoggedRequest) -> bool:
        """Counts a matching request and tells whether it is one to strike."""
        if not self.matches(request):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.struck < self.times)


@dataclass
class Chance:
    """Strikes matching requests at `rate`, with one of `faults`, the same ones for the same seed."""

    rate: float
    faults: tuple[Fault, ...]
    dice: random.Random
    method: str | None = None
    path: str | None = None
    left: int | None = None

    def draw(self, request: LoggedRequest) -> Fault | None:
        if not Fault(method=self.method, path=self.path).matches(request) or self.left == 0:
            return None
        hit, fault = self.dice.random() < self.rate, self.dice.choice(self.faults)
        if not hit or not fault.matches(request):
            return None
        if self.left is not None:
            self.left -= 1
        return fault


class Faults:
    """The faults of one server. A request meets one at most: the first scripted one that is due, else chance's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripted: list[Fault] = []
        self._chances: list[Chance] = []

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._scripted.extend(faults)

    def chance(
        self,
        rate: float,
        seed: int,
        kinds: Sequence[Kind | int | Fault],
        *,
        method: str | None = None,
        path: str | None = None,
        limit: int | None = None,
    ) -> None:
        """Adds faults by chance; a kind is a name, a status code, or a whole Fault. `limit`: strikes in all."""
        faults = tuple(_as_fault(kind) for kind in kinds)
        with self._lock:
            self._chances.append(Chance(rate, faults, random.Random(seed), method, path, limit))

    def clear(self) -> None:
        with self._lock:
            self._scripted.clear()
            self._chances.clear()

    def pick(self, request: LoggedRequest) -> Fault | None:
        with self._lock:
            due = [fault for fault in self._scripted if fault.due(request)]
            drawn = [fault for fault in (chance.draw(request) for chance in self._chances) if fault]
            chosen = (due + drawn)[0] if due or drawn else None
            if chosen is not None:
                chosen.struck += 1
            return chosen


def _as_fault(kind: Kind | int | Fault) -> Fault:
    if isinstance(kind, Fault):
        return kind
    return Fault("status", status=kind) if isinstance(kind, int) else Fault(kind)
