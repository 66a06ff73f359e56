"""A simulator, and a stack on the real engine that goes from machine to machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crashes.killed_runs import KillableStage
from crashes.secrets_sought import nothing_secret_in
from scenarios.one_stack import KEY
from stages import NO_ENGINE, engine_is_here, standing_api
from trail.machines import Wanderer
from trail.wanted import WantedStack

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API on a clock that stands still until it is moved; no session ends by itself."""
    with standing_api({KEY: "our-team"}) as running:
        yield running


@pytest.fixture
def stack(sim: Simulator, tmp_path: Path) -> Iterator[Wanderer]:
    """The stack; when the test is over, all machines and all that was printed are searched for secrets."""
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = KillableStage(tmp_path / "engine-stage")
    yield Wanderer(stage, sim, tmp_path / "receipts.sqlite3")
    stage.close()
    assert nothing_secret_in(tmp_path)


@pytest.fixture(params=[True, False], ids=["with_a_cleanup", "without_a_cleanup"])
def wanted(request: pytest.FixtureRequest, sim: Simulator, tmp_path: Path) -> Iterator[WantedStack]:
    """A stack of two batches, with a cleanup that they match and without."""
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = KillableStage(tmp_path / "engine-stage")
    yield WantedStack(stage, sim, tmp_path / "receipts.sqlite3", with_cleanup=request.param)
    stage.close()
    assert nothing_secret_in(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the engine."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.engine)
