"""A simulator of two accounts, and a stack over the native plugin on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crashes.secrets_sought import nothing_secret_in
from native.plugin_stack import NO_YAML, PluginStack, PluginStage, yaml_is_here
from scenarios.one_stack import KEY, OTHER_KEY
from stages import NO_ENGINE, engine_is_here, standing_api

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API on a clock that stands still until it is moved; no session ends by itself."""
    with standing_api({KEY: "our-team", OTHER_KEY: "another-team"}) as running:
        yield running


@pytest.fixture
def stack(sim: Simulator, tmp_path: Path) -> Iterator[PluginStack]:
    """The stack; when the test is over, all machines and all that was printed are searched for secrets."""
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    if not yaml_is_here():
        pytest.skip(NO_YAML)
    stage = PluginStage(tmp_path / "engine-stage")
    yield PluginStack(stage, sim, tmp_path / "receipts.sqlite3")
    stage.close()
    nothing_secret_in(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything with a stack needs the engine."""
    for item in items:
        if item.path.parent == Path(__file__).parent and "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)
