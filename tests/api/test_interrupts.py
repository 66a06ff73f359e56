"""An interrupt ends every wait of a call at once, and never a request that was sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from api.calls import CALLS, ID, lost, refused, statuses

from pulumi_anchorbrowser.api import Client, RateLimited, ServerError
from pulumi_anchorbrowser.clock import Interrupted, SystemClock
from pulumi_anchorbrowser.simulator import Fault, Simulator


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@contextmanager
def soon() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 5


def until(condition: Callable[[], Any]) -> None:
    while not condition():
        time.sleep(0.01)


@pytest.mark.parametrize("call", CALLS)
def test_an_interrupted_client_sends_nothing_more(
    sim: Simulator, connect: Callable[..., Client], clock: SystemClock, call: str
) -> None:
    client = connect(sim.url, clock=clock)
    clock.interrupt()
    with pytest.raises(Interrupted):
        CALLS[call](client, ID)
    assert sim.requests == []


def test_an_interrupt_between_two_tries_ends_the_call_with_its_first_try(
    sim: Simulator, connect: Callable[..., Client], clock: SystemClock
) -> None:
    sim.faults.add(Fault("status", method="DELETE", status=503, retry_after=60, times=None))
    client = connect(sim.url, clock=clock, max_retries=5)
    with soon(), ThreadPoolExecutor() as pool:
        deleted = pool.submit(client.delete_batch, ID)
        until(lambda: 503 in statuses(sim))
        time.sleep(0.2)
        clock.interrupt()
        outcome = deleted.result()
    assert isinstance(lost(outcome), ServerError)
    assert len(outcome.tries) == len(sim.requests) == 1


def test_an_interrupt_ends_the_wait_for_a_rate_limit(
    sim: Simulator, connect: Callable[..., Client], clock: SystemClock
) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=60, times=None))
    client = connect(sim.url, clock=clock, max_retries=5)
    with soon(), ThreadPoolExecutor() as pool:
        created = pool.submit(client.create_batch, 1)
        until(lambda: 429 in statuses(sim))
        time.sleep(0.2)
        clock.interrupt()
        outcome = created.result()
    assert isinstance(refused(outcome), RateLimited)
    assert len(outcome.tries) == len(sim.requests) == 1


def test_an_interrupt_ends_the_wait_for_a_slot_and_lets_the_request_in_flight_finish(
    sim: Simulator, connect: Callable[..., Client], clock: SystemClock
) -> None:
    client = connect(sim.url, clock=clock, max_concurrency=1)
    sim.faults.add(Fault("latency", seconds=1.0))
    with soon(), ThreadPoolExecutor() as pool:
        first = pool.submit(client.create_batch, 1)
        until(lambda: sim.requests)
        others = [pool.submit(client.list_batches) for _ in range(3)]
        time.sleep(0.2)
        clock.interrupt()
        for other in others:
            with pytest.raises(Interrupted):
                other.result()
        assert not first.done()
        assert first.result().value().batch_id in sim.batches
    assert len(sim.requests) == 1
