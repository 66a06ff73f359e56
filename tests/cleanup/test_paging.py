"""The list of batches, read in pages while batches come and go: complete, or an error and nothing is stopped."""

from __future__ import annotations

from threading import Lock
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yard import BATCHES, Yard

from pulumi_anchorbrowser.api import BatchPage, Client
from pulumi_anchorbrowser.clock import SystemClock
from pulumi_anchorbrowser.lifecycle.listing import Listing, ListingIncomplete
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest

PAGE = 3
TAGGED = {"tags": ["t"]}


class MovingList:
    """A list of batches with pages of three; before each of the first responses something happens to it."""

    def __init__(self, size: int, script: list[list[int]], *, newest_first: bool, has_total: bool) -> None:
        self.batches = list(range(size))
        self.stayed = set(self.batches)
        self.calls = 0
        self._script, self._newest_first, self._has_total = script, newest_first, has_total
        self._next = size
        self._turn = Lock()

    def list_batches(self, *, page: int = 1, **_: Any) -> BatchPage:
        with self._turn:
            return self._page(page)

    def _page(self, page: int) -> BatchPage:
        for step in self._script[self.calls] if 0 < self.calls < len(self._script) else ():
            self._happens(step)
        self.calls += 1
        shown = self.batches[::-1] if self._newest_first else self.batches
        rows = [{"batch_id": str(UUID(int=n)), "status": "completed"} for n in shown[(page - 1) * PAGE : page * PAGE]]
        pagination: dict[str, Any] = {"has_next": page * PAGE < len(shown)}
        if self._has_total:
            pagination |= {"total_records": len(shown), "total_pages": -(-len(shown) // PAGE)}
        return BatchPage.model_validate({"batches": rows, "pagination": pagination})

    def _happens(self, step: int) -> None:
        if step < 0:
            self.batches.append(self._next)
            self._next += 1
        elif self.batches:
            gone = self.batches.pop(step % len(self.batches))
            self.stayed.discard(gone)


def read(moving: MovingList) -> list[int]:
    listing = Listing(cast("Client", moving), SystemClock())
    return [UUID(batch.batch_id).int for batch in listing.all_batches()]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 12), st.lists(st.lists(st.integers(-1, 11), max_size=3), max_size=5), st.booleans())
def test_a_batch_that_exists_all_the_time_is_listed_once_whatever_comes_and_goes(
    size: int, script: list[list[int]], newest_first: bool
) -> None:
    """Pages that are requested at once are answered in any order."""
    moving = MovingList(size, script, newest_first=newest_first, has_total=True)
    found = read(moving)
    assert len(found) == len(set(found))
    assert moving.stayed <= set(found)


@pytest.mark.parametrize(("size", "calls"), [(0, 1), (3, 1), (4, 4), (9, 6)])
@pytest.mark.parametrize("has_total", [True, False])
def test_one_page_is_read_once_and_more_are_read_twice(size: int, calls: int, has_total: bool) -> None:
    moving = MovingList(size, [], newest_first=True, has_total=has_total)
    assert sorted(read(moving)) == list(range(size))
    assert moving.calls == calls


@pytest.mark.parametrize("setting", [{"unsteady_pages": True}, {"total_off_by": 1}])
def test_a_list_that_never_agrees_with_itself_is_an_error_and_nothing_is_stopped(
    yard: Yard, setting: dict[str, Any]
) -> None:
    for _ in range(101):
        yard.start("t", count=1)
    for name, value in setting.items():
        setattr(yard.sim.settings, name, value)
    with pytest.raises(ListingIncomplete, match="Could not list all batches"):
        yard.run(select=TAGGED, limit=None)
    assert yard.gone() == set()


@pytest.mark.parametrize("following", ["empty", "repeated"])
def test_a_list_that_always_promises_another_page_ends_where_nothing_new_is_shown(yard: Yard, following: Any) -> None:
    batches = {yard.start("t", count=1) for _ in range(3)}
    yard.sim.settings.endless_pages = following
    yard.run(select=TAGGED)
    assert yard.gone() == batches
    assert len(yard.sim.requests_of("GET", BATCHES)) < 10


def test_a_team_that_never_holds_still_is_an_error_after_a_bounded_number_of_requests(yard: Yard) -> None:
    for _ in range(101):
        yard.start("t", count=1)

    def one_comes_and_one_goes(_: LoggedRequest) -> None:
        yard.sim.delete(yard.start("t", count=1))
        yard.start("other", count=1)

    yard.sim.faults.add(Fault(method="GET", path=BATCHES, times=None, before=one_comes_and_one_goes))
    gone_before = len(yard.gone())
    with pytest.raises(ListingIncomplete, match="the list changed during each of 5 readings"):
        yard.run(select=TAGGED, limit=None)
    assert len(yard.sim.requests_of("GET", BATCHES)) < 60
    assert not [one for one in yard.changing if one.startswith("DELETE")]
    assert gone_before == 0


def test_rows_without_a_usable_id_or_status_are_reported_and_hide_no_other(yard: Yard) -> None:
    batches = {yard.start("t") for _ in range(3)}
    yard.sim.settings.odd_rows = 2
    # The lists of sessions have none: there, a session that cannot be read may carry the tag that protects.
    yard.sim.faults.add(Fault(method="GET", path="/v1/sessions/all/status", times=None, before=lambda _: none()))

    def none() -> None:
        yard.sim.settings.odd_rows = 0

    yard.run(select=TAGGED)
    assert yard.gone() == batches
    [warning] = yard.heard.warnings
    assert warning == "skipped 2 rows of the batch list without a usable id or status: their batches may still run"


def test_a_session_that_cannot_be_read_may_be_protected_so_that_its_batch_is_a_failure(yard: Yard) -> None:
    batch = yard.start("t")
    yard.sim.settings.odd_rows = 2
    report = yard.run(select=TAGGED)
    assert [one["batch_id"] for one in report.failures] == [batch]
    assert yard.gone() == set()


def test_batches_that_are_deleted_while_pages_are_read_hide_no_other(yard: Yard) -> None:
    batches = [yard.start("t", count=1) for _ in range(130)]
    doomed = batches[-40:]  # the newest: on the first page

    def delete_them(_: LoggedRequest) -> None:
        for batch in doomed:
            yard.sim.delete(batch)

    yard.sim.faults.add(Fault(method="GET", path=BATCHES, nth=2, before=delete_them))
    yard.run(select=TAGGED, limit=None)
    assert yard.there() == set()


def test_batches_that_are_started_while_pages_are_read_make_none_be_stopped_twice(yard: Yard) -> None:
    batches = {yard.start("t", count=1) for _ in range(101)}
    yard.sim.faults.add(
        Fault(method="GET", path=BATCHES, nth=2, before=lambda _: [yard.start("t", count=1) for _ in range(30)])
    )
    report = yard.run(select=TAGGED, limit=None)
    stopped = [one.batch_id for one in report.results]
    assert len(stopped) == len(set(stopped))
    assert batches <= yard.gone()
