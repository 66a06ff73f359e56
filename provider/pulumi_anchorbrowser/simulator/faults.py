"""What goes wrong on the wire, and when: scripted per request, or by seeded chance."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from pulumi_anchorbrowser.simulator.log import LoggedRequest

FaultKind = Literal[
    "status",
    "latency",
    "reset_before",
    "reset_after",
    "reset_mid_body",
    "no_reply",
    "handle_later",
    "reset_then_handle",
    "garbled",
    "truncated",
    "html",
    "edited",
    "lagging",
    "complete_before",
    "callback",
]
Hook = Callable[[LoggedRequest], object]


@dataclass
class Fault:
    """One thing that goes wrong for the requests that match.

    Kinds:
        status: responds with `status` and `message`; the API does not see the request, unless `handled`
        latency: handles the request `seconds` later
        reset_before: resets the connection; the request is not handled
        reset_after: handles the request, then resets the connection in place of a response
        reset_mid_body: handles the request, then resets the connection after half of the response's body
        no_reply: handles the request (unless `handled` is False) and never responds
        handle_later: never responds; handles the request `seconds` after the client has closed the connection
        reset_then_handle: resets the connection at once; handles the request `seconds` later
        garbled: handles the request, responds with bytes that are no JSON
        truncated: handles the request, responds with the first half of the body as if it were complete
        html: handles the request (unless `handled` is False), responds with a web page and `status`
        edited: handles the request, responds with what `edit` makes of the body, and with `status` if that is set
        lagging: responds to a GET as it would have `seconds` ago: old statuses, 404 for a younger batch
        complete_before: completes the creation of the batch in the path, then handles the request
        callback: only calls `before` and `after`

    Fields:
        kind: what goes wrong; one of the kinds above
        method: HTTP method of the requests that match; None: any
        path: path of the requests that match, `*` stands for anything (`/v1/batch-sessions/*`); None: any
        nth: number of the first matching request to strike; 1 is the first
        times: how many requests to strike; None: all from the nth on
        when: function of the logged request that decides whether it matches; None: all do
        status: HTTP status of the response, for `status`, `html` and `edited`
        message: message of the response, for `status`
        retry_after: value of the response's Retry-After header, for `status`
        handled: whether the API handles the request, for `status`, `no_reply` and `html`
        seconds: seconds to wait or to lag, for `latency`, `handle_later`, `reset_then_handle` and `lagging`
        edit: function that changes the response's parsed body in place or returns another one, for `edited`
        before: function called before the request is handled; it may call the server, or kill a process
        after: function called when the request has been handled and the response is not yet sent
        seen: matching requests so far
        struck: requests struck so far
    """

    kind: FaultKind = "callback"
    method: str | None = None
    path: str | None = None
    nth: int = 1
    times: int | None = 1
    when: Callable[[LoggedRequest], bool] | None = None
    status: int | None = None
    message: str | None = None
    retry_after: float | str | None = None
    handled: bool | None = None
    seconds: float = 0.0
    edit: Callable[[Any], Any] | None = None
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
        """Count a matching request and return whether to strike it."""
        if not self.matches(request):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.struck < self.times)


@dataclass
class Chance:
    """Strikes matching requests at `rate` with one of `faults`, the same ones for the same seed."""

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
    """The faults of one server. A request meets one at most: the first scripted one that is due, else one by chance."""

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
        kinds: Sequence[FaultKind | int | Fault],
        *,
        method: str | None = None,
        path: str | None = None,
        limit: int | None = None,
    ) -> None:
        """Add faults by chance; a kind is a name, a status code, or a whole Fault. `limit`: strikes in all."""
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


def _as_fault(kind: FaultKind | int | Fault) -> Fault:
    if isinstance(kind, Fault):
        return kind
    return Fault("status", status=kind) if isinstance(kind, int) else Fault(kind)
