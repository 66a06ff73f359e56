"""The client's operations, by their verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pulumi_anchorbrowser.api import ApiError, Client, Lost, Outcome
from pulumi_anchorbrowser.simulator import Simulator

ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
CALLS: dict[str, Callable[[Client, str], Any]] = {
    "GET": lambda client, id_: client.get_batch(id_),
    "PATCH": lambda client, id_: client.cancel_batch(id_).value(),
    "DELETE": lambda client, id_: client.delete_batch(id_).value(),
    "POST": lambda client, _: client.create_batch(1).value(),
    "POST retry": lambda client, id_: client.retry_batch(id_).value(),
}
REPEATABLE = ["GET", "PATCH", "DELETE"]


def methods(sim: Simulator) -> list[str]:
    return [request.method for request in sim.requests]


def statuses(sim: Simulator) -> list[int | None]:
    return [request.status for request in sim.requests]


def lost(outcome: Outcome[Any]) -> ApiError:
    """The error of a call whose last try may have been handled."""
    assert isinstance(outcome.last, Lost), outcome
    return outcome.last.error


def refused(outcome: Outcome[Any]) -> ApiError:
    """The error of a call with which the API did nothing in any try."""
    assert not outcome.was_lost, outcome
    assert outcome.error is not None
    return outcome.error
