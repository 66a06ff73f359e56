"""examples/yaml: a batch is started, awaited, cancelled and imported from YAML."""

from __future__ import annotations

import sys

import pytest
import yaml
from elsewhere import start
from examples_support import only_batch
from plugin_examples import printed_program, put
from stages import EngineStage

from pulumi_anchorbrowser.simulator import Simulator

FOLDER = "examples/yaml"


@pytest.fixture
def stage(engine_stage: EngineStage, simulator: Simulator) -> EngineStage:
    """The example, with more browsers, some of which are ready at once."""
    name = put(engine_stage, FOLDER, simulator)
    (engine_stage.project_dir / "../../.venv").symlink_to(sys.prefix, target_is_directory=True)
    engine_stage.config(**{f"{name}:count": "9"})
    return engine_stage


def test_a_batch_is_started_awaited_cancelled_and_deleted_from_yaml(stage: EngineStage, simulator: Simulator) -> None:
    assert stage.up().outputs["ready"] >= 2
    running = len(only_batch(simulator).running())
    stage.config(**{"anchorbrowser-yaml:status": "cancelled"})
    outputs = stage.up().outputs
    assert (outputs["cancelledSessions"], outputs["liveStatus"], outputs["stillRunning"]) == (running, "cancelled", 0)
    assert simulator.live_sessions() == []
    stage.destroy()
    assert only_batch(simulator).deleted


def test_the_code_that_an_import_prints_is_a_program_without_changes(stage: EngineStage, simulator: Simulator) -> None:
    stage.up()
    there = start(simulator, "elsewhere")
    printed = stage.run("import", "anchorbrowser:index:Batch", "found", there.id, "--yes")
    found = yaml.safe_load(printed_program(printed, "resources:"))["resources"]["found"]
    assert found["properties"]["batchId"] == there.id
    project = stage.project_dir / "Pulumi.yaml"
    program = yaml.safe_load(project.read_text(encoding="utf-8"))
    program["resources"]["found"] = {**found, "options": {}}
    project.write_text(yaml.safe_dump(program), encoding="utf-8")
    stage.run("state", "unprotect", "--all", "--yes")
    assert stage.preview().changes == {}
    stage.destroy()
    assert simulator.live_sessions() == []
