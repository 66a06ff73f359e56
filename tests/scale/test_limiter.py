"""One limiter for all calls of a process: calls slow down together after a 429, and all of them finish."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.simulator import Fault, Simulator, most_at_once

KEY = "key-at-scale"


def client_of(sim: Simulator, **options: Any) -> Client:
    return Client(sim.url, ApiKeys(KEY), ClientOptions(**options))


def create(client: Client, count: int = 1) -> str:
    return client.create_batch(count).value().batch_id


def create_many(client: Client, count: int) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: create(client), range(count)))


def test_no_more_calls_than_allowed_are_in_flight(sim: Simulator) -> None:
    sim.settings.latency_seconds = 0.05
    create_many(client_of(sim, max_concurrency=5), 30)
    assert most_at_once(sim.requests) == 5


@pytest.mark.parametrize("with_retry_after", [True, False])
def test_two_hosts_that_share_a_quota_both_finish(sim: Simulator, with_retry_after: bool) -> None:
    sim.settings.creation_quota, sim.settings.creation_quota_seconds = 10, 1.0
    sim.settings.retry_after_on_429 = with_retry_after
    with ThreadPoolExecutor(2) as hosts:
        made = list(hosts.map(lambda _: create_many(client_of(sim), 25), range(2)))
    assert len({*made[0], *made[1]}) == 50 == len(sim.batches)


def test_a_quota_on_creations_does_not_delay_what_stops_browsers(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=4)
    first = create(client)
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=2, times=1))
    with ThreadPoolExecutor(2) as pool:
        turned_away = pool.submit(create, client)
        while not sim.requests_of("POST", "/v1/batch-sessions")[1:]:
            time.sleep(0.01)
        client.delete_batch(first).value()
        assert not turned_away.done()
        turned_away.result()


def test_one_429_does_not_slow_calls_down_for_good(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=16)
    sim.faults.add(Fault("status", status=429, retry_after=0))
    create_many(client, 64)
    sim.clear_requests()
    sim.settings.latency_seconds = 0.1
    create_many(client, 64)
    assert most_at_once(sim.requests) > 8


def test_a_quota_is_waited_for_however_often_a_call_is_turned_away(sim: Simulator) -> None:
    sim.settings.creation_quota, sim.settings.creation_quota_seconds = 1, 1.5
    sim.settings.retry_after_on_429 = False
    create_many(client_of(sim, max_retries=1), 4)
    assert len(sim.batches) == 4
    assert len(sim.requests) - 4 > 4, "no call was turned away more often than a call is retried after other failures"


def test_a_429_halves_the_number_of_calls_in_flight(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=16)
    sim.faults.add(Fault("status", status=429))
    create(client)
    sim.clear_requests()
    sim.settings.latency_seconds = 1.5
    create_many(client, 24)
    at_first = [request for request in sim.requests if request.started_at < sim.requests[0].started_at + 1]
    assert 8 <= len(at_first) <= 9


def test_a_retry_after_that_no_call_can_wait_for_delays_no_other_call(sim: Simulator) -> None:
    client = client_of(sim)
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=3000))
    assert "3000 s" in str(client.create_batch(1).error)
    create(client)
    assert len(sim.batches) == 1


def test_a_retry_after_of_0_is_not_a_retry_at_once(sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=0, times=3))
    create(client_of(sim))
    times = [request.started_at for request in sim.requests]
    assert len(times) == 4
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.15


def test_the_patience_of_a_call_begins_with_its_first_try_and_not_in_the_queue(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=1, rate_limit_patience=1.0)
    sim.faults.add(Fault("latency", method="POST", seconds=1.5), Fault("status", method="POST", status=429))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(create, client)
        while not sim.requests:
            time.sleep(0.01)
        second = pool.submit(create, client)
        assert {first.result(), second.result()} == set(sim.batches)
    assert [request.status for request in sim.requests] == [200, 429, 200]
