"""A simulator, and the real provider host configured for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pulumi_anchorbrowser.dynamic.providers import BatchProvider
from pulumi_anchorbrowser.rehearsal import ProviderHost
from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

KEY = "key-of-team-a"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team-a"}, SimulatorSettings(creation_seconds=100)) as running:
        yield running


@pytest.fixture
def config(sim: Simulator) -> dict[str, str]:
    return {"anchorbrowser:apiKey": KEY, "anchorbrowser:baseUrl": sim.url, "anchorbrowser:maxRetries": "0"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str | None]:
    """Nothing of the caller's own settings; receipts, and a state that is empty, in a folder of the test."""
    names = ("API_KEY", "BASE_URL", "MAX_CONCURRENCY", "REQUEST_TIMEOUT", "MAX_RETRIES", "RECEIPTS")
    unset: dict[str, str | None] = dict.fromkeys(f"ANCHORBROWSER_{name}" for name in names)
    state = tmp_path / "state.json"
    state.write_text('{"deployment": null}')
    return {**unset, "PULUMI_HOME": str(tmp_path), "ANCHORBROWSER_STATE_FILE": str(state)}


@pytest.fixture
def start_host(config: dict[str, str], environment: dict[str, str | None]) -> Iterator[Callable[..., ProviderHost]]:
    """Starts hosts, of our batch provider by default; `env` and `config` are laid over the usual ones."""
    with ExitStack() as running:

        def start(provider: Any = BatchProvider, **options: Any) -> ProviderHost:
            options["config"] = {**config, **options.get("config", {})}
            options["config"] = {name: value for name, value in options["config"].items() if value is not None}
            options["env"] = {**environment, **options.get("env", {})}
            return running.enter_context(ProviderHost(provider() if provider else None, **options))

        yield start


@pytest.fixture
def host(start_host: Callable[..., ProviderHost]) -> ProviderHost:
    return start_host()


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, ProviderHost]]:
    """A simulator that must get no request, and a host that only checks."""
    state = tmp_path_factory.mktemp("state") / "state.json"
    state.write_text('{"deployment": null}')
    environment = {"ANCHORBROWSER_RECEIPTS": "off", "ANCHORBROWSER_STATE_FILE": str(state)}
    with Simulator() as sim:
        settings = {"anchorbrowser:apiKey": "simulated-key", "anchorbrowser:baseUrl": sim.url}
        with ProviderHost(BatchProvider(), config=settings, env=environment) as host:
            yield sim, host
