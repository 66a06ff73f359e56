"""One limiter for all calls of a process: it slows down together on 429, and finishes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions, RateLimited
from pulumi_anchorbrowser.simulator import Fault, Simulator, most_at_once

KEY = "key-at-scale"


def client_of(sim: Simulator, **options: Any) -> Client:
    return Client(sim.url, ApiKeys(KEY), ClientOptions(**options))


def create_many(client: Client, count: int) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return [created.value().batch_id for created in pool.map(lambda _: client.create_batch(1), range(count))]


def test_no_more_calls_than_allowed_are_under_way(sim: Simulator) -> None:
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


def test_a_quota_on_creations_does_not_hold_up_what_stops_browsers(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=4)
    first = client.create_batch(1).value().batch_id
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=2, times=1))
    with ThreadPoolExecutor(2) as pool:
        turned_away = pool.submit(client.create_batch, 1)
        while not sim.requests_of("POST", "/v1/batch-sessions")[1:]:
            pass
        client.delete_batch(first)
        assert not turned_away.done()
        turned_away.result()


def test_one_429_does_not_end_the_speed_for_good(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=16)
    sim.faults.add(Fault("status", status=429, retry_after=0))
    create_many(client, 64)
    sim.clear_requests()
    sim.settings.latency_seconds = 0.1
    create_many(client, 64)
    assert most_at_once(sim.requests) > 8


def test_a_call_that_is_always_turned_away_ends_with_an_error(sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=0, times=None))
    with pytest.raises(RateLimited, match=r"tried \d times in [12] s"):
        client_of(sim, rate_limit_patience=1.5).create_batch(1).value()


def test_a_quota_is_waited_for_however_often_it_turns_a_call_away(sim: Simulator) -> None:
    sim.settings.creation_quota, sim.settings.creation_quota_seconds = 1, 1.5
    sim.settings.retry_after_on_429 = False
    create_many(client_of(sim, max_retries=1), 4)
    assert len(sim.batches) == 4
    assert len(sim.requests) - 4 > 4, "some were turned away more often than a passing failure is repeated"


def test_a_call_that_was_turned_away_goes_before_those_that_have_not_been_sent(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=1)
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=1))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.create_batch, 1)
        while not sim.requests:
            time.sleep(0.01)
        later = pool.submit(client.create_batch, 2)
        first.result()
        later.result()
    assert [(request.body["count"], request.status) for request in sim.requests] == [(1, 429), (1, 200), (2, 200)]


def test_a_429_halves_how_many_calls_are_under_way(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=16)
    sim.faults.add(Fault("status", status=429))
    client.create_batch(1)
    sim.clear_requests()
    sim.settings.latency_seconds = 1.5
    create_many(client, 24)
    at_first = [request for request in sim.requests if request.started_at < sim.requests[0].started_at + 1]
    assert 8 <= len(at_first) <= 9


def test_that_calls_wait_is_told_once_and_only_where_it_takes_long(sim: Simulator) -> None:
    told: list[str] = []
    client = Client(sim.url, ApiKeys(KEY), ClientOptions(), notify=told.append)
    sim.faults.add(Fault("status", method="POST", status=429))
    client.create_batch(1)
    assert told == []
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=4, times=5))
    create_many(client, 5)
    assert told == ["rate limited (HTTP 429); retrying for up to 10 minutes"]


def test_a_read_that_is_turned_away_is_repeated_no_more_often_than_any_other(sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="GET", status=429, times=None))
    with pytest.raises(RateLimited):
        client_of(sim, max_retries=2).list_batches()
    assert len(sim.requests) == 3


def test_where_nothing_is_to_be_repeated_a_429_is_not(sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=1))
    with pytest.raises(RateLimited):
        client_of(sim, max_retries=0).create_batch(1).value()
    assert len(sim.requests) == 1


def test_a_wait_that_no_call_makes_holds_up_no_other_call(sim: Simulator) -> None:
    client = client_of(sim)
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=3000))
    with pytest.raises(RateLimited, match="the API asks to retry after 3000 s"):
        client.create_batch(1).value()
    client.create_batch(1)
    assert len(sim.batches) == 1


def test_a_retry_after_of_0_is_no_reason_to_ask_at_once(sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=0, times=3))
    client_of(sim).create_batch(1)
    times = [request.started_at for request in sim.requests]
    assert len(times) == 4
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.15


def test_the_patience_of_a_call_begins_with_its_first_try_and_not_in_the_queue(sim: Simulator) -> None:
    client = client_of(sim, max_concurrency=1, rate_limit_patience=1.0)
    sim.faults.add(Fault("latency", method="POST", seconds=1.5), Fault("status", method="POST", status=429))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.create_batch, 1)
        while not sim.requests:
            time.sleep(0.01)
        second = pool.submit(client.create_batch, 1)
        assert {first.result().value().batch_id, second.result().value().batch_id} == set(sim.batches)
    assert [request.status for request in sim.requests] == [200, 429, 200]
