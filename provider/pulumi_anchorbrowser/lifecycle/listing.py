"""The lists of batches, and of a batch's sessions: pages, and reads that share pages.

Many operations of one run ask for batches at about the same time: one page of the list serves 100 reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, BatchPage, BatchSummary, Client
from pulumi_anchorbrowser.api.models import UNFINISHED, ListedSession, Pagination, SessionPage
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.sharing import Sharing
from pulumi_anchorbrowser.words import counted

# Pages that are requested at once: enough for 1,600 batches in two round trips, and little memory for any number.
_AT_ONCE = 16
_PAGE_SIZE = 100
# A listing that goes on after so many pages (200,000 batches) is one that never ends.
_MOST_PAGES = 2000
# A batch may have 1,000 sessions, each retried up to 3 times, on pages of 50.
_MOST_SESSION_PAGES = 100
_PASSES = 5

_MAX_AGE_SECONDS = 5.0


class ListingIncomplete(LifecycleError):
    """A listing that may lack something, where acting on a part of it would be wrong."""

    anchor = "listing-incomplete"
    advice = "Run the same command again."

    def __init__(self, what: str, reason: str) -> None:
        self.reason = f"{what} are not listed completely: {reason}"
        super().__init__(f"Could not list all {what}: {reason}")


class _Read(NamedTuple):
    batch_id: str
    since: float


class _ShownBatch(NamedTuple):
    asked_at: float
    batch: BatchSummary


@dataclass
class _Pass:
    """One reading of the whole batch list."""

    number: int
    pages: int = 0
    met: int = 0
    odd_rows: int = 0
    found_more: bool = False
    totals: set[int] = field(default_factory=set)

    def add(self, pages: list[BatchPage]) -> None:
        self.pages += len(pages)
        self.odd_rows += sum(page.odd_rows for page in pages)
        self.totals |= {total for page in pages if (total := page.pagination.total_records) is not None}

    @property
    def trouble(self) -> str | None:
        """Why this may not be the whole list; None where it is."""
        if len(self.totals) > 1 or (self.found_more and self.pages > 1):
            return f"the list changed during each of {_PASSES} readings"
        total = next(iter(self.totals), self.met)
        # The API may count an odd row or not.
        if not self.met <= total <= self.met + self.odd_rows:
            return f"the API listed {counted(self.met, 'batch', 'batches')} and reports {total}"
        return None


class Listing:
    """The lists of one client, for all threads of a process.

    Ctrl-C, or the engine's Cancel, ends every method with `Interrupted`; requests in flight are left to finish.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = Lock()
        self._seen: dict[str, _ShownBatch] = {}
        self._changed_at: dict[str, float] = {}
        self._pages_read_at = -math.inf
        self._reads: Sharing[_Read, BatchSummary] = Sharing(clock, self._read_many)

    # The batch list

    def pages(self, **query: Any) -> Iterator[list[BatchPage]]:
        """Yield the pages of the batch list in their order, in groups that are requested at once.

        `query` is that of `Client.list_batches`. Ends at a page that says there is no other, that is empty, or that
        shows nothing new, whatever it says. Raises ApiError, and ListingIncomplete where there is no end.
        """
        pages, read, before = [self._client.list_batches(page=1, **query)], 1, frozenset[str]()
        while True:
            yield pages
            pagination = pages[-1].pagination
            shown = frozenset(batch.batch_id for page in pages for batch in page.batches)
            is_empty = any(not page.batches and not page.odd_rows for page in pages)
            if not pagination.has_next or is_empty or (shown and shown <= before):
                return
            if read >= _MOST_PAGES:
                raise ListingIncomplete("batches", f"the list has not ended after {_MOST_PAGES} pages")
            following = range(read + 1, read + 1 + min(pages_left(pagination, read), _AT_ONCE))
            pages, read, before = self._at_once(following, query), following[-1], shown

    def all_batches(self, on_odd_rows: Callable[[int], object] | None = None, **query: Any) -> Iterator[BatchSummary]:
        """Yield every batch once. A batch that exists all the time is never missed. Raises ApiError.

        A batch deleted between two pages shifts the others, and hides one of them. So more than one page is read
        again, until that finds nothing new and as many batches as the API reports. Raises ListingIncomplete, in the
        end, where that does not come about. An odd row is one without a readable id and status: `on_odd_rows` gets
        their number; without it, they are a ListingIncomplete too.
        """
        # The number of the pass that has met it last: of the whole list, only the ids stay in memory, each once.
        seen: dict[str, int] = {}
        trouble: str | None = None
        for number in range(_PASSES):
            reading = _Pass(number)
            yield from self._one_pass(query, seen, reading)
            trouble = reading.trouble
            if trouble is None:
                return _report_odd_rows(reading.odd_rows, on_odd_rows)
        raise ListingIncomplete("batches", str(trouble))

    def _one_pass(self, query: dict[str, Any], seen: dict[str, int], reading: _Pass) -> Iterator[BatchSummary]:
        for pages in self.pages(**query):
            reading.add(pages)
            for batch in (batch for page in pages for batch in page.batches):
                last = seen.get(batch.batch_id)
                if last != reading.number:
                    seen[batch.batch_id] = reading.number
                    reading.met += 1
                if last is None:
                    reading.found_more = True
                    yield batch

    def _at_once(self, pages: range, query: dict[str, Any]) -> list[BatchPage]:
        def one(page: int) -> BatchPage:
            return self._client.list_batches(page=page, **query)

        try:
            with ThreadPoolExecutor(len(pages), thread_name_prefix="page") as pool:
                return list(pool.map(logs.keeping_about(one), pages))
        except RuntimeError:
            # The system gives no more threads.
            return [one(page) for page in pages]

    # One batch

    def changed(self, batch_id: str) -> None:
        """Forget what was read of a batch that this process has changed."""
        with self._lock:
            self._changed_at[batch_id] = self._clock.monotonic()

    def batch(self, batch_id: str, max_age: float = _MAX_AGE_SECONDS) -> BatchSummary:
        """Return the batch, from a page requested at most `max_age` seconds ago and after the last change, or a GET.

        Raises NotFound, and every other ApiError, of a GET alone: a list can be incomplete.
        """
        # Counted from here: a page that is requested from now on is new enough, however long it takes.
        since = self._clock.monotonic() - max_age
        is_one_of_many = self._reads.is_one_of_many(batch_id)
        found = self._fresh(batch_id, since)
        if found is None and is_one_of_many:
            found = self._reads.ask(_Read(batch_id, since))
        # A batch that is finished without any session may be what is left of a deleted one: only a GET tells.
        if found is None or (found.status not in UNFINISHED and not found.completed_requests):
            return self._client.get_batch(batch_id)
        return found

    def _fresh(self, batch_id: str, since: float) -> BatchSummary | None:
        with self._lock:
            seen = self._seen.get(batch_id)
            if seen is None or seen.asked_at < since or seen.asked_at <= self._changed_at.get(batch_id, -math.inf):
                return None
            return seen.batch

    def _read_many(self, wanted: Set[_Read]) -> dict[_Read, BatchSummary]:
        missing = {one.batch_id for one in wanted if self._fresh(*one) is None}
        if missing:
            # Reads that come one by one are worth pages as well: who has read a moment ago is going to read again.
            recent = self._clock.monotonic() - _MAX_AGE_SECONDS
            asked = self._reads.asked_since(self._pages_read_at)
            self._read_pages(missing | {batch_id for batch_id in asked if self._fresh(batch_id, recent) is None})
        return {one: batch for one in wanted if (batch := self._fresh(*one)) is not None}

    def _read_pages(self, missing: set[str]) -> None:
        """Read pages for as long as that costs fewer requests than a GET for each batch they have not shown."""
        most, read = len(missing), 0
        if most <= 1:
            return
        self._pages_read_at = began = asked_at = self._clock.monotonic()
        try:
            for pages in self.pages():
                read += len(pages)
                found = [batch for page in pages for batch in page.batches]
                self._keep(found, asked_at, began)
                missing.difference_update(batch.batch_id for batch in found)
                if len(missing) <= pages_left(pages[-1].pagination, read) or read >= most:
                    return
                asked_at = self._clock.monotonic()
        except (ApiError, ListingIncomplete):
            return  # Each reader then asks for its own batch, and gets its own error.

    def _keep(self, found: list[BatchSummary], asked_at: float, began: float) -> None:
        with self._lock:
            # Of a list of a hundred thousand, only what is still of use is kept.
            self._seen = {id_: seen for id_, seen in self._seen.items() if began - seen.asked_at <= _MAX_AGE_SECONDS}
            self._seen.update({batch.batch_id: _ShownBatch(asked_at, batch) for batch in found})

    # Sessions

    def sessions_of(self, batch_id: str) -> tuple[ListedSession, ...]:
        """Return every session of the batch that the API keeps, ended ones included. Raises ApiError.

        Raises ListingIncomplete where the API shows fewer than it reports, or a session without a usable id.
        """
        what = f"sessions of batch {batch_id}"
        found: dict[str, ListedSession] = {}
        for _ in range(_PASSES):
            total = 0
            for page in self._session_pages(batch_id, what):
                if page.odd_rows:
                    raise ListingIncomplete(what, f"{counted(page.odd_rows, 'session')} without a usable id")
                found.update({session.id: session for session in page.sessions})
                total = max(total, page.total or 0)
            if len(found) >= total:
                return tuple(found.values())
        raise ListingIncomplete(what, f"the API lists {len(found)} and reports {total}")

    def _session_pages(self, batch_id: str, what: str) -> Iterator[SessionPage]:
        met: set[str] = set()
        for number in range(1, _MOST_SESSION_PAGES + 1):
            page = self._client.list_sessions(batch_id, number)
            yield page
            new = {session.id for session in page.sessions} - met
            met |= new
            # Neither a short page nor the total says for certain that there is no other.
            if not new:
                return
        raise ListingIncomplete(what, f"the list has not ended after {_MOST_SESSION_PAGES} pages")


def pages_left(pagination: Pagination, read: int) -> int:
    """Return how many pages there are after the first `read`; at least 1, also where the API does not say."""
    pages = pagination.total_pages
    if pages is None and pagination.total_records is not None:
        pages = -(-pagination.total_records // _PAGE_SIZE)
    return max(1, (pages or read + 1) - read)


def _report_odd_rows(odd_rows: int, on_odd_rows: Callable[[int], object] | None) -> None:
    if odd_rows and on_odd_rows is None:
        raise ListingIncomplete("batches", f"{counted(odd_rows, 'row')} without a usable id or status")
    if odd_rows and on_odd_rows is not None:
        on_odd_rows(odd_rows)
