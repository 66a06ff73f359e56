"""A simulator, and a stack on each stage that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenarios.one_stack import KEY, OTHER_KEY, OneStack
from stages import EngineStage, Stage, standing_api

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API for two teams, on a clock that stands still until it is moved: no test depends on how long it takes."""
    with standing_api({KEY: "our-team", OTHER_KEY: "another-team"}) as running:
        yield running


@pytest.fixture
def stack(every_stage: Stage, sim: Simulator, tmp_path: Path) -> OneStack:
    """The same scenario on every stage."""
    return OneStack(every_stage, sim, tmp_path / "receipts.sqlite3")


@pytest.fixture
def engine_stack(engine_stage: EngineStage, sim: Simulator, tmp_path: Path) -> OneStack:
    """A scenario that only the real engine can show."""
    return OneStack(engine_stage, sim, tmp_path / "receipts.sqlite3")
