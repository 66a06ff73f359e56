"""A simulator, and the real provider host configured for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pulumi_anchorbrowser.dynamic.batch_provider import BatchProvider
from pulumi_anchorbrowser.rehearsal import ProviderHost
from pulumi_anchorbrowser.simulator import Settings, Simulator

KEY = "key-of-team-a"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team-a"}, Settings(creation_seconds=100)) as running:
        yield running


@pytest.fixture
def config(sim: Simulator) -> dict[str, str]:
    return {"anchorbrowser:apiKey": KEY, "anchorbrowser:baseUrl": sim.url, "anchorbrowser:maxRetries": "0"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str | None]:
    """Nothing of the caller's own settings, and receipts in a folder of the test."""
    names = ("API_KEY", "BASE_URL", "MAX_CONCURRENCY", "REQUEST_TIMEOUT", "MAX_RETRIES", "RECEIPTS")
    unset: dict[str, str | None] = dict.fromkeys(f"ANCHORBROWSER_{name}" for name in names)
    return {**unset, "PULUMI_HOME": str(tmp_path)}


@pytest.fixture
def start_host(config: dict[str, str], environment: dict[str, str | None]) -> Iterator[Callable[..., ProviderHost]]:
    """Starts hosts, of our batch provider unless told otherwise; `env` and `config` are laid over the usual ones."""
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
def preview() -> Iterator[tuple[Simulator, ProviderHost]]:
    """A simulator that is never to be asked anything, and a host that is only asked to check."""
    with Simulator() as sim:
        settings = {"anchorbrowser:apiKey": "simulated-key", "anchorbrowser:baseUrl": sim.url}
        with ProviderHost(BatchProvider(), config=settings, env={"ANCHORBROWSER_RECEIPTS": "off"}) as host:
            yield sim, host
