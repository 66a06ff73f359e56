"""examples/automation-api: up, cancel and destroy from a Python script, on the real engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from elsewhere import changes
from examples_support import API_KEY, COUNT, ROOT, SOME_MINUTES, only_batch
from stages import NO_ENGINE, engine_is_here
from stages.cli import clean_environment

from pulumi_anchorbrowser.simulator import Fault, Simulator

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not engine_is_here(), reason=NO_ENGINE)]


SCRIPT = str(ROOT / "examples" / "automation-api")
SECONDS = 170


class Script:
    """The script on a backend of its own, against the simulator."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        (folder / "backend").mkdir()
        self.folder = folder
        self.env = clean_environment(folder / "home", folder / "backend") | {
            "ANCHORBROWSER_API_KEY": API_KEY,
            "ANCHORBROWSER_BASE_URL": simulator.url,
            "ANCHORBROWSER_MAX_RETRIES": "0",
            "ANCHORBROWSER_POLL_INTERVAL": "0.1",
            "ANCHORBROWSER_SETTLE_TIMEOUT": "1",
        }

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the script to its end."""
        return self._run([sys.executable, SCRIPT])

    def run_until_it_is_killed(self, simulator: Simulator, method: str) -> None:
        """Run the script, and kill it with its `pulumi up` once the first request of this method was handled."""
        script = subprocess.Popen(
            [sys.executable, SCRIPT],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def kill(_: object) -> None:
            simulator.advance(SOME_MINUTES)
            os.killpg(script.pid, signal.SIGKILL)

        simulator.faults.clear()
        simulator.faults.add(Fault(method=method, after=kill))
        assert script.wait(SECONDS) == -signal.SIGKILL

    def lift_the_lock(self) -> None:
        """Remove the lock as the README says."""
        done = self._run(["pulumi", "cancel", "--yes", "organization/anchorbrowser-automation/dev"])
        assert done.returncode == 0, done.stdout + done.stderr

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=SECONDS
        )  # fmt: skip


@pytest.fixture
def script(tmp_path: Path, simulator: Simulator) -> Script:
    return Script(tmp_path, simulator)


def test_the_script_starts_cancels_and_destroys_and_prints_the_counts(script: Script, simulator: Simulator) -> None:
    done = script.run()
    assert done.returncode == 0, done.stdout + done.stderr
    batch = only_batch(simulator)
    stopped = len(batch.ended)
    assert 3 <= stopped < COUNT
    up, cancel, destroy = done.stdout.splitlines()
    assert re.search(rf"^active: .*\btotal_requests = {COUNT}\b", up)
    assert "cancelled_sessions" not in up
    assert f"cancelled_sessions = {stopped}" in cancel
    assert "live_status = cancelled" in cancel
    assert destroy.startswith("destroy: ")
    assert batch.id in destroy
    assert f"{stopped} sessions" in destroy
    assert changes(simulator) == [f"PATCH {batch.id}", f"DELETE {batch.id}"]
    assert [request.body["count"] for request in simulator.requests_of("POST")] == [COUNT]
    assert simulator.live_sessions() == []
    assert batch.deleted


def test_the_browsers_are_gone_although_a_step_fails(script: Script, simulator: Simulator) -> None:
    simulator.faults.add(Fault("status", method="PATCH", status=400, times=None))
    done = script.run()
    assert done.returncode != 0
    assert "cancelled:" not in done.stdout
    assert only_batch(simulator).deleted
    assert simulator.live_sessions() == []


def test_a_script_that_was_killed_is_run_again_and_leaves_nothing(script: Script, simulator: Simulator) -> None:
    script.run_until_it_is_killed(simulator, "POST")
    left = only_batch(simulator)
    assert simulator.live_sessions() != []
    script.lift_the_lock()
    done = script.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"total_requests = {COUNT}" in done.stdout
    # The batch of the interrupted create is deleted before another one is started.
    assert [request.method for request in simulator.requests if request.method in {"POST", "DELETE"}][:3] == [
        "POST",
        "DELETE",
        "POST",
    ]
    assert left.deleted
    assert [batch.deleted for batch in simulator.batches.values()] == [True, True]
    assert simulator.live_sessions() == []
