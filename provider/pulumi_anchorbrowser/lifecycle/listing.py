"""Everything that lists batches and sessions: pages, reads that share pages, looks that share a request.

Many operations of one run ask for the same things at about the same time. Here they share requests: a page of the
batch list serves 100 reads, and one list of sessions confirms the stops of all batches of a stack.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import chain, islice
from threading import Lock
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, BatchPage, BatchSummary, Client, NotFound
from pulumi_anchorbrowser.api.models import (
    PENDING,
    PROCESSING,
    UNFINISHED,
    ListedSession,
    Pagination,
    SessionPage,
    SessionStatus,
    SessionStatuses,
)
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.sharing import MANY, Sharing
from pulumi_anchorbrowser.lifecycle.tags import claim_of, claim_tag, owner_tag
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
# Beside times of the API: the clocks of its servers may differ.
CLOCK_MARGIN = timedelta(hours=1)
# A batch is created before its sessions, by the clock of another server of the API at most.
_SKEW = timedelta(minutes=5)
# Batches that one look for a claim asks for their sessions.
_MOST_ASKED = 500

# The status words of /v1/sessions/all/status. The API documents that field as free text and names one word,
# "completed", as that of a session that has ended (its `duration` and `used_credits` are final). "failed" and
# "cancelled" are the other final words of a session in the batch's own document; the rest say in plain English that
# nothing runs. "completed" has the opposite meaning in GET /v1/batch-sessions/{id}: "the browser was created".
ENDED_WORDS = frozenset(
    {"completed", "failed", "cancelled", "canceled", "ended", "terminated", "stopped", "expired", "timeout",
     "timed_out", "closed", "deleted"}
)  # fmt: skip
# Words under which a browser runs, or is still to start. A word in neither list confirms nothing.
RUNNING_WORDS = frozenset(
    {"running", "active", "idle", "ready", "starting", "configuring", "pending", "queued", "processing", "stopping",
     "terminating", "cancelling"}
)  # fmt: skip

_MOMENT = TypeAdapter(datetime)


class ListingIncomplete(LifecycleError):
    """A listing that may lack something, where acting on a part of it would be wrong."""

    anchor = "listing-incomplete"
    advice = "Run the same command again."

    def __init__(self, what: str, reason: str) -> None:
        self.reason = f"{what} are not listed completely: {reason}"
        super().__init__(f"Could not list all {what}: {reason}")


@dataclass(frozen=True)
class BatchIdentity:
    """What tells a batch's sessions from others. An adopted batch may carry no claim, or that of another stack.

    `created_at` is by the API's clock; None where unknown.
    """

    batch_id: str
    owner: str
    claim: str
    adopted: bool = False
    created_at: str | None = None

    @property
    def can_share(self) -> bool:
        """Whether its sessions can be found by tags; a comma separates tags in a query."""
        return bool(self.owner and self.claim) and not self.adopted and "," not in self.owner + self.claim


class Look(NamedTuple):
    """The sessions of a batch as the API lists them: ids of those that run, unknown words, and how many have ended."""

    running: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    ended: int = 0


class ClaimLook(NamedTuple):
    """What one look for a claim has found: its batch, and its sessions as the API lists them.

    `has_candidates`: the claim is visible, or a batch that may be the one shows no session yet.
    """

    batch_id: str | None
    has_candidates: bool
    sessions: Look = Look()


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
        self._claims: dict[str, frozenset[str]] = {}
        self._reads: Sharing[_Read, BatchSummary] = Sharing(clock, self._read_many)
        self._looks: Sharing[BatchIdentity, Look] = Sharing(clock, self._look_at_many, at_once=2)

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

    def running(self, batch: BatchIdentity) -> Look:
        """Return which sessions of the batch the API lists as running, from a request sent after this call.

        Three or more batches of one owner that are looked at within a moment share one request, and are told apart
        by the claims on their sessions. A shared look is trusted, so that hundreds of stops cost a few requests.
        Tags can be changed by anyone, however, and what a query by tags fails to show must not pass for stopped.
        So one batch of each shared look, chosen by chance, is looked at by its id as well; where that shows sessions
        and the shared look none, every batch of which it shows none is looked at by its id. So is every batch where
        there is a running session of the owner without a claim, or a row that cannot be read. What may remain unseen
        is a session that lost its owner's tag, or has another claim, while most others of the stack kept theirs.
        """
        is_one_of_many = self._looks.is_one_of_many(batch.batch_id)
        shared = self._looks.ask(batch) if is_one_of_many and batch.can_share else None
        return shared if shared is not None else self._look_at(batch.batch_id)

    def _look_at(self, batch_id: str) -> Look:
        try:
            statuses = self._client.session_statuses(batch_id=batch_id)
        except NotFound:
            return Look()  # Nothing of the batch is left, so no session is listed either.
        return _look_of_all(statuses)

    def _look_at_many(self, wanted: Set[BatchIdentity]) -> dict[BatchIdentity, Look]:
        found: dict[BatchIdentity, Look] = {}
        for owner in {batch.owner for batch in wanted}:
            group = [batch for batch in wanted if batch.owner == owner]
            if len(group) >= MANY:
                found.update(self._look_at_owner(owner, group))
        return found

    def _look_at_owner(self, owner: str, group: list[BatchIdentity]) -> dict[BatchIdentity, Look]:
        """Return the looks at the batches of one owner; one that is left out is looked at by its id."""
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="look") as pool:
                sample = pool.submit(logs.keeping_about(self._look_at), group[0].batch_id)
                statuses = self._client.session_statuses(tags=(owner_tag(owner),), created_from=_just_before(group))
            is_trusted = sample.result() == Look()
        except (ApiError, RuntimeError):
            return {}  # Each batch then gets its own error. The system may also give no more threads.
        strays = look_of(item for item in statuses.items if claim_of(item.tags) is None)
        if statuses.trouble or strays.running or strays.unknown:
            return {}
        by_tag: dict[str, list[SessionStatus]] = {}
        for item in statuses.items:
            for tag in item.tags:
                by_tag.setdefault(tag, []).append(item)
        is_trusted |= claim_tag(group[0].claim) in by_tag
        seen = {batch: by_tag.get(claim_tag(batch.claim), []) for batch in group}
        return {batch: look_of(items) for batch, items in seen.items() if items or is_trusted}

    # Claims

    def find_claim(self, claim: str, *, count: int | None, since: datetime | None) -> ClaimLook:
        """Look once for the batch of a create of unknown outcome. Raises ApiError.

        The claim is unique, so no time of ours stands beside it: clocks that disagree would hide what is looked for.
        Its sessions do not name their batch, but say when they were created: of the batches of `count` sessions, the
        newest before that moment is asked first. `since` is the time of this look by the API's own clock
        (`Client.api_time`), None where that is unknown: a batch without visible sessions is a candidate only if it was
        created in the hour before, or since.
        """
        visible = self._client.session_statuses(tags=(claim_tag(claim),))
        sessions = _look_of_all(visible)
        is_visible = sessions != Look()
        try:
            if not is_visible:
                return ClaimLook(None, self._has_unseen_batch(count, since))
            seen_at = _earliest(visible.items)
            query = {} if seen_at is None else {"created_before": (seen_at + _SKEW).isoformat()}
            mine = (id_ for id_ in self._candidates(count, query, seen_at) if self.has_claim(id_, claim))
            return ClaimLook(next(mine, None), True, sessions)
        except ListingIncomplete:
            return ClaimLook(None, is_visible, sessions)

    def _has_unseen_batch(self, count: int | None, since: datetime | None) -> bool:
        """Whether an unfinished batch of this size has no visible session yet."""
        query = {} if since is None else {"created_after": (since - CLOCK_MARGIN).isoformat()}
        unfinished = (self._candidates(count, {**query, "status": status}) for status in (PENDING, PROCESSING))
        return any(self._claims_of(batch_id) is None for batch_id in chain.from_iterable(unfinished))

    def _candidates(self, count: int | None, query: dict[str, str], seen_at: datetime | None = None) -> Iterator[str]:
        """Yield the ids of batches of this size, newest first; those that were created after `seen_at` come last."""
        found = (batch for pages in self.pages(**query) for page in pages for batch in page.batches)
        later: list[str] = []

        def in_order() -> Iterator[str]:
            for batch in found:
                created_at = moment(batch.created_at)
                if count is not None and batch.total_requests not in {None, count}:
                    continue
                if seen_at is not None and created_at is not None and created_at > seen_at:
                    later.append(batch.batch_id)
                else:
                    yield batch.batch_id
            yield from later

        return islice(in_order(), _MOST_ASKED)

    def has_claim(self, batch_id: str, claim: str) -> bool:
        """Whether a visible session of the batch carries the claim. Raises ApiError."""
        return claim in (self._claims_of(batch_id) or ())

    def _claims_of(self, batch_id: str) -> frozenset[str] | None:
        """Return the claims on the batch's sessions; None where no session is visible.

        All have the tags of one configuration, so that the first visible ones settle it: later looks, and looks for
        other claims, do not ask again.
        """
        with self._lock:
            known = self._claims.get(batch_id)
        if known is None and (items := self._client.session_statuses(batch_id=batch_id).items):
            known = frozenset(claim for item in items if (claim := claim_of(item.tags)) is not None)
            with self._lock:
                self._claims[batch_id] = known
        return known

    def live_claims(self, owner: str) -> dict[str, int]:
        """Return each claim on sessions of the owner that are not listed as ended, with their number. One request."""
        statuses = self._client.session_statuses(tags=(owner_tag(owner),))
        live = (claim_of(item.tags) for item in statuses.items if _word(item) not in ENDED_WORDS)
        return dict(Counter(claim for claim in live if claim is not None))


def pages_left(pagination: Pagination, read: int) -> int:
    """Return how many pages there are after the first `read`; at least 1, also where the API does not say."""
    pages = pagination.total_pages
    if pages is None and pagination.total_records is not None:
        pages = -(-pagination.total_records // _PAGE_SIZE)
    return max(1, (pages or read + 1) - read)


def moment(text: str | None) -> datetime | None:
    """Return a timestamp of the API as a time; None where it is none. One without a zone is in UTC."""
    try:
        parsed = _MOMENT.validate_python(text)
    except ValidationError:
        return None
    # A year such as 1 or 9999 stands for "none", and no time can be added to it.
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)) if 2000 < parsed.year < 9000 else None


def _report_odd_rows(odd_rows: int, on_odd_rows: Callable[[int], object] | None) -> None:
    if odd_rows and on_odd_rows is None:
        raise ListingIncomplete("batches", f"{counted(odd_rows, 'row')} without a usable id or status")
    if odd_rows and on_odd_rows is not None:
        on_odd_rows(odd_rows)


def _just_before(group: list[BatchIdentity]) -> str | None:
    """Return a time before which none of these batches has a session; None where one of their times is unknown."""
    earliest = _earliest(group)
    return (earliest - CLOCK_MARGIN).isoformat() if earliest else None


def _earliest(dated: Iterable[BatchIdentity | SessionStatus]) -> datetime | None:
    """Return the earliest time of creation; None where any is unknown."""
    moments = [moment(one.created_at) for one in dated]
    known = [one for one in moments if one is not None]
    return min(known) if known and len(known) == len(moments) else None


def _word(session: SessionStatus) -> str:
    return "_".join((session.status or "(none)").casefold().replace("-", " ").split())


def look_of(sessions: Iterable[SessionStatus]) -> Look:
    """Return which of these sessions run, by the closed lists of words."""
    running: list[str] = []
    unknown: set[str] = set()
    ended = 0
    for session in sessions:
        word = _word(session)
        if word in ENDED_WORDS:
            ended += 1
        elif word in RUNNING_WORDS:
            running.append(session.session_id)
        else:
            unknown.add(word)
    return Look(tuple(running), tuple(sorted(unknown)), ended)


def _look_of_all(statuses: SessionStatuses) -> Look:
    """Return which sessions of a whole response run; rows that cannot be read are of an unknown word."""
    look = look_of(statuses.items)
    return look._replace(unknown=(*look.unknown, "(unreadable)")) if statuses.trouble else look
