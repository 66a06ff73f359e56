"""A simulator, and clients to call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

KEY = "key-of-a-8c1f"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team-a"}, SimulatorSettings(creation_seconds=1000)) as running:
        yield running


@pytest.fixture
def notified() -> list[str]:
    """What the clients of a test have notified of."""
    return []


@pytest.fixture
def connect(notified: list[str]) -> Iterator[Callable[..., Client]]:
    """Makes clients; options are those of ClientOptions, without retries unless `max_retries` says so."""
    with ExitStack() as opened:

        def make(url: str, keys: ApiKeys | str = KEY, clock: Clock | None = None, **options: Any) -> Client:
            keys = ApiKeys(keys) if isinstance(keys, str) else keys
            chosen = ClientOptions(**{"max_retries": 0, **options})
            client = Client(url, keys, chosen, notify=notified.append, clock=clock)
            opened.callback(client.close)
            return client

        yield make


@pytest.fixture
def client(sim: Simulator, connect: Callable[..., Client]) -> Client:
    return connect(sim.url)
