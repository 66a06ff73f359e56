"""Finding what matches: a plan is made from lists and look-ups that read only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple, TypeVar

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, BatchSummary, NotFound
from pulumi_anchorbrowser.cleanup.matching import Matching, PlannedBatch, Skipped
from pulumi_anchorbrowser.lifecycle.listing import ListingIncomplete
from pulumi_anchorbrowser.lifecycle.looks import Look, look_of_all
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.run import Runner
from pulumi_anchorbrowser.lifecycle.state import StackState, StateUnreadable
from pulumi_anchorbrowser.receipts import ReceiptsUnavailable
from pulumi_anchorbrowser.words import batches, counted

# Look-ups that have begun or ended, and whose results are not yet used: memory stays flat for any number of batches.
_AHEAD = 500
# A look at fewer is over before its progress is read.
_SHOWN_EACH = 20

# Returns the own stack's state, None (or raises StateUnreadable) where it cannot be read.
StateReader = Callable[[], StackState | None]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class SeenSessions(NamedTuple):
    """The tags of each session of a batch, by its id, and which of them run; None where they cannot be read."""

    tags: dict[str, tuple[str, ...]]
    look: Look | None = Look()


class Finder:
    """Looks at the batches and sessions of one team; for many threads. Every method raises Interrupted at once."""

    def __init__(self, runner: Runner, notices: Notices) -> None:
        self.runner, self.notices = runner, notices
        self.client, self.listing, self.clock = runner.client, runner.listing, runner.clock
        self._warned: set[str] = set()
        self._lock = Lock()

    def batches(self, matching: Matching) -> Iterator[PlannedBatch | Skipped]:
        """Yield what becomes of each batch that matches or may match. Raises ApiError, and ListingIncomplete."""
        planned = skipped = 0
        verdicts = self.mapped(lambda one: self._verdict(matching, one), self._candidates(matching))
        for looked_at, verdict in enumerate(verdicts, 1):
            if verdict is not None:
                planned += isinstance(verdict, PlannedBatch)
                skipped += isinstance(verdict, Skipped)
                yield verdict
            if looked_at % _SHOWN_EACH == 0:
                self.notices.progress(f"looked at {batches(looked_at)}: {planned} planned, {skipped} skipped")

    def judge(
        self, matching: Matching, batch: BatchSummary | PlannedBatch, state: StackState | None = None
    ) -> PlannedBatch | Skipped | None:
        """Look at the sessions of a batch, and return what becomes of it. Raises ApiError and ListingIncomplete."""
        found = self.sessions_of(batch.batch_id, batch.completed_requests, tolerant=matching.force)
        # Where sessions are visible, their tags name the owner.
        recorded = None if found.tags else self._recorded_owner(batch.batch_id)
        tags = [frozenset(one) for one in found.tags.values()]
        return matching.judge(batch, tags, recorded, state, found.look)

    def sessions_of(self, batch_id: str, completed: int | None, *, tolerant: bool = False) -> SeenSessions:
        """Return what the API shows of the batch's sessions. Raises ApiError and ListingIncomplete.

        The list of statuses may leave out sessions that have ended. The other list, a page at a time, has them all.
        """
        try:
            statuses = self.client.session_statuses(batch_id=batch_id)
            look = look_of_all(statuses)
            found = {one.session_id: one.tags for one in statuses.items}
            if statuses.odd_rows or len(found) < max(statuses.count or 0, completed or 0, 1):
                found.update({one.id: one.tags for one in self.listing.sessions_of(batch_id)})
            if len(found) < (statuses.count or 0):
                reason = f"the API lists {len(found)} and reports {statuses.count}"
                raise ListingIncomplete(f"sessions of batch {batch_id}", reason)
        except NotFound:
            return SeenSessions({})
        except (ApiError, ListingIncomplete):
            if not tolerant:
                raise
            return SeenSessions({}, None)
        return SeenSessions(found, look)

    def warn_once(self, text: str) -> None:
        """Warn, unless the same warning was printed before."""
        with self._lock:
            is_first = text not in self._warned
            self._warned.add(text)
        if is_first:
            self.notices.warning(text)

    def mapped(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Yield `work` of each item in order, as many at once as the client makes calls."""
        with pool_of(self.client.max_concurrency, "look") as pool:
            yield from mapped(pool, work, items)

    def _candidates(self, matching: Matching) -> Iterator[str | BatchSummary | Skipped]:
        if matching.selection.batch_ids is not None:
            yield from dict.fromkeys(matching.selection.batch_ids)
            return
        for batch in self.listing.all_batches(self._report_odd_rows, **_query(matching)):
            verdict = matching.may_match(batch)
            if verdict:
                yield verdict if isinstance(verdict, Skipped) else batch

    def _verdict(self, matching: Matching, candidate: str | BatchSummary | Skipped) -> PlannedBatch | Skipped | None:
        if isinstance(candidate, Skipped):
            return candidate
        batch_id = candidate if isinstance(candidate, str) else candidate.batch_id
        try:
            with logs.about(batch_id=batch_id):
                if isinstance(candidate, str):
                    return self._named(matching, candidate)
                return self.judge(matching, candidate)
        except (ApiError, ListingIncomplete) as error:
            return Skipped(batch_id, "", "unreadable", error.explanation)

    def _named(self, matching: Matching, batch_id: str) -> PlannedBatch | Skipped | None:
        try:
            batch = self.client.get_batch(batch_id)
        except NotFound:
            return Skipped(batch_id, "", "unknown", "the API has no such batch under this key (HTTP 404)")
        if batch.is_empty:
            return Skipped(batch_id, batch.status, "unknown", "it was deleted")
        verdict = matching.may_match(batch)
        return self.judge(matching, batch) if verdict is True else verdict or None

    def _recorded_owner(self, batch_id: str) -> str | None:
        try:
            return self.runner.receipts.owner_of(batch_id)
        except ReceiptsUnavailable as error:
            self.warn_once(f"{error.explanation}. Owners are known by tags alone. {error.advice}")
            return None

    def _report_odd_rows(self, count: int) -> None:
        rows = counted(count, "row")
        self.notices.warning(
            f"skipped {rows} of the batch list without a usable id or status: their batches may still run"
        )


@contextmanager
def pool_of(threads: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Open a pool whose waiting work is dropped, not done, where an error ends what it is for."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        yield pool
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def mapped(pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield `work` of each item in order, begun while items still arrive, and at most _AHEAD of the results in use."""
    under_way: deque[Future[_Result]] = deque()
    work = logs.keeping_about(work)
    for item in items:
        under_way.append(pool.submit(work, item))
        while under_way and (under_way[0].done() or len(under_way) > _AHEAD):
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def own_state(read: StateReader | None, notices: Notices) -> StackState | None:
    """Return the own stack's state; None where there is no own stack, or, with a warning, where it cannot be read."""
    if read is None:
        return None
    reason = ""
    try:
        if (state := read()) is not None:
            return state
    except StateUnreadable as error:
        reason = f" ({error.explanation})"
    notices.warning(
        f"the state of this cleanup's own stack could not be read{reason}: only the owner tag protects its batches. "
        "A batch that the stack adopted may lack that tag, and is stopped if it matches: exclude such a batch by its "
        "id, or make sure that the state can be read."
    )
    return None


def _query(matching: Matching) -> dict[str, str]:
    statuses = matching.selection.statuses or []
    query = {
        "status": statuses[0] if len(statuses) == 1 else None,
        "created_before": matching.created_before.isoformat() if matching.created_before else None,
        "created_after": matching.created_after.isoformat() if matching.created_after else None,
    }
    return {name: value for name, value in query.items() if value is not None}
