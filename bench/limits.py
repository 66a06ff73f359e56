"""(c): the physical limit, which no program can go below."""

from __future__ import annotations

from collections.abc import Mapping

from bench.cells import CONCURRENCY


def of_calls(count: int, latency_ms: int) -> float:
    """N x latency / concurrency, in seconds."""
    return count * latency_ms / 1000 / CONCURRENCY


def of_cleanup(requests: Mapping[str, int], latency_ms: int) -> float:
    """All the calls that it makes, the look-ups that its selection needs among them."""
    return of_calls(sum(requests.values()), latency_ms)
