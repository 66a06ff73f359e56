"""A yard with nothing in it yet, and a stack on each stage that may clean it up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stages import EngineStage, RehearsalStage, Stage, standing_api
from yard import KEY, CleanedStack, Yard


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """The API on a clock that stands still until it is moved."""
    with standing_api({KEY: "our-team"}) as running:
        made = Yard(running, tmp_path / "receipts.sqlite3")
        yield made
        made.client.close()


@pytest.fixture
def stack(every_stage: Stage, yard: Yard, tmp_path: Path) -> CleanedStack:
    """The same scenario on every stage."""
    return CleanedStack(every_stage, yard, tmp_path / "receipts.sqlite3")


@pytest.fixture
def rehearsal_stack(rehearsal_stage: RehearsalStage, yard: Yard, tmp_path: Path) -> CleanedStack:
    """A scenario that needs no engine."""
    return CleanedStack(rehearsal_stage, yard, tmp_path / "receipts.sqlite3")


@pytest.fixture
def engine_stack(engine_stage: EngineStage, yard: Yard, tmp_path: Path) -> CleanedStack:
    """A scenario that only the real engine can show."""
    return CleanedStack(engine_stage, yard, tmp_path / "receipts.sqlite3")
