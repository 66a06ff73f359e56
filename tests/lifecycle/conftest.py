"""Stages: a simulator, batches of it, and runs that keep receipts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lifecycle.one_batch import KEY, OTHER_KEY, Stage
from lifecycle.recorded_runs import Runs

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings


@pytest.fixture
def stage() -> Iterator[Stage]:
    with (
        Simulator({KEY: "team-a", OTHER_KEY: "team-b"}, SimulatorSettings(creation_seconds=100)) as sim,
        ExitStack() as opened,
    ):
        yield Stage(sim, opened)


@pytest.fixture
def runs(stage: Stage, tmp_path: Path) -> Iterator[Runs]:
    with ExitStack() as opened:
        yield Runs(stage.sim, tmp_path / "receipts.sqlite3", opened)
