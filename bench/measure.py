"""The cost of one command, by the clock and by the simulator's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from bench.api import Api
from bench.process import Ran
from pulumi_anchorbrowser.simulator import LoggedRequest, most_at_once

BATCHES = "/v1/batch-sessions"
# The list by which a stop is confirmed.
STATUSES = "/v1/sessions/all/status"
Measured = dict[str, Any]


class NotDone(Exception):
    """A command has not done what it was to be measured at."""


def measured(api: Api, command: Callable[[], Ran]) -> tuple[Measured, list[LoggedRequest]]:
    """Run a command: seconds, requests by kind, bytes, memory; and the log of its requests."""
    api.take()
    began = api.now()
    ran = command()
    traffic = api.take()
    log = traffic.requests
    kinds = Counter(kind_of(request) for request in log)
    return {
        "seconds": ran.seconds,
        "span": span(log),
        "requests": dict(sorted(kinds.items())),
        "turned_away": sum(request.status == 429 for request in log),
        "at_once": most_at_once(log),
        "bytes": traffic.bytes,
        "api_cpu": traffic.cpu_seconds,
        "peak_bytes": ran.peak_bytes,
        "host_peak_bytes": ran.host_peak_bytes,
        "host_cpu": ran.host_cpu_seconds,
        "last_patch": last_end(log, "PATCH", began),
        "confirming": _confirming(log),
    }, log


def kind_of(request: LoggedRequest) -> str:
    """The operation of a request: its method, and its path with ids left out."""
    parts = request.path.removeprefix("/v1/").split("/")
    known = {"batch-sessions", "sessions", "all", "status", "retry", "billing"}
    return f"{request.method} " + "/".join(part if part in known else "{id}" for part in parts)


def span(log: Sequence[LoggedRequest]) -> float:
    """Seconds from the arrival of the first request to the end of the last."""
    ends = [request.finished_at for request in log if request.finished_at is not None]
    return max(ends) - min(request.started_at for request in log) if ends else 0.0


def last_end(log: Sequence[LoggedRequest], method: str, since: float) -> float | None:
    """Seconds from `since` to the end of the last request of this method; None where there was none."""
    ends = [request.finished_at for request in log if request.method == method and request.finished_at is not None]
    return max(ends) - since if ends else None


def _confirming(log: Sequence[LoggedRequest]) -> float:
    """Return the seconds for which stops were still confirmed after the last of them."""
    stops = [last_end(log, method, 0.0) for method in ("PATCH", "DELETE")]
    last_stop = max((end for end in stops if end is not None), default=None)
    ends = [one.finished_at for one in log if one.path == STATUSES and one.finished_at is not None]
    return max(0.0, max(ends) - last_stop) if ends and last_stop is not None else 0.0


def must_be_done(log: Sequence[LoggedRequest], kind: str, count: int) -> None:
    """Raise NotDone unless the API has taken exactly so many requests of this kind."""
    done = sum(kind_of(request) == kind and request.status == 200 for request in log)
    if done != count:
        raise NotDone(f"{kind}: {done} were done, {count} were meant")
