"""After a 401 the environment's key may serve: for a client that asks for it, and for no other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.calls import CALLS, ID, statuses

from pulumi_anchorbrowser.api import ApiKeys, Client, Forbidden, InvalidApiKey, NotFound
from pulumi_anchorbrowser.simulator import Fault, Simulator, most_at_once

KEY = "key-of-a-8c1f"
GONE_OVER = "The API refused the configured key (HTTP 401); using the key of today"


@pytest.mark.parametrize("call", CALLS)
def test_a_refused_key_is_an_error_of_every_call(sim: Simulator, connect: Callable[..., Client], call: str) -> None:
    with pytest.raises(InvalidApiKey, match="HTTP 401"):
        CALLS[call](connect(sim.url, ApiKeys("rotated", KEY), max_retries=3), ID)
    assert statuses(sim) == [401]
    assert sim.batches == {}


def test_the_second_key_serves_a_client_that_asks_for_it_from_then_on(
    sim: Simulator, connect: Callable[..., Client], notified: list[str]
) -> None:
    batch_id = connect(sim.url).create_batch(1).value().batch_id
    client = connect(sim.url, ApiKeys("rotated", KEY)).second_key()
    sim.clear_requests()
    outcome = client.delete_batch(batch_id)
    assert outcome.value() is not None
    assert not outcome.was_lost
    with pytest.raises(NotFound):
        client.get_batch(batch_id)
    assert statuses(sim) == [401, 200, 404]
    [notice] = notified
    assert notice.startswith(GONE_OVER)


def test_the_first_client_keeps_its_key_after_another_one_has_gone_over(
    sim: Simulator, connect: Callable[..., Client]
) -> None:
    client = connect(sim.url, ApiKeys("rotated", KEY))
    client.second_key().list_batches()
    sim.clear_requests()
    assert isinstance(client.create_batch(1).error, InvalidApiKey)
    with pytest.raises(InvalidApiKey):
        client.list_batches()
    assert statuses(sim) == [401, 401]
    assert sim.batches == {}


def test_a_client_speaks_of_the_account_that_its_own_key_opens_now(
    sim: Simulator, connect: Callable[..., Client]
) -> None:
    client = connect(sim.url, ApiKeys("rotated", KEY))
    second = client.second_key()
    before = second.account()
    assert client.opens(before)
    second.list_batches()
    assert not second.opens(before)
    assert second.account().is_opened_by(sim.url, KEY)
    assert client.opens(before)
    assert not client.opens(second.account())


def test_all_calls_for_the_second_key_share_one_client(
    sim: Simulator, connect: Callable[..., Client], notified: list[str]
) -> None:
    client = connect(sim.url, ApiKeys("rotated", KEY))
    assert client.second_key() is client.second_key()
    assert client.second_key().second_key() is client.second_key()
    for _ in range(3):
        client.second_key().list_batches()
    assert statuses(sim) == [401, 200, 200, 200]
    assert len(notified) == 1


def test_both_clients_share_their_slots(sim: Simulator, connect: Callable[..., Client]) -> None:
    client = connect(sim.url, ApiKeys(KEY, "other"), max_concurrency=1)
    sim.settings.latency_seconds = 0.05
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: (client.second_key() if n % 2 else client).list_batches(), range(8)))
    assert most_at_once(sim.requests) == 1


def test_a_key_that_works_is_kept(sim: Simulator, connect: Callable[..., Client], notified: list[str]) -> None:
    connect(sim.url, ApiKeys(KEY, "other")).second_key().list_batches()
    assert statuses(sim) == [200]
    assert notified == []


@pytest.mark.parametrize(("second", "tries"), [(None, 1), ("rotated", 1), ("rotated\n", 1), ("wrong-too", 2)])
def test_a_401_is_an_error_once_no_key_is_left(
    sim: Simulator, connect: Callable[..., Client], second: str | None, tries: int
) -> None:
    with pytest.raises(InvalidApiKey, match="HTTP 401"):
        connect(sim.url, ApiKeys("rotated", second)).second_key().list_batches()
    assert len(sim.requests) == tries


def test_only_a_401_is_about_the_key(sim: Simulator, connect: Callable[..., Client]) -> None:
    sim.faults.add(Fault("status", status=403))
    with pytest.raises(Forbidden):
        connect(sim.url, ApiKeys(KEY, "other")).second_key().list_batches()
    assert len(sim.requests) == 1


def test_the_second_key_takes_no_retry_from_the_call(sim: Simulator, connect: Callable[..., Client]) -> None:
    client = connect(sim.url, ApiKeys("rotated", KEY), max_retries=1).second_key()
    sim.faults.add(Fault("status", status=503, nth=2))
    client.list_batches()
    assert statuses(sim) == [401, 503, 200]


def test_many_calls_at_once_go_over_once(sim: Simulator, connect: Callable[..., Client], notified: list[str]) -> None:
    client = connect(sim.url, ApiKeys("rotated", KEY)).second_key()
    sim.settings.latency_seconds = 0.05
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: client.list_batches(), range(8)))
    assert len(pages) == 8
    assert len(notified) == 1
