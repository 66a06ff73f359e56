"""The list read in pages while batches come and go, in whichever order the API may list them."""

from __future__ import annotations

from datetime import datetime, timezone
from threading import Lock
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_anchorbrowser.api import BatchPage, Client
from pulumi_anchorbrowser.lifecycle.cleanup import Selection
from pulumi_anchorbrowser.lifecycle.cleanup.finding import Listing

PAGE = 3
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class MovingList:
    """A list of batches with pages of three; before each of the first answers something happens to it."""

    def __init__(self, size: int, script: list[list[int]], *, newest_first: bool, tells_total: bool) -> None:
        self.batches = list(range(size))
        self.stayed = set(self.batches)
        self.calls = 0
        self._script, self._newest_first, self._tells_total = script, newest_first, tells_total
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
        if self._tells_total:
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
    listing = Listing(cast("Client", moving))
    return [UUID(batch.batch_id).int for batch in listing.batches(Selection(), NOW)]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 12),
    st.lists(st.lists(st.integers(-1, 11), max_size=3), max_size=5),
    st.booleans(),
)
def test_what_is_there_all_the_time_is_found_once_whatever_comes_and_goes(
    size: int, script: list[list[int]], newest_first: bool
) -> None:
    """Pages that are asked for at once are answered in any order."""
    moving = MovingList(size, script, newest_first=newest_first, tells_total=True)
    found = read(moving)
    assert len(found) == len(set(found))
    assert moving.stayed <= set(found)


@pytest.mark.parametrize(("size", "calls"), [(0, 1), (3, 1), (4, 4), (9, 6)])
@pytest.mark.parametrize("tells_total", [True, False])
def test_one_page_is_read_once_and_more_are_read_twice(size: int, calls: int, tells_total: bool) -> None:
    moving = MovingList(size, [], newest_first=True, tells_total=tells_total)
    assert sorted(read(moving)) == list(range(size))
    assert moving.calls == calls


def test_a_list_that_never_stands_still_is_given_up_after_some_passes() -> None:
    moving = MovingList(9, [[-1]] * 1000, newest_first=True, tells_total=True)
    assert set(range(9)) <= set(read(moving))
    assert moving.calls < 100
