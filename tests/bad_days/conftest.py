"""A simulator, and a stack on each stage that is watched for secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_days.watched_stack import WatchedStack
from crashes.killed_runs import KillableStage
from crashes.secrets_sought import nothing_secret_in
from scenarios.one_stack import KEY, OTHER_KEY
from stages import NO_ENGINE, Stage, engine_is_here, standing_api

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API for two teams, on a clock that stands still until it is moved; no session ends by itself."""
    with standing_api({KEY: "our-team", OTHER_KEY: "another-team"}) as running:
        yield running


@pytest.fixture
def stack(every_stage: Stage, sim: Simulator, tmp_path: Path) -> Iterator[WatchedStack]:
    """The same bad day on every stage; when it is over, all that was kept and printed is searched for secrets."""
    watched = WatchedStack(every_stage, sim, tmp_path / "receipts.sqlite3")
    yield watched
    watched.told_no_secret()
    nothing_secret_in(tmp_path)


@pytest.fixture
def engine_stack(sim: Simulator, tmp_path: Path) -> Iterator[WatchedStack]:
    """A bad day that only the real engine can show."""
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = KillableStage(tmp_path / "engine-stage")
    watched = WatchedStack(stage, sim, tmp_path / "receipts.sqlite3")
    yield watched
    stage.close()
    watched.told_no_secret()
    nothing_secret_in(tmp_path)
