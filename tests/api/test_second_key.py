"""After a 401 with the configured key, the environment's: a destroy sees the config of the last `up`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, Forbidden, InvalidApiKey
from pulumi_anchorbrowser.simulator import Fault, Simulator

KEY = "key-of-a-8c1f"


def test_a_refused_key_gives_way_to_the_second_for_good(sim: Simulator, connect: Callable[..., Client]) -> None:
    told: list[str] = []
    client = connect(sim.url, ApiKeys("rotated", KEY, lambda: told.append("fallback")))
    old_account = client.account()
    client.create_batch(1)
    client.list_batches()
    assert [(request.method, request.status) for request in sim.requests] == [
        ("POST", 401),
        ("POST", 200),
        ("GET", 200),
    ]
    assert len(sim.batches) == 1
    assert told == ["fallback"]
    assert not client.opens(old_account)
    assert client.account().is_opened_by(sim.url, KEY)


def test_a_key_that_works_is_kept(sim: Simulator, connect: Callable[..., Client]) -> None:
    told: list[str] = []
    connect(sim.url, ApiKeys(KEY, "other", lambda: told.append("fallback"))).list_batches()
    assert [request.status for request in sim.requests] == [200]
    assert told == []


@pytest.mark.parametrize(("second", "tries"), [(None, 1), ("rotated", 1), ("wrong-too", 2)])
def test_with_no_key_left_the_401_is_told(
    sim: Simulator, connect: Callable[..., Client], second: str | None, tries: int
) -> None:
    with pytest.raises(InvalidApiKey, match="HTTP 401"):
        connect(sim.url, ApiKeys("rotated", second)).list_batches()
    assert len(sim.requests) == tries


def test_only_a_401_is_about_the_key(sim: Simulator, connect: Callable[..., Client]) -> None:
    sim.faults.add(Fault("status", status=403))
    with pytest.raises(Forbidden):
        connect(sim.url, ApiKeys(KEY, "other")).list_batches()
    assert len(sim.requests) == 1


def test_many_calls_at_once_fall_back_once(sim: Simulator, connect: Callable[..., Client]) -> None:
    told: list[str] = []
    client = connect(sim.url, ApiKeys("rotated", KEY, lambda: told.append("fallback")))
    sim.settings.latency_seconds = 0.05
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: client.list_batches(), range(8)))
    assert len(pages) == 8
    assert told == ["fallback"]
