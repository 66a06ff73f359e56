"""`make demo`: what a newcomer sees, and that the demo fails where a claim is not true."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from examples_support import ROOT, only_batch
from stages import NO_ENGINE, engine_is_here

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings


def demo_prints(*arguments: str) -> str:
    """Run a demo that ends well and return everything it printed."""
    command = [sys.executable, str(ROOT / "examples" / "demo"), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def judge(printed: str) -> None:
    """Assert that each step has its row, its call and its counts, and that nothing is left running."""
    table = printed.partition("What happened")[2]
    assert re.search(r"create and wait +POST /v1/batch-sessions +60 requested, \d+ ready by now", table)
    cancelled = re.search(r"cancel +PATCH /v1/batch-sessions/\{id\} +cancelled_sessions = (\d+) +0 running", table)
    deleted = re.search(r"delete +DELETE /v1/batch-sessions/\{id\} +deleted_sessions = (\d+) +0 running", table)
    assert cancelled is not None
    assert deleted is not None
    assert 3 <= int(cancelled[1]) == int(deleted[1]) < 60
    assert re.search(r"destroy +none +nothing was left to stop +0 running", table)
    assert "Live browsers left in the simulator: 0" in table


def test_the_demo_runs_as_a_rehearsal() -> None:
    printed = demo_prints("--rehearsal")
    judge(printed)
    assert "Run by: rehearsal on the real provider host, no engine" in printed


@pytest.mark.engine_decides
@pytest.mark.engine
@pytest.mark.skipif(not engine_is_here(), reason=NO_ENGINE)
def test_the_demo_runs_on_the_engine() -> None:
    printed = demo_prints()
    judge(printed)
    assert re.search(r"Run by: Pulumi CLI v\d+\.\d+", printed)
    assert "$ pulumi destroy" in printed


class BoastfulRunner:
    """Cancels nothing and reports a cancel."""

    name = "boastful"

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def up(self, status: str) -> dict[str, Any]:
        if status == "active":
            state = self._simulator._state  # noqa: SLF001  # as an API call would
            batch = state.create("simulated-team", 60, _configuration())
            return {"batch_id": batch.id, "total_requests": 60}
        return {"cancelled_sessions": 60}


def _configuration() -> Any:
    from pulumi_anchorbrowser.simulator.configuration import SentConfiguration

    return SentConfiguration.model_validate({})


def test_the_demo_fails_where_pulumi_reports_what_is_not_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(ROOT, "examples", "demo")))
    steps = importlib.import_module("steps")
    with Simulator(settings=SimulatorSettings()) as simulator:
        rows = steps.run_steps(BoastfulRunner(simulator), simulator)
        assert next(rows).counts == "60 requested, 60 ready by now"
        with pytest.raises(steps.Untrue, match=r"PATCH bodies: Pulumi says \[\], the simulator"):
            next(rows)
        assert len(only_batch(simulator).running()) == 60


def test_browsers_become_ready_however_late_the_batch_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(ROOT, "examples", "demo")))
    clock = importlib.import_module("clock")
    now = [1_800_000_000.0]
    time = clock.Clock(lambda: now[0])
    with Simulator(settings=SimulatorSettings(creation_seconds=clock.CREATION_SECONDS), clock=time) as simulator:
        time.simulator = simulator
        now[0] += 600
        assert time() == now[0]
        state = simulator._state  # noqa: SLF001  # as an API call would
        state.create("simulated-team", 60, _configuration())
        time()
        now[0] += 20
        assert 3 <= len(only_batch(simulator).running()) < 60
        now[0] += 600
        assert 3 <= len(only_batch(simulator).running()) < 60
