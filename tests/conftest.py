"""What every test may use: one interface over two stages, and a word on what could not be run here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The helper packages stand beside the tests, and the provider host imports providers of the tests by the same path.
sys.path.insert(0, str(Path(__file__).parent))

from stages import NO_ENGINE, EngineStage, RehearsalStage, Stage, engine_is_here


@pytest.fixture
def rehearsal_stage(tmp_path: Path) -> Iterator[RehearsalStage]:
    """A throwaway project on the rehearsal: runs on any machine."""
    stage = RehearsalStage(tmp_path / "rehearsal-stage")
    yield stage
    stage.close()


@pytest.fixture
def engine_stage(tmp_path: Path) -> Iterator[EngineStage]:
    """A throwaway project on the real engine; skips the test where there is none."""
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = EngineStage(tmp_path / "engine-stage")
    yield stage
    stage.close()


@pytest.fixture(params=["rehearsal", pytest.param("engine", marks=pytest.mark.engine)])
def stage(request: pytest.FixtureRequest) -> Stage:
    """The same scenario on both stages."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses the engine, so that `-m "not engine"` leaves out all of it."""
    for item in items:
        if "engine_stage" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests no engine has judged, so that a green run does not claim more than it showed."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_ENGINE in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"engine tests skipped: {len(skipped)} ({NO_ENGINE})", yellow=True)
