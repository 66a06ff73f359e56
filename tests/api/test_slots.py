"""Calls share a bounded number of slots; a call that only waits holds none."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.calls import statuses
from api.clocks import HeldClock, JumpingClock

from pulumi_anchorbrowser.api import Client
from pulumi_anchorbrowser.api.limiter import Limiter
from pulumi_anchorbrowser.clock import Interrupted, SystemClock
from pulumi_anchorbrowser.simulator import Fault, Simulator, most_at_once


def test_a_call_that_sleeps_before_a_retry_has_given_its_slot_back(
    sim: Simulator, connect: Callable[..., Client]
) -> None:
    clock = HeldClock()
    client = connect(sim.url, clock=clock, max_retries=1, max_concurrency=2)
    batch_id = client.create_batch(1).value().batch_id
    sim.faults.add(Fault("status", method="GET", status=503, times=2))
    with ThreadPoolExecutor(3) as pool:
        reads = [pool.submit(client.get_batch, batch_id) for _ in range(2)]
        while clock.sleeping < 2:
            time.sleep(0.01)
        deleted = pool.submit(client.delete_batch, batch_id)
        assert deleted.result(timeout=10).value() is not None
        assert not any(read.done() for read in reads)
        clock.released.set()
    assert sorted(map(str, statuses(sim))) == ["200", "200", "404", "404", "503", "503"]


def test_no_more_requests_than_slots_are_in_flight_while_calls_are_retried(
    sim: Simulator, connect: Callable[..., Client]
) -> None:
    sim.settings.latency_seconds = 0.05
    sim.faults.chance(0.2, 7, [503], method="GET", limit=8)
    client = connect(sim.url, max_retries=50, max_concurrency=3)
    with ThreadPoolExecutor(12) as pool:
        assert len(list(pool.map(lambda _: client.list_batches(), range(40)))) == 40
    assert 503 in statuses(sim)
    assert most_at_once(sim.requests) == 3


def test_a_retry_goes_before_calls_that_have_not_been_sent(sim: Simulator, connect: Callable[..., Client]) -> None:
    client = connect(sim.url, max_retries=1, max_concurrency=1)
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=1))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.create_batch, 1)
        while not sim.requests:
            time.sleep(0.01)
        later = pool.submit(client.create_batch, 2)
        first.result().value()
        later.result().value()
    assert [(request.body["count"], request.status) for request in sim.requests] == [(1, 429), (1, 200), (2, 200)]


def test_a_slot_that_does_not_come_in_time_is_not_given() -> None:
    clock = JumpingClock()
    limiter = Limiter(1, patience=60, clock=clock)
    limiter.turned_away("starting", 50.0, clock.monotonic())
    with limiter.slot("starting", returning=True, until=clock.monotonic() + 20) as has_turn:
        assert not has_turn
    with limiter.slot("starting", returning=True, until=clock.monotonic() + 40) as has_turn:
        assert has_turn
        with limiter.slot("other", until=clock.monotonic() + 5) as has_second:
            assert not has_second
    with limiter.slot("other") as has_turn:
        assert has_turn


def test_an_interrupted_call_that_was_to_go_first_lets_the_others_go() -> None:
    clock = SystemClock()
    limiter = Limiter(4, patience=60, clock=clock)
    limiter.turned_away("other", 1.0, clock.monotonic())
    clock.interrupt()
    with pytest.raises(Interrupted), limiter.slot("other", returning=True):
        pytest.fail("the lane is closed")
    clock._is_interrupted = False  # noqa: SLF001  # as for the other threads, whose clock it is not
    with limiter.slot("other") as has_turn:
        assert has_turn
