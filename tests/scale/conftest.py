"""A simulator, and what is measured of it: how many requests, and how many at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_anchorbrowser.simulator import LoggedRequest, Settings, Simulator

KEY = "key-at-scale"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team"}, Settings()) as running:
        yield running


def most_at_once(requests: list[LoggedRequest]) -> int:
    """How many of these requests were under way at the same moment, at the most."""
    moments = [(request.started_at, 1) for request in requests]
    moments += [(request.finished_at, -1) for request in requests if request.finished_at is not None]
    most = now = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


@pytest.fixture(name="most_at_once")
def _most_at_once() -> object:
    return most_at_once
