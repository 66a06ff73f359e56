"""Runs the example folders as they are, on both stages, against a simulator."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from examples_support import AN_HOUR, API_KEY, ROOT, SOME_MINUTES
from stages import RehearsalStage, Stage

from pulumi_anchorbrowser.simulator import Fault, Simulator, SimulatorSettings


@dataclass
class Example:
    """An example folder on a stage."""

    stage: Stage
    name: str

    def config(self, **values: str) -> None:
        """Set the project's own config values."""
        self.stage.config(**{f"{self.name}:{key}": value for key, value in values.items()})


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An API whose batches are partly created at once, and then take long; no browser's time runs out."""
    with Simulator({API_KEY: "team"}, SimulatorSettings(creation_seconds=AN_HOUR, minute_seconds=AN_HOUR)) as api:

        def let_time_pass(_request: object) -> None:
            api.advance(SOME_MINUTES)

        api.faults.add(Fault("callback", method="POST", path="/v1/batch-sessions", after=let_time_pass))
        yield api


@pytest.fixture
def on_stage(stage: Stage, simulator: Simulator) -> Callable[[str], Example]:
    """Puts an example folder on the stage: `on_stage("examples/adopt-and-cancel")`."""

    def put(folder: str) -> Example:
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / folder / name, stage.project_dir)
        project = yaml.safe_load((ROOT / folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        environment = stage.project_dir / project["runtime"]["options"]["virtualenv"]
        environment.symlink_to(sys.prefix, target_is_directory=True)
        if isinstance(stage, RehearsalStage):
            stage.rehearsal.project = project["name"]
        stage.config(**{"anchorbrowser:baseUrl": simulator.url, "anchorbrowser:pollInterval": "0.1"})
        stage.set_secret("anchorbrowser:apiKey", API_KEY)
        return Example(stage, project["name"])

    return put
