"""(c): the physical limit, which no program can go below."""

from __future__ import annotations

from collections.abc import Mapping

from bench.cells import CONCURRENCY

_LIST = "GET batch-sessions"


def of_calls(count: int, latency_ms: int) -> float:
    """N x latency / concurrency, in seconds."""
    return count * latency_ms / 1000 / CONCURRENCY


def of_cleanup(requests: Mapping[str, int], latency_ms: int) -> float:
    """Pages of the list come one after the other, since each is needed for the next; all else at once."""
    pages = requests.get(_LIST, 0)
    return pages * latency_ms / 1000 + of_calls(sum(requests.values()) - pages, latency_ms)
