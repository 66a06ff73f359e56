"""A cleanup: find what is meant, plan, refuse too much, carry out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock
from typing import TypeVar

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, BatchSummary, Client
from pulumi_anchorbrowser.choices import Action, IfCompleted
from pulumi_anchorbrowser.lifecycle.cleanup.acting import Acting, Actor, Watch
from pulumi_anchorbrowser.lifecycle.cleanup.errors import MatchesEverything, NoSuchOwner, TooMany
from pulumi_anchorbrowser.lifecycle.cleanup.finding import Listing, named_batch, tags_of
from pulumi_anchorbrowser.lifecycle.cleanup.matching import Matching
from pulumi_anchorbrowser.lifecycle.cleanup.plan import LeftAlone, Plan, PlannedBatch, Spared
from pulumi_anchorbrowser.lifecycle.cleanup.report import Report
from pulumi_anchorbrowser.lifecycle.cleanup.selection import Exclusion, Selection
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices, SystemClock
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable

DEFAULT_LIMIT = 100
# Looks under way or done and not yet taken: so memory stays flat however many batches there are.
_AHEAD = 500

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Request:
    """What a cleanup is asked to do. `owner` is the stack that `this` means; empty where there is none."""

    select: Selection
    action: Action = "delete"
    exclude: Exclusion = Exclusion()  # noqa: RUF009  # frozen
    owner: str = ""
    allow_all: bool = False


class Cleanup:
    """Plans and carries out cleanups; safe for use by many threads.

    `now` tells the time by which ages are judged; `changed` is told the id of each batch that is dealt with. `plan`
    calls nothing that changes anything.
    """

    def __init__(
        self,
        client: Client,
        receipts: Receipts,
        *,
        clock: Clock | None = None,
        now: Callable[[], datetime] = _utc_now,
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._receipts = receipts
        self._now = now
        calls = RecordedCalls(client, receipts, changed)
        self._acting = Acting(client, calls, clock or SystemClock())

    def plan(self, request: Request, notices: Notices, spared: Spared | None = None) -> Plan:
        """What would be done. Reads only.

        Raises MatchesEverything and NoSuchOwner for a selection that is refused, and ApiError where the batches cannot
        be listed.
        """
        if request.select.matches_everything and not request.allow_all:
            raise MatchesEverything
        try:
            owner = request.select.owner_for(request.owner)
        except ValueError:
            raise NoSuchOwner from None
        matching = Matching(request.select, owner, request.action, self._now(), request.exclude, spared or Spared())
        found: list[PlannedBatch | LeftAlone] = []
        look = logs.keeping_about(_Look(self._client, matching, _RecordedOwners(self._receipts, notices)))
        with ThreadPoolExecutor(self._client.max_concurrency, thread_name_prefix="look") as pool:
            for one in _mapped(pool, look, self._candidates(request.select, matching)):
                if one is None:
                    continue
                found.append(one)
                notices.progress(f"looking for batches: {len(found)} found so far")
        planned = tuple(one for one in found if isinstance(one, PlannedBatch))
        return Plan(request.action, planned, tuple(one for one in found if isinstance(one, LeftAlone)))

    def carry_out(
        self,
        plan: Plan,
        notices: Notices,
        *,
        actor: Actor | None = None,
        limit: int | None = DEFAULT_LIMIT,
        watch: Watch | None = None,
        if_completed: IfCompleted = "end_sessions",
    ) -> Report:
        """Do what is planned; one failure does not stop the rest, and is in the report.

        `if_completed` says what becomes of a batch that the API refuses to cancel because its creation had finished.

        Raises TooMany, before anything is done, where more than `limit` batches (None: no limit) are planned.
        """
        if limit is not None and plan.matched > limit:
            raise TooMany(plan.matched, limit)
        return self._acting.carry_out(plan, actor or Actor(), notices, watch or Watch(), if_completed)

    def _candidates(self, selection: Selection, matching: Matching) -> Iterator[str | BatchSummary | LeftAlone]:
        if selection.batch_ids is not None:
            yield from dict.fromkeys(selection.batch_ids)
            return
        for batch in Listing(self._client).batches(selection, matching.now):
            verdict = matching.may_match(batch)
            if isinstance(verdict, LeftAlone):
                yield verdict
            elif verdict:
                yield batch


class _RecordedOwners:
    """Owners by the receipts. Where these cannot be read, that is told once, and tags alone decide."""

    def __init__(self, receipts: Receipts, notices: Notices) -> None:
        self._receipts = receipts
        self._notices = notices
        self._is_told = Lock()

    def of(self, batch_id: str) -> str | None:
        """The stack that started the batch; None where no receipt says so."""
        if self._is_told.locked():
            return None
        try:
            return self._receipts.owner_of(batch_id)
        except ReceiptsUnavailable as error:
            if self._is_told.acquire(blocking=False):
                self._notices.warning(f"{error}. Owners are told by tags alone.")
            return None


@dataclass(frozen=True)
class _Look:
    """One look at one candidate: an id that was given, a batch of the list, or what is decided already."""

    client: Client
    matching: Matching
    recorded_owners: _RecordedOwners

    def __call__(self, candidate: str | BatchSummary | LeftAlone) -> PlannedBatch | LeftAlone | None:
        if isinstance(candidate, LeftAlone):
            return candidate
        batch_id = candidate if isinstance(candidate, str) else candidate.batch_id
        try:
            with logs.about(batch_id=batch_id):
                return self._named(candidate) if isinstance(candidate, str) else self._judged(candidate)
        except ApiError as error:
            return LeftAlone(batch_id, "", "unreadable", error.explanation)

    def _named(self, batch_id: str) -> PlannedBatch | LeftAlone | None:
        batch = named_batch(self.client, batch_id)
        if batch is None:
            return LeftAlone(batch_id, "", "unknown", "the API does not know it")
        verdict = self.matching.may_match(batch)
        if isinstance(verdict, LeftAlone):
            return verdict
        return self._judged(batch) if verdict else None

    def _judged(self, batch: BatchSummary) -> PlannedBatch | LeftAlone | None:
        tags = tags_of(self.client, batch.batch_id)
        # Where sessions can be seen, their tags have the owner.
        recorded = self.recorded_owners.of(batch.batch_id) if tags is None else None
        return self.matching.judge(batch, tags, recorded)


def _mapped(pool: Executor, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """`pool.map`, begun while the items are still coming, and never more than _AHEAD ahead of who takes the results."""
    under_way: deque[Future[_Result]] = deque()
    for item in items:
        under_way.append(pool.submit(work, item))
        if len(under_way) > _AHEAD:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
