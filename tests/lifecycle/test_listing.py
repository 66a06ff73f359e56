"""Lists of batches and sessions: each costs a few requests, misses nothing, and ends whatever the API says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import pytest

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions, Forbidden, NotFound
from pulumi_anchorbrowser.api.models import Pagination
from pulumi_anchorbrowser.clock import Interrupted, SystemClock
from pulumi_anchorbrowser.lifecycle import claims as claims_module
from pulumi_anchorbrowser.lifecycle import listing as module
from pulumi_anchorbrowser.lifecycle.claims import ClaimLook, Claims
from pulumi_anchorbrowser.lifecycle.listing import Listing, ListingIncomplete, pages_left
from pulumi_anchorbrowser.lifecycle.looks import ENDED_WORDS, RUNNING_WORDS, BatchIdentity, Look, Looks
from pulumi_anchorbrowser.lifecycle.tags import claim_tag, owner_tag, with_tags
from pulumi_anchorbrowser.lifecycle.times import moment
from pulumi_anchorbrowser.simulator import Fault, Simulator, SimulatorSettings, most_at_once

KEY, OWNER = "key-of-a-team", "acme/shop/dev"
BATCHES, STATUSES, SESSIONS = "/v1/batch-sessions", "/v1/sessions/all/status", "/v1/sessions"


@pytest.fixture(scope="module")
def sim_with_many() -> Iterator[Simulator]:
    """A simulator with 250 batches, which takes a while to fill."""
    with Simulator({KEY: "team"}, SimulatorSettings()) as running:
        yield running


@pytest.fixture
def sim(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    if "batch_ids" not in request.fixturenames:
        with Simulator({KEY: "team"}, SimulatorSettings()) as running:
            yield running
        return
    shared: Simulator = request.getfixturevalue("sim_with_many")
    yield shared
    vars(shared.settings).update(vars(SimulatorSettings()))
    shared.faults.clear()


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def client(sim: Simulator, clock: SystemClock) -> Iterator[Client]:
    client = Client(sim.url, ApiKeys(KEY), ClientOptions(max_retries=0), clock=clock)
    yield client
    client.close()


@pytest.fixture
def listing(client: Client, clock: SystemClock) -> Listing:
    return Listing(client, clock)


@pytest.fixture
def looks(client: Client, clock: SystemClock) -> Looks:
    return Looks(client, clock)


@pytest.fixture
def claims(client: Client, listing: Listing) -> Claims:
    return Claims(client, listing)


def started(client: Client, claim: str, count: int = 1, owner: str = OWNER) -> BatchIdentity:
    """A batch as this provider starts it."""
    created = client.create_batch(count, with_tags(None, owner, claim)).value()
    return BatchIdentity(created.batch_id, owner, claim, created_at=created.created_at)


def many_started(sim: Simulator, client: Client, number: int) -> list[BatchIdentity]:
    batches = [started(client, f"claim-{index}") for index in range(number)]
    sim.clear_requests()
    return batches


@pytest.fixture
def batch_ids(sim: Simulator, client: Client) -> list[str]:
    """250 batches, the oldest first."""
    ids = [batch.id for batch in sim.batches.values() if not batch.deleted]
    ids += [client.create_batch(1).value().batch_id for _ in range(250 - len(ids))]
    sim.clear_requests()
    return ids


def at_once(work: Callable[[Any], Any], ones: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(len(ones)) as pool:
        return list(pool.map(work, ones))


# One batch


def test_a_refresh_of_many_batches_costs_a_few_pages(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    assert [batch.batch_id for batch in at_once(listing.batch, batch_ids)] == batch_ids
    assert len(sim.requests) <= 8


def test_a_single_read_is_a_single_get(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    listing.batch(batch_ids[0])
    assert [(r.method, r.path) for r in sim.requests] == [("GET", f"{BATCHES}/{batch_ids[0]}")]


def test_few_batches_behind_many_pages_are_read_one_by_one(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    oldest = batch_ids[:4]
    assert [batch.batch_id for batch in at_once(listing.batch, oldest)] == oldest
    assert len(sim.requests) <= 4 + 3


def test_a_batch_that_the_list_does_not_show_is_read_by_its_id(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    sim.settings.batches_listed_after = 3600.0
    assert [batch.batch_id for batch in at_once(listing.batch, batch_ids[:20])] == batch_ids[:20]


def test_only_a_get_says_that_a_batch_is_gone(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.delete(batch_ids[3])
    with ThreadPoolExecutor(20) as pool:
        reads = [pool.submit(listing.batch, batch_id) for batch_id in batch_ids[:20]]
        assert [isinstance(read.exception(), NotFound) for read in reads].index(True) == 3
        assert sum(read.exception() is None for read in reads) == 19


def test_a_list_that_fails_fails_no_read(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.faults.add(Fault("status", method="GET", path=BATCHES, status=403, times=None))
    assert len(at_once(listing.batch, batch_ids[:20])) == 20


def test_a_batch_that_this_process_has_changed_is_read_anew(sim: Simulator, client: Client, listing: Listing) -> None:
    sim.settings.creation_seconds = 1000
    fresh = [client.create_batch(1).value().batch_id for _ in range(10)]
    assert {batch.status for batch in at_once(listing.batch, fresh)} == {"pending"}
    client.cancel_batch(fresh[0]).value()
    listing.changed(fresh[0])
    assert listing.batch(fresh[0]).status == "cancelled"
    sim.clear_requests()
    assert listing.batch(fresh[1]).status == "pending"
    assert sim.requests == []


def test_a_page_that_was_requested_before_a_change_is_not_used_after_it(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    newest, changed = batch_ids[-20:], batch_ids[-5]

    def change(_page_is_on_its_way: object) -> None:
        sim.delete(changed)
        listing.changed(changed)

    sim.faults.add(Fault("callback", method="GET", path=BATCHES, after=change))
    with ThreadPoolExecutor(20) as pool:
        reads = {batch_id: pool.submit(listing.batch, batch_id) for batch_id in newest}
        assert [batch_id for batch_id, read in reads.items() if isinstance(read.exception(), NotFound)] == [changed]


def test_reads_one_after_another_share_pages_too(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    assert [listing.batch(batch_id).batch_id for batch_id in batch_ids] == batch_ids
    assert len(sim.requests) <= 2 + 3 + 2


def test_reads_one_after_another_of_batches_that_the_list_does_not_show_cost_little_more_than_gets(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    sim.settings.batches_listed_after = 3600.0
    assert [listing.batch(batch_id).batch_id for batch_id in batch_ids[:40]] == batch_ids[:40]
    assert len(sim.requests) <= 40 * 1.5


def test_a_page_that_is_requested_after_a_read_has_begun_is_new_enough_however_long_it_takes(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    sim.settings.latency_seconds = 0.5
    assert len(at_once(lambda batch_id: listing.batch(batch_id, max_age=0.1), batch_ids[:60])) == 60
    assert len(sim.requests_of("GET", f"{BATCHES}/")) < 10, "the first two are not many yet"


def test_readers_wake_up_where_the_one_that_reads_for_all_breaks(
    client: Client, listing: Listing, batch_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(client, "list_batches", broken)
    with ThreadPoolExecutor(20) as pool:
        reads = [pool.submit(listing.batch, batch_id) for batch_id in batch_ids[:20]]
        failed = [read for read in reads if isinstance(read.exception(timeout=20), MemoryError)]
    assert 1 <= len(failed) < 20
    monkeypatch.undo()
    assert listing.batch(batch_ids[0]).batch_id == batch_ids[0]


def test_what_was_read_is_used_for_five_seconds(sim: Simulator, client: Client, batch_ids: list[str]) -> None:
    class Moved(SystemClock):
        ahead = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.ahead

    clock = Moved()
    listing = Listing(client, clock)
    at_once(listing.batch, batch_ids[:20])
    sim.clear_requests()
    at_once(listing.batch, batch_ids[:20])
    assert sim.requests == []
    clock.ahead = 6.0
    at_once(listing.batch, batch_ids[:20])
    assert sim.requests != []


# The whole list


def test_all_batches_are_listed_once_each(listing: Listing, batch_ids: list[str]) -> None:
    assert sorted(batch.batch_id for batch in listing.all_batches()) == sorted(batch_ids)


def test_all_pages_but_the_first_are_requested_at_once(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.settings.latency_seconds = 0.3
    assert sum(len(page.batches) for pages in listing.pages() for page in pages) == len(batch_ids)
    (first, *others) = sim.requests
    assert (first.query["page"], sorted(one.query["page"] for one in others)) == ("1", ["2", "3"])
    assert most_at_once([first, *others]) == 2


def test_pages_are_read_one_after_another_where_the_system_gives_no_threads(
    listing: Listing, batch_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_thread: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert sorted(batch.batch_id for batch in listing.all_batches()) == sorted(batch_ids)


def test_a_batch_that_a_deletion_shifts_across_a_page_is_not_missed(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    sim.faults.add(Fault("callback", method="GET", path=BATCHES, after=lambda _: sim.delete(batch_ids[-1])))
    assert {batch.batch_id for batch in listing.all_batches()} >= set(batch_ids[:-1])


def test_a_list_that_never_holds_still_is_an_error(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.settings.unsteady_pages = True
    with pytest.raises(ListingIncomplete, match="changed during each of 5 readings"):
        assert len(list(listing.all_batches())) <= len(batch_ids)


def test_a_filter_is_part_of_every_request(sim: Simulator, client: Client, listing: Listing) -> None:
    client.create_batch(1).value()
    sim.settings.creation_seconds = 1000
    pending = {client.create_batch(1).value().batch_id for _ in range(101)}
    assert {batch.batch_id for batch in listing.all_batches(status="pending")} == pending
    assert {one.query["status"] for one in sim.requests_of("GET")} == {"pending"}


def test_a_list_that_fails_is_an_error(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.faults.add(Fault("status", path=BATCHES, status=403, nth=3))
    with pytest.raises(Forbidden):
        list(listing.all_batches())
    assert batch_ids


@pytest.mark.parametrize("following", ["empty", "repeated"])
def test_a_list_that_always_promises_another_page_ends(
    sim: Simulator, listing: Listing, batch_ids: list[str], following: Any
) -> None:
    sim.settings.endless_pages = following
    assert sorted(batch.batch_id for batch in listing.all_batches()) == sorted(batch_ids)
    assert len(sim.requests) < 20


def test_a_list_of_ever_more_pages_is_an_error(
    listing: Listing, batch_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PAGES", 1)
    with pytest.raises(ListingIncomplete, match="the list has not ended after"):
        list(listing.all_batches())
    assert batch_ids


@pytest.mark.parametrize("off", [-1, 1])
def test_a_list_that_does_not_add_up_to_its_total_is_an_error(
    sim: Simulator, listing: Listing, batch_ids: list[str], off: int
) -> None:
    sim.settings.total_off_by = off
    with pytest.raises(ListingIncomplete) as caught:
        list(listing.all_batches())
    assert f"listed {len(batch_ids)} batches and reports {len(batch_ids) + off}" in str(caught.value)


def test_odd_rows_are_counted_and_skipped_where_the_caller_allows_it(
    sim: Simulator, listing: Listing, batch_ids: list[str]
) -> None:
    sim.settings.odd_rows = 3
    counts: list[int] = []
    assert sorted(one.batch_id for one in listing.all_batches(counts.append)) == sorted(batch_ids)
    assert counts == [3]


def test_odd_rows_are_an_error_where_they_may_matter(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.settings.odd_rows = 1
    with pytest.raises(ListingIncomplete, match="1 row without a usable id or status"):
        list(listing.all_batches())
    assert batch_ids


def test_odd_rows_do_not_matter_to_reads(sim: Simulator, listing: Listing, batch_ids: list[str]) -> None:
    sim.settings.odd_rows = 2
    assert [batch.batch_id for batch in at_once(listing.batch, batch_ids)] == batch_ids


@pytest.mark.parametrize(
    ("total_pages", "total_records", "left"), [(7, 650, 5), (None, 650, 5), (None, None, 1), (2, 200, 1)]
)
def test_the_number_of_pages_left_is_what_the_api_reports(
    total_pages: int | None, total_records: int | None, left: int
) -> None:
    pagination = Pagination(total_pages=total_pages, total_records=total_records, has_next=True)
    assert pages_left(pagination, read=2) == left


# The sessions of one batch


def test_all_pages_of_a_batchs_sessions_are_read(sim: Simulator, client: Client, listing: Listing) -> None:
    batch = started(client, "claim", count=120)
    started(client, "another", count=3)
    sim.stop_sessions(batch.batch_id, 20)
    found = listing.sessions_of(batch.batch_id)
    assert len({session.id for session in found}) == len(found) == 120
    assert [one.query["page"] for one in sim.requests_of("GET", SESSIONS)] == ["1", "2", "3", "4"]


def test_a_batch_that_the_api_does_not_know_has_no_sessions(listing: Listing) -> None:
    assert listing.sessions_of("964bb823-e620-4758-ac4d-f9760511f4d8") == ()


@pytest.mark.parametrize("following", ["empty", "repeated"])
def test_a_list_of_sessions_without_an_end_ends(
    sim: Simulator, client: Client, listing: Listing, following: Any
) -> None:
    batch = started(client, "claim", count=60)
    sim.settings.endless_pages = following
    assert len(listing.sessions_of(batch.batch_id)) == 60
    assert len(sim.requests_of("GET", SESSIONS)) <= 3


def test_a_list_of_ever_more_pages_of_sessions_is_an_error_whatever_its_total_says(
    sim: Simulator, client: Client, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_SESSION_PAGES", 2)
    batch = started(client, "claim", count=120)
    without_total = Fault("edited", path=SESSIONS, times=None, edit=lambda body: body["data"].pop("total") and None)
    sim.faults.add(without_total)
    with pytest.raises(ListingIncomplete, match="the list has not ended after 2 pages"):
        listing.sessions_of(batch.batch_id)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"total_off_by": 1}, "the API lists 60 and reports 61"), ({"odd_rows": 2}, "1 session without a usable id")],
)
def test_sessions_that_are_not_listed_completely_are_an_error(
    sim: Simulator, client: Client, listing: Listing, changed: dict[str, int], reason: str
) -> None:
    batch = started(client, "claim", count=60)
    vars(sim.settings).update(changed)
    with pytest.raises(ListingIncomplete) as caught:
        listing.sessions_of(batch.batch_id)
    assert reason in str(caught.value)
    assert reason in caught.value.reason


def test_a_total_that_is_too_low_hides_no_session(sim: Simulator, client: Client, listing: Listing) -> None:
    batch = started(client, "claim", count=60)
    sim.settings.total_off_by = -50
    assert len(listing.sessions_of(batch.batch_id)) == 60


# Looks at what runs


def test_a_look_tells_running_from_ended_sessions(sim: Simulator, client: Client, looks: Looks) -> None:
    batch = started(client, "claim", count=5)
    sim.stop_sessions(batch.batch_id, 2)
    look = looks.running(batch)
    assert (len(look.running), look.unknown, look.ended) == (3, (), 2)
    sim.stop_sessions(batch.batch_id)
    assert looks.running(batch) == Look((), (), 5)
    sim.delete(batch.batch_id)
    assert looks.running(batch) == Look()


@pytest.mark.parametrize("word", [*sorted(RUNNING_WORDS), "Running", "STARTING"])
def test_a_known_word_for_running_counts_as_running(sim: Simulator, client: Client, looks: Looks, word: str) -> None:
    sim.settings.running_word = word
    assert len(looks.running(started(client, "claim", count=2)).running) == 2


@pytest.mark.parametrize("word", [*sorted(ENDED_WORDS), "Timed Out", "timed-out"])
def test_a_known_word_for_ended_counts_as_ended(sim: Simulator, client: Client, looks: Looks, word: str) -> None:
    sim.settings.ended_word = word
    batch = started(client, "claim", count=2)
    sim.stop_sessions(batch.batch_id)
    assert looks.running(batch) == Look((), (), 2)


def test_any_other_word_is_named_and_confirms_nothing(sim: Simulator, client: Client, looks: Looks) -> None:
    sim.settings.running_word = "hibernating"
    assert looks.running(started(client, "claim", count=2)) == Look((), ("hibernating",), 0)


@pytest.mark.parametrize("lists_ended", [True, False])
def test_many_looks_share_a_few_requests(sim: Simulator, client: Client, looks: Looks, lists_ended: bool) -> None:
    sim.settings.ended_sessions_in_all_status = lists_ended
    batches = many_started(sim, client, 60)
    for batch in batches[::2]:
        sim.stop_sessions(batch.batch_id)
    shown = at_once(looks.running, batches)
    assert [len(look.running) for look in shown] == [0, 1] * 30
    assert [look.ended for look in shown] == ([1, 0] * 30 if lists_ended else [0] * 60)
    # The first two do not know yet that there are many; then come shared looks, each with its sample.
    assert len(sim.requests) <= 2 + 8 * 2


def test_a_shared_look_asks_by_the_owner_and_the_apis_own_time(sim: Simulator, client: Client, looks: Looks) -> None:
    batches = many_started(sim, client, 20)
    at_once(looks.running, batches)
    shared = [one.query for one in sim.requests if "tags" in one.query]
    assert {query["tags"] for query in shared} == {owner_tag(OWNER)}
    created = [moment(sim_batch["created_at"]) for sim_batch in _created(client, batches)]
    assert moment(shared[0]["created_from"]) in {one - timedelta(hours=1) for one in created if one is not None}


def _created(client: Client, batches: list[BatchIdentity]) -> list[dict[str, Any]]:
    return [client.get_batch(batch.batch_id).model_dump() for batch in batches]


def test_a_shared_look_has_no_time_where_one_is_unknown(sim: Simulator, client: Client, looks: Looks) -> None:
    batches = [BatchIdentity(one.batch_id, OWNER, one.claim) for one in many_started(sim, client, 20)]
    at_once(looks.running, batches)
    assert any("tags" in one.query for one in sim.requests)
    assert all("created_from" not in one.query for one in sim.requests)


def test_adopted_batches_and_those_of_another_owner_are_looked_at_by_id(
    sim: Simulator, client: Client, looks: Looks
) -> None:
    own = many_started(sim, client, 10)
    adopted = [BatchIdentity(one.batch_id, OWNER, "another-claim", adopted=True) for one in own[:5]]
    alone = [started(client, "x", owner="acme/shop/prod"), started(client, "y", owner="acme/shop/prod")]
    sim.clear_requests()
    shown = at_once(looks.running, [*adopted, *alone])
    assert [len(look.running) for look in shown] == [1] * 7
    assert sorted(one.query["batch_id"] for one in sim.requests) == sorted(one.batch_id for one in [*adopted, *alone])


def test_a_shared_look_that_fails_fails_no_look(sim: Simulator, client: Client, looks: Looks) -> None:
    batches = many_started(sim, client, 10)
    sim.faults.add(Fault("status", status=503, times=None, when=lambda one: "tags" in one.query))
    assert [len(look.running) for look in at_once(looks.running, batches)] == [1] * 10


def test_batches_whose_owner_tag_was_taken_away_are_looked_at_by_id(
    sim: Simulator, client: Client, looks: Looks
) -> None:
    tagged_otherwise = many_started(sim, client, 10)
    batches = [BatchIdentity(one.batch_id, "acme/shop/old-name", one.claim) for one in tagged_otherwise]
    assert [len(look.running) for look in at_once(looks.running, batches)] == [1] * 10


def test_a_running_session_of_the_owner_without_a_claim_sends_every_look_to_the_id(
    sim: Simulator, client: Client, looks: Looks
) -> None:
    batches = many_started(sim, client, 10)
    stray = client.create_batch(1, {"session": {"tags": [owner_tag(OWNER)]}}).value().batch_id
    assert [len(look.running) for look in at_once(looks.running, batches)] == [1] * 10
    by_id = [one.query["batch_id"] for one in sim.requests_of("GET", STATUSES) if "batch_id" in one.query]
    assert set(by_id) == {batch.batch_id for batch in batches}
    sim.stop_sessions(stray)
    sim.clear_requests()
    at_once(looks.running, batches)
    assert len(sim.requests) < 10, "one that has ended hides nothing"


def test_a_running_session_that_lost_its_claim_is_found(sim: Simulator, client: Client, looks: Looks) -> None:
    batches = [started(client, f"claim-{index}", count=2) for index in range(10)]
    for batch in batches:
        sim.stop_sessions(batch.batch_id, 1)
    (running,) = sim.live_sessions(batch_id=batches[3].batch_id)
    sim.put_tags(running.session_id, ["pulumi", owner_tag(OWNER)])
    shown = at_once(looks.running, batches)
    assert shown[3].running == (running.session_id,)


@pytest.mark.parametrize(("odd_rows", "words"), [(1, ("(none)",)), (2, ("(none)", "(unreadable)"))])
def test_a_look_with_rows_that_cannot_be_read_confirms_nothing(
    sim: Simulator, client: Client, looks: Looks, odd_rows: int, words: tuple[str, ...]
) -> None:
    batches = many_started(sim, client, 10)
    for batch in batches:
        sim.stop_sessions(batch.batch_id)
    sim.settings.odd_rows = odd_rows
    assert {look.unknown for look in at_once(looks.running, batches)} == {words}


def test_a_look_never_uses_a_response_that_was_requested_before_it(
    sim: Simulator, client: Client, looks: Looks
) -> None:
    batches = many_started(sim, client, 12)
    late = batches.pop()
    shown: list[Look] = []
    look_late = threading.Thread(target=lambda: shown.append(looks.running(late)))

    def stop_and_look(_response_is_on_its_way: object) -> None:
        sim.stop_sessions(late.batch_id)
        look_late.start()
        look_late.join(0.3)

    sim.faults.add(Fault(method="GET", path=STATUSES, after=stop_and_look, when=lambda one: "tags" in one.query))
    assert [len(look.running) for look in at_once(looks.running, batches)] == [1] * 11
    look_late.join(10)
    assert shown == [Look((), (), 1)]


# Claims


def test_a_claim_is_found_among_batches_of_the_same_size(sim: Simulator, client: Client, claims: Claims) -> None:
    batches = many_started(sim, client, 12)
    started(client, "larger", count=2)
    for batch in batches:
        assert claims.find(batch.claim, count=1, since=None).batch_id == batch.batch_id


def test_no_time_stands_beside_a_claim(sim: Simulator, client: Client, claims: Claims) -> None:
    batch = started(client, "claim")
    sim.clear_requests()
    # A machine whose clock is two hours ahead.
    since = datetime.now().astimezone() + timedelta(hours=2)
    assert claims.find("claim", count=1, since=since).batch_id == batch.batch_id
    (by_tag, *_) = sim.requests_of("GET", STATUSES)
    assert by_tag.query == {"tags": claim_tag("claim")}


def test_the_batch_of_an_old_claim_costs_few_requests(sim: Simulator, client: Client, claims: Claims) -> None:
    old = started(client, "old")
    sim.advance(2 * 86400)
    (*_, newest) = many_started(sim, client, 150)
    assert claims.find("old", count=1, since=moment(newest.created_at)).batch_id == old.batch_id
    assert len(sim.requests) == 3


def test_only_batches_that_are_asked_for_their_sessions_count(
    sim: Simulator, client: Client, claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "_MOST_ASKED", 3)
    old = started(client, "old")
    sim.advance(60)
    many_started(sim, client, 10)
    assert claims.find("old", count=1, since=None).batch_id == old.batch_id
    sim.advance(3600)
    # Created long after the sessions were, these are not even listed.
    newer = many_started(sim, client, 10)
    sim.clear_requests()
    assert Claims(client, Listing(client, SystemClock())).find("old", count=1, since=None).batch_id == old.batch_id
    asked = {one.query.get("batch_id") for one in sim.requests_of("GET", STATUSES)}
    assert not asked & {one.batch_id for one in newer}


def test_a_look_tells_running_sessions_of_a_claim_from_ended_ones(
    sim: Simulator, client: Client, claims: Claims
) -> None:
    batch = started(client, "claim", count=3)
    sim.stop_sessions(batch.batch_id, 2)
    found = claims.find("claim", count=3, since=None)
    assert (len(found.sessions.running), found.sessions.unknown, found.sessions.ended) == (1, (), 2)


def test_a_claim_that_no_session_carries_is_not_found(sim: Simulator, client: Client, claims: Claims) -> None:
    many_started(sim, client, 3)
    assert claims.find("never-sent", count=1, since=None) == ClaimLook(None, has_candidates=False)
    assert [one.path for one in sim.requests] == [STATUSES, BATCHES, BATCHES]


def test_an_unfinished_batch_without_a_visible_session_may_be_the_one(
    sim: Simulator, client: Client, claims: Claims
) -> None:
    sim.settings.creation_seconds = 1000
    batch = started(client, "claim", count=5)
    maybe, none = ClaimLook(None, has_candidates=True), ClaimLook(None, has_candidates=False)
    sent_at = moment(batch.created_at)
    assert sent_at is not None
    assert claims.find("claim", count=5, since=sent_at) == maybe
    assert claims.find("claim", count=5, since=None) == maybe
    assert claims.find("claim", count=4, since=sent_at) == none
    assert claims.find("claim", count=5, since=sent_at + timedelta(hours=2)) == none
    sim.advance(400)
    assert claims.find("claim", count=5, since=sent_at).batch_id == batch.batch_id
    assert claims.find("another", count=5, since=sent_at) == none


def test_a_visible_claim_whose_batch_is_not_listed_yet_is_looked_for_further(
    sim: Simulator, client: Client, claims: Claims
) -> None:
    sim.settings.batches_listed_after = 30
    batch = started(client, "claim")
    running = tuple(session.session_id for session in sim.live_sessions())
    found = claims.find("claim", count=1, since=None)
    assert found == ClaimLook(None, has_candidates=True, sessions=Look(running))
    sim.advance(31)
    assert claims.find("claim", count=1, since=None).batch_id == batch.batch_id


def test_many_lost_creates_at_once_ask_each_batch_for_its_sessions_once(
    sim: Simulator, client: Client, claims: Claims
) -> None:
    batches = many_started(sim, client, 30)
    found = [claims.find(batch.claim, count=1, since=None).batch_id for batch in batches]
    assert found == [batch.batch_id for batch in batches]
    assert len(sim.requests_of("GET", STATUSES)) <= 2 * 30


def test_the_live_claims_of_an_owner_are_one_request(sim: Simulator, client: Client, claims: Claims) -> None:
    batches = [started(client, "running", count=3), started(client, "ended"), started(client, "partly", count=2)]
    started(client, "of-another", owner="acme/shop/prod")
    client.create_batch(1, {"session": {"tags": [owner_tag(OWNER)]}}).value()
    sim.stop_sessions(batches[1].batch_id)
    sim.stop_sessions(batches[2].batch_id, 1)
    sim.clear_requests()
    assert claims.live(OWNER) == {"running", "partly"}
    assert len(sim.requests) == 1


@pytest.mark.parametrize("following", ["empty", "repeated"])
def test_a_search_in_a_list_without_an_end_ends(sim: Simulator, client: Client, claims: Claims, following: Any) -> None:
    many_started(sim, client, 3)
    sim.settings.endless_pages = following
    sim.settings.creation_seconds = 100
    assert claims.find("never-sent", count=1, since=None) == ClaimLook(None, has_candidates=False)
    batch = started(client, "claim")
    sim.advance(100)
    sim.settings.batches_listed_after = 1000
    found = claims.find("claim", count=1, since=None)
    assert (found.batch_id, found.has_candidates, len(found.sessions.running)) == (None, True, 1)
    sim.settings.batches_listed_after = 0
    assert claims.find("claim", count=1, since=None).batch_id == batch.batch_id
    assert len(sim.requests) < 30


def test_odd_rows_do_not_hide_the_batch_of_a_claim(sim: Simulator, client: Client, claims: Claims) -> None:
    batches = many_started(sim, client, 3)
    sim.settings.odd_rows = 2
    assert claims.find("claim-1", count=1, since=None).batch_id == batches[1].batch_id


@pytest.mark.parametrize("hours", [-2, 2])
def test_the_batch_of_a_claim_is_found_whatever_the_clocks_say(hours: int) -> None:
    with Simulator({KEY: "team"}, SimulatorSettings(clock_offset_seconds=3600 * hours)) as sim:
        client = Client(sim.url, ApiKeys(KEY))
        batch = started(client, "claim")
        for since in (client.api_time(), datetime.now().astimezone(), None):
            claims = Claims(client, Listing(client, SystemClock()))
            assert claims.find("claim", count=1, since=since).batch_id == batch.batch_id
        client.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-09T12:34:56.789Z", "2026-03-09T12:34:56.789000+00:00"),
        ("2026-03-09T12:34:56", "2026-03-09T12:34:56+00:00"),
        ("2026-03-09T12:34:56+02:00", "2026-03-09T12:34:56+02:00"),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_timestamp_of_the_api_is_a_time_or_none(text: str | None, expected: str | None) -> None:
    found = moment(text)
    assert (found.isoformat() if found else None) == expected


# Ctrl-C


@dataclass
class Lists:
    """Everything that lists, of one client."""

    listing: Listing
    looks: Looks
    claims: Claims


LOOKUPS: dict[str, Callable[[Lists, list[BatchIdentity]], object]] = {
    "the whole list": lambda one, _: list(one.listing.all_batches()),
    "reads": lambda one, batches: at_once(one.listing.batch, [batch.batch_id for batch in batches]),
    "looks": lambda one, batches: at_once(one.looks.running, batches),
    "a claim": lambda one, _: one.claims.find("claim-0", count=None, since=None),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_ctrl_c_ends_every_lookup_at_once(
    sim: Simulator, client: Client, clock: SystemClock, listing: Listing, looks: Looks, claims: Claims, name: str
) -> None:
    batches = many_started(sim, client, 130)
    sim.settings.latency_seconds = 0.05

    def interrupt(_request: object) -> None:
        clock.interrupt()
        sim.clear_requests()

    sim.faults.add(Fault(method="GET", nth=2, before=interrupt))
    with pytest.raises(Interrupted):
        LOOKUPS[name](Lists(listing, looks, claims), batches)
    # Those in flight have ended; nothing else was sent.
    assert len(sim.requests) <= client.max_concurrency
    assert [one.name for one in threading.enumerate() if one.name.startswith("page")] == []
