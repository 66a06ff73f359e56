"""What is asked again, by verb and outcome; and never a create that may have been handled."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from scenarios.one_stack import down

from pulumi_anchorbrowser.api import (
    ApiError,
    Client,
    NoAnswer,
    NotConnected,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)
from pulumi_anchorbrowser.simulator import Fault, Simulator

CALLS: dict[str, Callable[[Client, str], object]] = {
    "GET": lambda client, id_: client.get_batch(id_),
    "PATCH": lambda client, id_: client.cancel_batch(id_),
    "DELETE": lambda client, id_: client.delete_batch(id_),
    "POST": lambda client, _: client.create_batch(1),
    "POST retry": lambda client, id_: client.retry_batch(id_),
}
REPEATABLE = ["GET", "PATCH", "DELETE"]


@pytest.fixture
def batch_id(sim: Simulator, client: Client) -> str:
    sim.settings.failing_sessions = 1
    created = client.create_batch(2).batch_id
    sim.clear_requests()
    return created


@pytest.fixture
def patient(sim: Simulator, connect: Callable[..., Client]) -> Client:
    return connect(sim.url, max_retries=2)


def methods(sim: Simulator) -> list[str]:
    return [request.method for request in sim.requests]


@pytest.mark.parametrize("call", CALLS)
def test_a_429_is_asked_again_whatever_the_verb(sim: Simulator, patient: Client, batch_id: str, call: str) -> None:
    if call == "POST retry":
        sim.complete(batch_id)
    sim.faults.add(Fault("status", status=429))
    CALLS[call](patient, batch_id)
    assert methods(sim) == [call.split()[0]] * 2
    assert [request.status for request in sim.requests] == [429, 200]


def test_a_create_repeated_after_429_makes_one_batch(sim: Simulator, patient: Client) -> None:
    sim.faults.add(Fault("status", status=429, times=2))
    created = patient.create_batch(1)
    assert methods(sim) == ["POST"] * 3
    assert list(sim.batches) == [created.batch_id]


def test_the_wait_that_a_429_asks_for_is_waited(sim: Simulator, patient: Client) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=1))
    patient.create_batch(1)
    first, second = sim.requests
    assert 1.0 <= second.started_at - first.started_at < 3.0


@pytest.mark.parametrize("asked", ["soon", "0.5", "-3", ""])
@pytest.mark.parametrize("call", ["GET", "POST"])
def test_a_wait_that_cannot_be_understood_is_replaced_by_our_own(
    sim: Simulator, patient: Client, batch_id: str, asked: str, call: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=asked))
    CALLS[call](patient, batch_id)
    assert [request.status for request in sim.requests] == [429, 200]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("call", REPEATABLE)
def test_a_passing_failure_of_a_repeatable_call_is_asked_again(
    sim: Simulator, patient: Client, batch_id: str, call: str, status: int
) -> None:
    sim.faults.add(Fault("status", status=status))
    CALLS[call](patient, batch_id)
    assert methods(sim) == [call] * 2


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
@pytest.mark.parametrize("call", ["GET", "DELETE"])
def test_a_lost_answer_of_a_repeatable_call_is_asked_again(
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
        (Fault("status", status=500, handled=True, times=None), ServerError),
        (Fault("status", status=502, times=None), ServerError),
        (Fault("status", status=503, times=None), ServerError),
        (Fault("status", status=504, retry_after=0, times=None), ServerError),
        (Fault("reset_after", times=None), NoAnswer),
        (Fault("reset_before", times=None), NoAnswer),
        (Fault("reset_mid_body", times=None), NoAnswer),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_post_that_may_have_been_handled_is_never_sent_again(
    sim: Simulator, connect: Callable[..., Client], batch_id: str, call: str, fault: Fault, error: type[ApiError]
) -> None:
    sim.complete(batch_id)
    sim.faults.clear()
    sim.faults.add(Fault(fault.kind, status=fault.status, handled=fault.handled, retry_after=fault.retry_after))
    with pytest.raises(error) as caught:
        CALLS[call](connect(sim.url, max_retries=5), batch_id)
    assert methods(sim) == ["POST"]
    assert not caught.value.nothing_done
    assert "tried" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 418, 505])
def test_a_refusal_is_final(sim: Simulator, patient: Client, batch_id: str, status: int) -> None:
    sim.faults.add(Fault("status", status=status, times=None))
    with pytest.raises(ApiError, match=f"HTTP {status}"):
        patient.get_batch(batch_id)
    assert methods(sim) == ["GET"]


@pytest.mark.parametrize("call", ["GET", "POST"])
def test_a_connection_never_made_is_tried_again_and_then_told(
    sim: Simulator, patient: Client, batch_id: str, call: str
) -> None:
    with down(sim), pytest.raises(NotConnected, match=r"tried 3 times in \d+ s") as caught:
        CALLS[call](patient, batch_id)
    assert caught.value.nothing_done
    assert "refused" in str(caught.value)
    CALLS[call](patient, batch_id)
    assert methods(sim) == [call]


@pytest.mark.parametrize(("call", "status", "error"), [("GET", 503, ServerError), ("DELETE", 502, ServerError)])
def test_the_last_error_says_how_often_and_how_long(
    sim: Simulator, patient: Client, batch_id: str, call: str, status: int, error: type[ApiError]
) -> None:
    sim.faults.add(Fault("status", status=status, times=None))
    before = time.monotonic()
    with pytest.raises(error) as caught:
        CALLS[call](patient, batch_id)
    took = time.monotonic() - before
    said = re.search(r"\(tried (\d+) times in (\d+) s\)", str(caught.value))
    assert said is not None
    assert int(said[1]) == len(sim.requests) == 3
    assert abs(int(said[2]) - took) <= 1


def test_one_try_does_not_say_how_often(sim: Simulator, client: Client, batch_id: str) -> None:
    sim.faults.add(Fault("status", status=503))
    with pytest.raises(ServerError) as caught:
        client.get_batch(batch_id)
    assert "tried" not in str(caught.value)


def test_the_patience_with_429s_is_bounded(sim: Simulator, connect: Callable[..., Client], batch_id: str) -> None:
    sim.faults.add(Fault("status", status=429, times=None))
    client = connect(sim.url, max_retries=1000, rate_limit_patience=0.8)
    with pytest.raises(RateLimited, match=r"tried \d+ times"):
        client.get_batch(batch_id)
    assert len(sim.requests) >= 2


def test_a_longer_wait_than_the_patience_is_not_begun(
    sim: Simulator, connect: Callable[..., Client], batch_id: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=3000, times=None))
    with pytest.raises(RateLimited, match="3000 s"):
        connect(sim.url, max_retries=5).get_batch(batch_id)
    assert len(sim.requests) == 1


def test_tries_end_at_the_time_limit(sim: Simulator, connect: Callable[..., Client], batch_id: str) -> None:
    sim.faults.add(Fault("status", status=503, times=None))
    with pytest.raises(ServerError, match=r"tried \d+ times"):
        connect(sim.url, max_retries=1000, retry_limit=0.8).get_batch(batch_id)
    assert len(sim.requests) >= 2


def test_the_number_of_tries_is_bounded_as_well(sim: Simulator, connect: Callable[..., Client], batch_id: str) -> None:
    sim.faults.add(Fault("status", status=503, times=None))
    with pytest.raises(ServerError):
        connect(sim.url, max_retries=1).get_batch(batch_id)
    assert len(sim.requests) == 2


def test_each_call_has_a_time_limit_of_its_own(sim: Simulator, connect: Callable[..., Client], batch_id: str) -> None:
    client = connect(sim.url, max_retries=3, retry_limit=0.5)
    time.sleep(0.6)
    sim.faults.add(Fault("status", status=503))
    assert client.get_batch(batch_id).batch_id == batch_id
    assert len(sim.requests) == 2


@pytest.mark.parametrize("call", REPEATABLE)
@pytest.mark.parametrize("kind", ["reset_mid_body", "garbled", "truncated", "html"])
def test_a_broken_answer_is_asked_for_again_where_the_verb_allows_it(
    sim: Simulator, patient: Client, batch_id: str, call: str, kind: Any
) -> None:
    sim.faults.add(Fault(kind, method=call, status=200 if kind == "html" else None))
    try:
        second = CALLS[call](patient, batch_id)
    except ApiError as error:
        # What the broken answer was to has been done, and the second answer says so.
        second = error
    assert second.after_lost_answer
    assert methods(sim) == [call] * 2
    assert [request.status for request in sim.requests][1] in {200, 404, 409}


@pytest.mark.parametrize("kind", ["reset_mid_body", "garbled", "truncated"])
def test_a_broken_answer_to_a_create_is_never_asked_for_again(sim: Simulator, patient: Client, kind: Any) -> None:
    sim.faults.add(Fault(kind, method="POST"))
    with pytest.raises((NoAnswer, UnexpectedAnswer)):
        patient.create_batch(1)
    assert methods(sim) == ["POST"]


def test_an_answer_that_goes_on_being_garbled_ends_with_how_often_it_was_tried(
    sim: Simulator, patient: Client, batch_id: str
) -> None:
    sim.faults.add(Fault("garbled", method="GET", times=None))
    with pytest.raises(UnexpectedAnswer, match=r"tried 3 times"):
        patient.get_batch(batch_id)
