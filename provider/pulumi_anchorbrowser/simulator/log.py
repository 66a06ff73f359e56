"""The log of requests, for tests to look at; never a key."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass
class LoggedRequest:
    """One request as it arrived, and what became of it; filled in while it is in flight."""

    method: str
    path: str  # without its query
    query: dict[str, str]
    body: Any  # parsed JSON; None where there was none, or it was not JSON
    team: str | None
    user_agent: str
    started_at: float
    number: int = 0  # 1 for the first request of this server
    status: int | None = None  # None: no reply was sent
    handled: bool = False  # whether the API itself has handled it
    fault: str | None = None
    finished_at: float | None = None


def most_at_once(log: Iterable[LoggedRequest]) -> int:
    """Return how many of these requests were in flight at the same moment, at the most."""
    moments = [(end, change) for one in log for end, change in ((one.started_at, 1), (one.finished_at, -1))]
    most = now = 0
    for _, change in sorted((end, change) for end, change in moments if end is not None):
        now += change
        most = max(most, now)
    return most


def parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
