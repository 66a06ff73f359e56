"""What the tests of the plugin's packages share: the wheel, and a machine without the plugin."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The helpers of the archives and of the examples.
sys.path.insert(0, str(Path(__file__).parents[1] / "packaging"))
sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

import clean_environments
from archives import build, only
from stages import EngineStage


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make dist` does."""
    folder = tmp_path_factory.mktemp("dist")
    build(folder, "--wheel")
    return only(folder, "*.whl")


@pytest.fixture
def empty_machine(engine_stage: EngineStage) -> EngineStage:
    """An engine that finds no plugin on the PATH, has none in its PULUMI_HOME, and whose pip is the real one."""
    engine_stage.env |= clean_environments.empty_machine()
    return engine_stage
