"""A simulator with room for many."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_anchorbrowser.simulator import Settings, Simulator

KEY = "key-at-scale"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team"}, Settings()) as running:
        yield running
