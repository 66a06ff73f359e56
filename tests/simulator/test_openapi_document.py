"""Schemathesis, which has the simulator's document only, finds no response that the document does not promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = (sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION))
OPTIONS = ["-H", "anchor-api-key:key", "--seed", "20", "--max-examples", "15", "--no-color", "--continue-on-failure"]
OPERATIONS = 12


@pytest.mark.long
def test_schemathesis_finds_no_failure(tmp_path: Path) -> None:
    # Slow creation and a failing session, so that cancels and retries that succeed are met too.
    settings = SimulatorSettings(creation_seconds=1.0, failing_sessions=1)
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with Simulator({"key": "team"}, settings) as sim:
        judged = subprocess.run(
            [*SCHEMATHESIS, "run", f"{sim.url}/openapi.json", *OPTIONS],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, "PYTHONUTF8": "1"},
            timeout=350,
            check=False,
        )
        seen = {(one.method, one.status) for one in sim.requests}

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert f"Tested: {OPERATIONS}" in judged.stdout
    met = {("POST", 200), ("PATCH", 200), ("DELETE", 200), ("GET", 404), ("POST", 400), ("PATCH", 409), ("GET", 401)}
    assert met <= seen, f"schemathesis never met {met - seen}"
