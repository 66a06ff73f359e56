"""Simulators to start, and a plain HTTP caller that shares no code with the package's own client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

KEYS = {"key-of-a": "team-a", "key-of-b": "team-b"}
BATCHES = "/v1/batch-sessions"


class Caller:
    """Speaks HTTP to a simulator; every answer of an operation that is not 200 fails the test."""

    def __init__(self, sim: Simulator, key: str | None) -> None:
        headers = {} if key is None else {"anchor-api-key": key}
        # Loopback, without TLS: its certificates would be loaded for each client.
        self.http = httpx.Client(base_url=sim.url, headers=headers, trust_env=False, timeout=10, verify=False)  # noqa: S501

    def data(self, method: str, path: str, **more: Any) -> Any:
        answer = self.http.request(method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def status_of(self, method: str, path: str, **more: Any) -> int:
        """The status of an answer; one that is no success must have the API's error body."""
        answer = self.http.request(method, path, **more)
        if answer.status_code != 200:
            error = answer.json()["error"]
            assert error["code"] == answer.status_code
            assert error["message"]
        return answer.status_code

    def create(self, count: int = 3, **configuration: Any) -> str:
        batch = self.data("POST", BATCHES, json={"count": count, "configuration": configuration})
        return str(batch["batch_id"])

    def get(self, batch_id: str) -> Any:
        return self.data("GET", f"{BATCHES}/{batch_id}")

    def cancel(self, batch_id: str) -> Any:
        return self.data("PATCH", f"{BATCHES}/{batch_id}", json={"status": "cancelled"})

    def delete(self, batch_id: str) -> Any:
        return self.data("DELETE", f"{BATCHES}/{batch_id}")

    def retry(self, batch_id: str, **body: Any) -> Any:
        return self.data("POST", f"{BATCHES}/{batch_id}/retry", json=body)


class StoppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = 1_700_000_000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators with the given settings on a stopped clock; `sim.advance` moves it."""
    with ExitStack() as running:

        def start(**settings: Any) -> Simulator:
            return running.enter_context(Simulator(KEYS, SimulatorSettings(**settings), clock=StoppedClock()))

        yield start


@pytest.fixture
def call() -> Iterator[Callable[..., Caller]]:
    with ExitStack() as opened:

        def connect(sim: Simulator, key: str | None = "key-of-a") -> Caller:
            caller = Caller(sim, key)
            opened.enter_context(caller.http)
            return caller

        yield connect
