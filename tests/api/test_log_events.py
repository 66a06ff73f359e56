"""The debug log's events of the API: a request for each try, the waits, and the limits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from api.calls import ID
from api.clocks import JumpingClock
from scenarios.one_stack import down

from pulumi_anchorbrowser.api import ApiError, ApiKeys, Client
from pulumi_anchorbrowser.simulator import Fault, Simulator

PATH = f"/v1/batch-sessions/{ID}"
KEY = "key-of-a-8c1f"
OWN = set(vars(logging.makeLogRecord({})))


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[dict[str, Any]]]:
    caplog.set_level(logging.DEBUG, "pulumi_anchorbrowser")

    def of(event: str) -> list[dict[str, Any]]:
        records = [vars(record) for record in caplog.records if record.getMessage() == event]
        return [{name: value for name, value in one.items() if name not in OWN | {"message"}} for one in records]

    return of


def test_every_try_is_an_event_with_its_number_and_how_it_ended(
    sim: Simulator, connect: Callable[..., Client], events: Callable[[str], list[dict[str, Any]]]
) -> None:
    client = connect(sim.url, ApiKeys("rotated", KEY), clock=JumpingClock(), max_retries=4).second_key()
    sim.faults.add(
        Fault("status", status=429),
        Fault("status", status=503),
        Fault("reset_before"),
        Fault("reset_mid_body"),
    )
    client.delete_batch(ID)
    requests = events("request")
    assert [set(one) - {"status", "error"} for one in requests] == [{"method", "path", "attempt", "seconds"}] * 6
    assert {(one["method"], one["path"]) for one in requests} == {("DELETE", PATH)}
    assert [(one["attempt"], one.get("status", one.get("error"))) for one in requests] == [
        (1, 429),
        (2, 503),
        (3, "ProtocolError"),
        (4, 401),
        (5, 401),
        (6, 404),
    ]
    assert all(0 <= one["seconds"] < 5 for one in requests)


def test_waits_and_limits_are_events(
    sim: Simulator, connect: Callable[..., Client], events: Callable[[str], list[dict[str, Any]]]
) -> None:
    client = connect(sim.url, clock=JumpingClock(), max_retries=3, max_concurrency=8)
    sim.faults.add(Fault("status", status=429, retry_after=7), Fault("status", status=503, retry_after=3))
    client.delete_batch(ID)
    assert events("limit") == [{"lane": "other", "allowed": 4, "closed_for": 7.0}]
    turn, retry = events("wait")
    assert (turn["reason"], turn["lane"]) == ("turn", "other")
    assert 6.9 < turn["seconds"] < 8
    assert retry["reason"] == "retry"
    assert 3 <= retry["seconds"] < 4


def test_a_connection_never_made_is_an_event_and_a_request_never_sent_is_none(
    sim: Simulator, connect: Callable[..., Client], events: Callable[[str], list[dict[str, Any]]]
) -> None:
    client = connect(sim.url)
    with down(sim), pytest.raises(ApiError):
        client.get_batch(ID)
    assert [one["error"] for one in events("request")] == ["NewConnectionError"]
    client.create_batch(1, metadata={"x": float("nan")})
    assert len(events("request")) == 1


def test_the_path_of_an_event_holds_the_base_urls_and_no_query(
    sim: Simulator, connect: Callable[..., Client], events: Callable[[str], list[dict[str, Any]]]
) -> None:
    with pytest.raises(ApiError):
        connect(f"{sim.url}/gateway").session_statuses(tags=("secret-tag",))
    assert [one["path"] for one in events("request")] == ["/gateway/v1/sessions/all/status"]
