"""One limiter for all calls of a process: it slows down together on 429, and finishes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions, RateLimited
from pulumi_anchorbrowser.simulator import Fault, Simulator, most_at_once

KEY = "key-at-scale"


def client_of(sim: Simulator, **options: Any) -> Client:
    return Client(sim.url, ApiKeys(KEY), ClientOptions(**options))


def create_many(client: Client, count: int) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return [created.batch_id for created in pool.map(lambda _: client.create_batch(1), range(count))]


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
    first = client.create_batch(1).batch_id
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
    with pytest.raises(RateLimited, match="tried 4 times"):
        client_of(sim, max_retries=3).create_batch(1)
