"""Stages: a simulator and keepers before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from lifecycle.one_batch import KEY, OTHER_KEY, Stage

from pulumi_anchorbrowser.simulator import Settings, Simulator


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Simulator({KEY: "team-a", OTHER_KEY: "team-b"}, Settings(creation_seconds=100)) as sim, ExitStack() as opened:
        yield Stage(sim, opened)
