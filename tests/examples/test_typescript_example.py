"""examples/typescript: installed, compiled and run as its README says; a batch is awaited, cancelled and imported."""

from __future__ import annotations

import subprocess

import pytest
from elsewhere import start
from examples_support import only_batch
from plugin_examples import PLUGIN, copy_plugin, printed_program, put, run_with_an_index
from stages import EngineStage

from pulumi_anchorbrowser.simulator import Simulator

FOLDER = "examples/typescript"


@pytest.mark.timeout(900)
def test_a_batch_is_started_awaited_cancelled_imported_and_deleted_from_typescript(
    engine_stage: EngineStage, simulator: Simulator
) -> None:
    stage, name = engine_stage, put(engine_stage, FOLDER, simulator)
    copy_plugin(stage.project_dir.parents[1] / PLUGIN)
    run_with_an_index(stage, "install")
    compiles(stage)

    stage.config(**{f"{name}:count": "9"})
    assert stage.up().outputs["readyBrowsers"] >= 2
    batch = only_batch(simulator)
    running = len(batch.running())
    stage.config(**{f"{name}:status": "cancelled"})
    outputs = stage.up().outputs
    assert (outputs["cancelledSessions"], outputs["liveStatus"], outputs["stillRunning"]) == (running, "cancelled", 0)
    assert simulator.live_sessions() == []

    there = start(simulator, "elsewhere")
    printed = stage.run("import", "anchorbrowser:index:Batch", "found", there.id, "--yes")
    code = printed_program(printed, "import * as anchorbrowser").replace("protect: true", "protect: false")
    with (stage.project_dir / "index.ts").open("a", encoding="utf-8") as program:
        program.write(code)
    stage.run("state", "unprotect", "--all", "--yes")
    compiles(stage)
    assert stage.preview().changes == {}

    stage.destroy()
    assert batch.deleted
    assert simulator.live_sessions() == []


def compiles(stage: EngineStage) -> None:
    """Assert that the TypeScript compiler, strict as the example's settings are, finds nothing."""
    done = subprocess.run(["npx", "tsc"], cwd=stage.project_dir, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
