"""A simulator, a stack on each stage whose runs write a debug log, and that log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from observability.debug_log import DebugLog
from scenarios.one_stack import KEY, OTHER_KEY, OneStack
from stages import Stage, standing_api

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API on a clock that stands still until it is moved; no session ends by itself."""
    with standing_api({KEY: "our-team", OTHER_KEY: "another-team"}) as running:
        yield running


@pytest.fixture
def log(tmp_path: Path) -> DebugLog:
    return DebugLog(tmp_path / "debug.jsonl")


@pytest.fixture
def stack(every_stage: Stage, sim: Simulator, tmp_path: Path, log: DebugLog) -> OneStack:
    """The same scenario on every stage, with the log turned on."""
    made = OneStack(every_stage, sim, tmp_path / "receipts.sqlite3")
    every_stage.env["ANCHORBROWSER_LOG"] = str(log.place)
    return made
