"""A simulator, and runs before it that keep their receipts in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lifecycle.kept import KEY
from receipts.runs_support import Runs

from pulumi_anchorbrowser.simulator import Settings, Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team"}, Settings(creation_seconds=100)) as running:
        yield running


@pytest.fixture
def runs(sim: Simulator, tmp_path: Path) -> Iterator[Runs]:
    with ExitStack() as opened:
        yield Runs(sim, tmp_path / "receipts.sqlite3", opened)
