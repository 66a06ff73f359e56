"""Batches that something else than a stack starts: a script that calls the API."""

from __future__ import annotations

import requests
from examples_support import API_KEY

from pulumi_anchorbrowser.simulator import LoggedRequest, SimulatedBatch, Simulator

BATCHES = "/v1/batch-sessions"


def start(simulator: Simulator, *tags: str, count: int = 3) -> SimulatedBatch:
    """A batch of so many browsers, all of them running, whose sessions carry these tags."""
    reply = requests.post(
        f"{simulator.url}{BATCHES}",
        json={"count": count, "configuration": {"session": {"tags": list(tags)}}},
        headers={"anchor-api-key": API_KEY},
        timeout=30,
        proxies={"http": ""},
    )
    assert reply.status_code == 200, reply.text
    batch = simulator.batches[reply.json()["data"]["batch_id"]]
    simulator.complete(batch.id)
    assert len(batch.running()) == count
    return batch


def running(simulator: Simulator) -> set[str]:
    """The batches of which a browser runs, or is still going to."""
    return {session.batch_id for session in simulator.live_sessions()}


def changes(simulator: Simulator) -> list[str]:
    """The requests that could change a batch, in their order: "DELETE <batch>"."""
    return [_told(request) for request in simulator.requests if request.method not in {"GET", "POST"}]


def _told(request: LoggedRequest) -> str:
    return f"{request.method} {request.path.removeprefix(BATCHES + '/')}"
