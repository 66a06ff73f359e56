"""Which calls are retried, by verb and failure; and a create that may have been handled never is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from api.calls import CALLS, ID, REPEATABLE, lost, methods, refused, statuses
from api.canned import Answer, Canned
from api.clocks import JumpingClock
from scenarios.one_stack import down

from pulumi_anchorbrowser.api import (
    Answered,
    ApiError,
    Client,
    NoAnswer,
    NotConnected,
    Refused,
    ServerError,
    UnexpectedAnswer,
)
from pulumi_anchorbrowser.simulator import Fault, Simulator

TRIED = re.compile(r"\(tried (\d+) times in (\d+) s\)")


@pytest.fixture
def batch_id(sim: Simulator, client: Client) -> str:
    sim.settings.failing_sessions = 1
    created = client.create_batch(2).value().batch_id
    sim.clear_requests()
    return created


@pytest.fixture
def patient(sim: Simulator, connect: Callable[..., Client]) -> Client:
    return connect(sim.url, max_retries=2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("call", REPEATABLE)
def test_a_repeatable_call_is_retried_after_a_passing_failure(
    sim: Simulator, patient: Client, batch_id: str, call: str, status: int
) -> None:
    sim.faults.add(Fault("status", status=status))
    CALLS[call](patient, batch_id)
    assert methods(sim) == [call] * 2


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
@pytest.mark.parametrize("call", ["GET", "DELETE"])
def test_a_repeatable_call_is_retried_after_a_lost_response(
    sim: Simulator, patient: Client, batch_id: str, call: str, fault: Any
) -> None:
    sim.settings.second_delete = "zeros"
    sim.faults.add(Fault(fault))
    CALLS[call](patient, batch_id)
    assert methods(sim) == [call] * 2


@pytest.mark.parametrize("call", ["POST", "POST retry"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", status=500, handled=True), ServerError),
        (Fault("status", status=502), ServerError),
        (Fault("status", status=503), ServerError),
        (Fault("status", status=504, retry_after=0), ServerError),
        (Fault("reset_after"), NoAnswer),
        (Fault("reset_before"), NoAnswer),
        (Fault("reset_mid_body"), NoAnswer),
        (Fault("garbled"), UnexpectedAnswer),
        (Fault("truncated"), UnexpectedAnswer),
        (Fault("html", status=404, handled=False), UnexpectedAnswer),
        (Fault("html", status=200), UnexpectedAnswer),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_post_that_may_have_been_handled_is_never_sent_again(
    sim: Simulator, connect: Callable[..., Client], batch_id: str, call: str, fault: Fault, error: type[ApiError]
) -> None:
    sim.complete(batch_id)
    again = {"status": fault.status, "handled": fault.handled, "retry_after": fault.retry_after}
    sim.faults.add(Fault(fault.kind, **again))  # type: ignore[arg-type]
    client = connect(sim.url, max_retries=5)
    outcome: Any = client.create_batch(1) if call == "POST" else client.retry_batch(batch_id)
    assert type(lost(outcome)) is error
    assert "tried" not in str(outcome.error)
    assert methods(sim) == ["POST"]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 408, 418, 499, 501, 505, 524])
def test_a_call_is_not_retried_after_another_status(
    sim: Simulator, patient: Client, batch_id: str, status: int
) -> None:
    sim.faults.add(Fault("status", status=status, times=None))
    with pytest.raises(ApiError, match=f"HTTP {status}"):
        patient.get_batch(batch_id)
    assert methods(sim) == ["GET"]


@pytest.mark.parametrize("call", ["GET", "POST"])
def test_every_call_is_retried_while_no_connection_is_made(
    sim: Simulator, patient: Client, batch_id: str, call: str
) -> None:
    with down(sim), pytest.raises(NotConnected, match=r"refused\) \(tried 3 times in \d+ s\)"):
        CALLS[call](patient, batch_id)
    CALLS[call](patient, batch_id)
    assert methods(sim) == [call]


@pytest.mark.parametrize("call", REPEATABLE)
@pytest.mark.parametrize(
    ("kind", "status"), [("reset_mid_body", None), ("garbled", None), ("truncated", None), ("html", 200), ("html", 404)]
)
def test_a_repeatable_call_is_retried_after_a_broken_response_or_a_gateways_page(
    sim: Simulator, patient: Client, batch_id: str, call: str, kind: Any, status: int | None
) -> None:
    sim.faults.add(Fault(kind, method=call, status=status))
    try:
        CALLS[call](patient, batch_id)
    except ApiError as error:
        # The request with the broken response was handled, and the second response says so.
        assert error.status in {404, 409}  # noqa: PT017
    assert methods(sim) == [call] * 2


@pytest.mark.parametrize("call", REPEATABLE)
def test_a_response_with_invalid_fields_is_not_asked_for_again(connect: Callable[..., Client], call: str) -> None:
    """The next one would have the same fields."""
    data = {"batch_id": ID, "cancelled_sessions": "all", "deleted_sessions": "all"}
    with Canned(Answer.data(data)) as server:
        with pytest.raises(UnexpectedAnswer, match="invalid fields"):
            CALLS[call](connect(server.url, max_retries=3), ID)
        assert len(server.requests) == 1


@pytest.mark.parametrize("max_retries", [0, 1, 2, 4])
def test_max_retries_bounds_the_requests_of_a_call_exactly_whatever_goes_wrong(
    sim: Simulator, connect: Callable[..., Client], batch_id: str, max_retries: int
) -> None:
    kinds: list[Fault] = [
        Fault("status", status=503),
        Fault("garbled"),
        Fault("reset_before"),
        Fault("status", status=429),
        Fault("reset_mid_body"),
        Fault("html", status=404),
    ]
    sim.faults.add(*kinds)
    with pytest.raises(ApiError) as caught:
        connect(sim.url, clock=JumpingClock(), max_retries=max_retries).get_batch(batch_id)
    assert len(sim.requests) == 1 + max_retries
    assert len(TRIED.findall(str(caught.value))) == (1 if max_retries else 0)


def test_no_try_begins_later_than_the_time_limit(sim: Simulator, connect: Callable[..., Client], batch_id: str) -> None:
    sim.faults.add(Fault("status", status=503, retry_after=40, times=None))
    clock = JumpingClock()
    with pytest.raises(ServerError, match=r"\(tried 3 times in 8\d s\); the API asks to retry after 40 s"):
        connect(sim.url, clock=clock, max_retries=1000).get_batch(batch_id)
    assert clock.slept == [40, 40]
    assert len(sim.requests) == 3


@pytest.mark.parametrize("fault", ["status", "garbled", "reset_before"])
def test_tries_end_at_the_time_limit_however_many_are_left(
    sim: Simulator, connect: Callable[..., Client], batch_id: str, fault: Any
) -> None:
    sim.faults.add(Fault(fault, status=503 if fault == "status" else None, times=None))
    clock = JumpingClock()
    with pytest.raises(ApiError, match=r"tried \d+ times in \d\d s"):
        connect(sim.url, clock=clock, max_retries=1000).get_batch(batch_id)
    assert len(sim.requests) == len(clock.slept) + 1 > 8
    assert 60 < sum(clock.slept) < 90


def test_the_waits_between_tries_grow_and_stay_below_25_seconds(
    sim: Simulator, connect: Callable[..., Client], batch_id: str
) -> None:
    sim.faults.add(Fault("status", status=503, times=10))
    clock = JumpingClock()
    connect(sim.url, clock=clock, max_retries=10, retry_limit=1000).get_batch(batch_id)
    ours = [0.25 * 2**n for n in range(7)] + [20, 20, 20]
    assert [0.7 * own < slept < 1.3 * own for slept, own in zip(clock.slept, ours, strict=True)] == [True] * 10


def test_each_call_has_a_time_limit_of_its_own(sim: Simulator, connect: Callable[..., Client], batch_id: str) -> None:
    clock = JumpingClock()
    client = connect(sim.url, clock=clock, max_retries=1)
    for _ in range(4):
        sim.faults.add(Fault("status", status=503, retry_after=60))
        client.get_batch(batch_id)
    assert len(sim.requests) == 8


@pytest.mark.parametrize(("call", "status"), [("GET", 503), ("DELETE", 502)])
def test_the_last_error_says_once_how_often_and_for_how_long_the_call_was_tried(
    sim: Simulator, patient: Client, batch_id: str, call: str, status: int
) -> None:
    sim.faults.add(Fault("status", status=status, times=None))
    before = time.monotonic()
    with pytest.raises(ServerError) as caught:
        CALLS[call](patient, batch_id)
    took = time.monotonic() - before
    [(times, seconds)] = TRIED.findall(str(caught.value))
    assert int(times) == len(sim.requests) == 3
    assert abs(int(seconds) - took) <= 1


def test_an_error_after_a_single_try_does_not_say_how_often(sim: Simulator, client: Client, batch_id: str) -> None:
    sim.faults.add(Fault("status", status=503))
    with pytest.raises(ServerError) as caught:
        client.get_batch(batch_id)
    assert "tried" not in str(caught.value)


def test_an_outcome_holds_every_try_in_order(sim: Simulator, patient: Client, batch_id: str) -> None:
    sim.complete(batch_id)
    sim.faults.add(Fault("status", status=429), Fault("status", status=503), Fault("reset_before"))
    outcome = patient.delete_batch(batch_id)
    assert [type(one).__name__ for one in outcome.tries] == ["Refused", "Lost", "Lost", "Answered"]
    assert outcome.was_lost
    assert outcome.error is None
    assert isinstance(outcome.last, Answered)
    assert outcome.value().deleted_sessions == 1
    assert statuses(sim)[:2] == [429, 503]


def test_a_lost_try_is_in_the_outcome_of_a_call_that_is_refused_in_the_end(
    sim: Simulator, patient: Client, batch_id: str
) -> None:
    sim.faults.add(Fault("reset_after", method="DELETE"))
    outcome = patient.delete_batch(batch_id)
    assert isinstance(outcome.last, Refused)
    assert outcome.last.error.status == 404
    assert outcome.was_lost


def test_a_call_that_was_never_connected_was_not_lost(sim: Simulator, patient: Client) -> None:
    with down(sim):
        outcome = patient.create_batch(1)
    assert isinstance(refused(outcome), NotConnected)
    assert len(outcome.tries) == 3
