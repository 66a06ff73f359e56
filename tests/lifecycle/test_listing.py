"""Many reads and waits at once cost a few pages of the list, and are never older than what this process has done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, NotFound
from pulumi_anchorbrowser.api.models import Pagination
from pulumi_anchorbrowser.lifecycle import SystemClock
from pulumi_anchorbrowser.lifecycle.pages import pages_left, volleys
from pulumi_anchorbrowser.lifecycle.reading import BatchReader
from pulumi_anchorbrowser.simulator import Fault, Simulator, most_at_once


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim.url, ApiKeys("key-at-scale"))


@pytest.fixture
def batch_ids(sim: Simulator, client: Client) -> list[str]:
    ids = [client.create_batch(1).batch_id for _ in range(250)]
    sim.clear_requests()
    return ids


def read_all(reader: BatchReader, ids: list[str]) -> list[Any]:
    with ThreadPoolExecutor(64) as pool:
        return list(pool.map(reader.read, ids))


def test_a_refresh_of_many_batches_costs_a_few_pages(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    found = read_all(BatchReader(client, SystemClock()), batch_ids)
    assert [batch.batch_id for batch in found] == batch_ids
    assert len(sim.requests) <= 8


def test_all_pages_but_the_first_are_asked_for_at_once(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    sim.settings.latency_seconds = 0.3
    read_all(BatchReader(client, SystemClock()), batch_ids)
    pages = [request for request in sim.requests_of("GET", "/v1/batch-sessions") if "page" in request.query]
    (first, *others) = pages[:3]
    assert (first.query["page"], sorted(one.query["page"] for one in others)) == ("1", ["2", "3"])
    assert most_at_once([first, *others]) == 2


def test_a_single_read_is_a_single_get(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    BatchReader(client, SystemClock()).read(batch_ids[0])
    assert [(r.method, r.path) for r in sim.requests] == [("GET", f"/v1/batch-sessions/{batch_ids[0]}")]


def test_few_batches_behind_many_pages_are_asked_for_one_by_one(
    sim: Simulator, client: Client, batch_ids: list[str]
) -> None:
    oldest = batch_ids[:4]
    with ThreadPoolExecutor(4) as pool:
        reader = BatchReader(client, SystemClock())
        assert {batch.batch_id for batch in pool.map(reader.read, oldest)} == set(oldest)
    assert len(sim.requests) <= 4 + 3


def test_a_batch_that_the_list_does_not_show_is_asked_for_itself(
    sim: Simulator, client: Client, batch_ids: list[str]
) -> None:
    sim.settings.batches_listed_after = 3600.0
    found = read_all(BatchReader(client, SystemClock()), batch_ids[:20])
    assert [batch.batch_id for batch in found] == batch_ids[:20]


def test_gone_is_the_word_of_a_get_and_never_of_a_list(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    sim.delete(batch_ids[3])
    reader = BatchReader(client, SystemClock())
    with ThreadPoolExecutor(20) as pool:
        reads = [pool.submit(reader.read, batch_id) for batch_id in batch_ids[:20]]
        assert [isinstance(read.exception(), NotFound) for read in reads].index(True) == 3
        assert sum(read.exception() is None for read in reads) == 19


def test_a_list_that_fails_fails_nobody(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    sim.faults.add(Fault("status", method="GET", path="/v1/batch-sessions", status=403, times=None))
    assert len(read_all(BatchReader(client, SystemClock()), batch_ids[:20])) == 20


def test_what_this_process_has_changed_is_read_anew(sim: Simulator, client: Client) -> None:
    sim.settings.creation_seconds = 1000
    fresh = [client.create_batch(1).batch_id for _ in range(10)]
    reader = BatchReader(client, SystemClock())
    assert {batch.status for batch in read_all(reader, fresh)} == {"pending"}
    client.cancel_batch(fresh[0])
    reader.changed(fresh[0])
    assert reader.read(fresh[0]).status == "cancelled"
    sim.clear_requests()
    assert reader.read(fresh[1]).status == "pending"
    assert sim.requests == []


def test_a_page_that_was_asked_for_before_a_change_ended_is_not_believed(
    sim: Simulator, client: Client, batch_ids: list[str]
) -> None:
    reader = BatchReader(client, SystemClock())
    newest, changed = batch_ids[-20:], batch_ids[-5]

    def change(_page_is_on_its_way: object) -> None:
        sim.delete(changed)
        reader.changed(changed)

    sim.faults.add(Fault("callback", method="GET", path="/v1/batch-sessions", after=change))
    with ThreadPoolExecutor(20) as pool:
        reads = {batch_id: pool.submit(reader.read, batch_id) for batch_id in newest}
        assert [batch_id for batch_id, read in reads.items() if isinstance(read.exception(), NotFound)] == [changed]


def test_looks_that_come_one_by_one_share_pages_too(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    reader = BatchReader(client, SystemClock())
    assert [reader.read(batch_id).batch_id for batch_id in batch_ids] == batch_ids
    assert len(sim.requests) <= 2 + 3 + 2


def test_looks_one_by_one_at_what_the_list_does_not_show_cost_little_more_than_themselves(
    sim: Simulator, client: Client, batch_ids: list[str]
) -> None:
    sim.settings.batches_listed_after = 3600.0
    reader = BatchReader(client, SystemClock())
    assert [reader.read(batch_id).batch_id for batch_id in batch_ids[:40]] == batch_ids[:40]
    assert len(sim.requests) <= 40 * 1.5


def test_a_page_that_is_asked_for_after_a_read_has_begun_is_new_enough_for_it_however_long_it_takes(
    sim: Simulator, client: Client, batch_ids: list[str]
) -> None:
    sim.settings.latency_seconds = 0.5
    reader = BatchReader(client, SystemClock())
    with ThreadPoolExecutor(64) as pool:
        assert len(list(pool.map(lambda batch_id: reader.read(batch_id, max_age=0.1), batch_ids[:60]))) == 60
    assert len(sim.requests_of("GET", "/v1/batch-sessions/")) < 10, "the first two are not many yet"


def test_whoever_waits_for_pages_wakes_also_where_reading_them_breaks(
    client: Client, batch_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(client, "list_batches", broken)
    reader = BatchReader(client, SystemClock())
    with ThreadPoolExecutor(20) as pool:
        reads = [pool.submit(reader.read, batch_id) for batch_id in batch_ids[:20]]
        failed = [read for read in reads if isinstance(read.exception(timeout=20), MemoryError)]
    assert 1 <= len(failed) < 20
    monkeypatch.undo()
    assert reader.read(batch_ids[0]).batch_id == batch_ids[0]


def test_where_no_threads_are_to_be_had_pages_are_read_one_after_another(
    client: Client, batch_ids: list[str], leave_threads: Callable[[int], None]
) -> None:
    leave_threads(0)
    found = [batch.batch_id for answers in volleys(client) for page in answers for batch in page.batches]
    assert sorted(found) == sorted(batch_ids)


@pytest.mark.parametrize(
    ("total_pages", "total_records", "left"), [(7, 650, 5), (None, 650, 5), (None, None, 1), (2, 200, 1)]
)
def test_how_many_pages_are_left_is_told_by_what_the_api_says(
    total_pages: int | None, total_records: int | None, left: int
) -> None:
    said = Pagination(total_pages=total_pages, total_records=total_records, has_next=True)
    assert pages_left(said, read=2) == left


def test_what_was_seen_is_not_kept_for_ever(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    class Moved(SystemClock):
        ahead = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.ahead

    clock = Moved()
    reader = BatchReader(client, clock)
    read_all(reader, batch_ids[:20])
    clock.ahead = 6.0
    sim.clear_requests()
    read_all(reader, batch_ids[:20])
    assert sim.requests != []
