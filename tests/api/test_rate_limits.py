"""Rate limits are waited for, limits of the plan are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from api.calls import CALLS, ID, methods, refused, statuses
from api.canned import Answer, Canned, Received
from api.clocks import JumpingClock

from pulumi_anchorbrowser.api import ApiError, Client, Forbidden, PlanLimit, RateLimited
from pulumi_anchorbrowser.simulator import Fault, Simulator

MUTATING = ["PATCH", "DELETE", "POST", "POST retry"]


@pytest.fixture
def batch_id(sim: Simulator, client: Client) -> str:
    sim.settings.failing_sessions = 1
    created = client.create_batch(2).value().batch_id
    sim.clear_requests()
    return created


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.mark.parametrize("call", CALLS)
def test_every_call_is_retried_after_a_429(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, batch_id: str, call: str
) -> None:
    if call == "POST retry":
        sim.complete(batch_id)
    sim.faults.add(Fault("status", status=429))
    CALLS[call](connect(sim.url, clock=clock, max_retries=1), batch_id)
    assert methods(sim) == [call.split()[0]] * 2
    assert statuses(sim) == [429, 200]


def test_a_create_that_is_retried_after_429s_starts_one_batch(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock
) -> None:
    sim.faults.add(Fault("status", status=429, times=5))
    outcome = connect(sim.url, clock=clock, max_retries=1).create_batch(1)
    assert methods(sim) == ["POST"] * 6
    assert list(sim.batches) == [outcome.value().batch_id]
    assert not outcome.was_lost


@pytest.mark.parametrize("call", MUTATING)
def test_a_mutating_call_waits_for_a_rate_limit_for_ten_minutes(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, batch_id: str, call: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=60, times=None))
    with pytest.raises(RateLimited, match=r"\(tried 10 times in 54\d s\); the API asks to retry after 60 s"):
        CALLS[call](connect(sim.url, clock=clock, max_retries=1), batch_id)
    assert len(sim.requests) == 10


@pytest.mark.parametrize("call", [*MUTATING, "GET"])
def test_without_retries_a_429_ends_every_call(sim: Simulator, client: Client, batch_id: str, call: str) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=1))
    with pytest.raises(RateLimited):
        CALLS[call](client, batch_id)
    assert len(sim.requests) == 1


def test_a_429_uses_up_a_retry_of_a_read(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, batch_id: str
) -> None:
    sim.faults.add(Fault("status", status=429, times=None))
    with pytest.raises(RateLimited, match="tried 3 times"):
        connect(sim.url, clock=clock, max_retries=2).get_batch(batch_id)
    assert len(sim.requests) == 3


def test_the_429s_of_a_read_end_at_the_time_limit_of_its_retries(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, batch_id: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=40, times=None))
    with pytest.raises(RateLimited, match="tried 3 times"):
        connect(sim.url, clock=clock, max_retries=1000).get_batch(batch_id)


def test_a_call_that_waited_for_a_rate_limit_still_has_all_its_retries(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, batch_id: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=100, times=3), Fault("status", status=503, times=2))
    connect(sim.url, clock=clock, max_retries=2).cancel_batch(batch_id).value()
    assert statuses(sim) == [429, 429, 429, 503, 503, 200]


@pytest.mark.parametrize("call", ["GET", "POST"])
def test_a_longer_wait_than_a_call_may_last_ends_it_at_once(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, batch_id: str, call: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=3000))
    with pytest.raises(RateLimited, match=r"HTTP 429: Scripted \w+ 429; the API asks to retry after 3000 s"):
        CALLS[call](connect(sim.url, clock=clock, max_retries=5), batch_id)
    assert len(sim.requests) == 1


@pytest.mark.parametrize("asked", [1, "1"])
def test_a_call_waits_as_long_as_a_429_asks(sim: Simulator, connect: Callable[..., Client], asked: str | int) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=asked))
    connect(sim.url, max_retries=1).create_batch(1).value()
    first, second = sim.requests
    assert 1.0 <= second.started_at - first.started_at < 3.0


@pytest.mark.parametrize("asked", ["soon", "0.5", "-3", "", "NaN", "²", "Thu, 99 Foo 2026", "0"])
@pytest.mark.parametrize("call", ["GET", "POST"])
def test_a_wait_that_makes_no_sense_is_replaced_by_our_own(
    sim: Simulator, connect: Callable[..., Client], batch_id: str, asked: str, call: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after=asked))
    CALLS[call](connect(sim.url, max_retries=2), batch_id)
    assert statuses(sim) == [429, 200]


def test_a_wait_with_more_digits_than_a_number_can_have_ends_the_call(
    sim: Simulator, connect: Callable[..., Client], batch_id: str
) -> None:
    sim.faults.add(Fault("status", status=429, retry_after="9" * 400))
    with pytest.raises(RateLimited, match="asks to retry after"):
        connect(sim.url, max_retries=2).get_batch(batch_id)


@pytest.mark.parametrize("hours", [-2, 0, 2])
def test_a_wait_until_a_date_is_measured_by_the_servers_own_date(
    connect: Callable[..., Client], clock: JumpingClock, hours: int
) -> None:
    now = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=hours)
    until = format_datetime(now + timedelta(seconds=30), usegmt=True)
    busy = Answer.error(503, "busy")
    busy.headers.update({"Date": format_datetime(now, usegmt=True), "Retry-After": until})
    with Canned(busy) as server, pytest.raises(ApiError):
        connect(server.url, clock=clock, max_retries=1).list_batches()
    assert clock.slept == [30]


def test_users_hear_once_of_a_long_wait_for_a_rate_limit(
    sim: Simulator, connect: Callable[..., Client], clock: JumpingClock, notified: list[str]
) -> None:
    client = connect(sim.url, clock=clock, max_retries=1)
    sim.faults.add(Fault("status", status=429))
    client.create_batch(1).value()
    assert notified == []
    sim.faults.add(Fault("status", status=429, retry_after=4, times=3))
    client.create_batch(1).value()
    sim.faults.add(Fault("status", status=429, retry_after=4))
    client.create_batch(1).value()
    assert notified == ["rate limited (HTTP 429); retrying for up to 10 minutes"]


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("Concurrent browser limit reached", "concurrent browsers"),
        ("You have reached the maximum number of browsers (25) of your plan", "concurrent browsers"),
        ("Too many active sessions", "concurrent browsers"),
        ("Concurrency limit exceeded", "concurrent browsers"),
        ("Your request exceeds the limit of 25 concurrent browsers per team, try again later", "concurrent browsers"),
        ("Cost limit reached", "cost"),
        ("Not enough credits for more browsers", "cost"),
    ],
)
def test_a_429_for_a_limit_of_the_plan_ends_a_create_at_once_and_names_the_limit(
    connect: Callable[..., Client], message: str, limit: str
) -> None:
    with Canned(Answer.error(429, message)) as server:
        error = refused(connect(server.url, max_retries=5).create_batch(3))
        assert len(server.requests) == 1
    assert isinstance(error, PlanLimit)
    assert message in str(error)
    assert f"The plan's limit on {limit} is reached" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "Rate limit exceeded",
        "Too many requests",
        "Too many session creation requests",
        "Session creation rate limit exceeded, try again later",
        "You can create 25 browsers per minute",
        "Browser limit: try again in 12 seconds",
        "Too many sessions, slow down",
        "Too Many",
        "",
    ],
)
def test_a_429_for_a_rate_is_waited_for(connect: Callable[..., Client], clock: JumpingClock, message: str) -> None:
    created = Answer.data({"batch_id": ID})
    answers = iter([Answer.error(429, message), created])
    with Canned(lambda _: next(answers)) as server:
        assert connect(server.url, clock=clock, max_retries=1).create_batch(3).value().batch_id == ID


@pytest.mark.parametrize("call", ["DELETE", "PATCH", "GET"])
def test_a_call_that_starts_no_browsers_is_retried_whatever_a_429_says(
    connect: Callable[..., Client], clock: JumpingClock, call: str
) -> None:
    def answer(_: Received) -> Answer:
        turned_away = Answer.error(429, "Concurrent browser limit reached")
        return turned_away if len(server.requests) < 3 else Answer.data({"batch_id": ID, "status": "cancelled"})

    with Canned(answer) as server:
        CALLS[call](connect(server.url, clock=clock, max_retries=2), ID)


def test_a_403_for_the_plans_cost_limit_names_it(connect: Callable[..., Client]) -> None:
    with Canned(Answer.error(403, "Monthly cost limit reached")) as server:
        error = refused(connect(server.url).create_batch(1))
    assert isinstance(error, Forbidden)
    assert "The plan's limit on cost is reached" in str(error)
    with Canned(Answer.error(403, "This key may not start browsers")) as server:
        error = refused(connect(server.url).create_batch(1))
    assert error.advice == Forbidden.advice
