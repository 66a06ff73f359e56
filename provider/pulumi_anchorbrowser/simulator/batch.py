"""One batch and its sessions as functions of time: nothing ticks, everything is computed when asked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from pulumi_anchorbrowser.simulator.clock import Clock
from pulumi_anchorbrowser.simulator.plan import Counts, Plan, Retry, Status

PENDING_SHARE = 0.1  # of the creation time, before the first session starts
SESSION_BITS = 16


@dataclass(eq=False)
class Batch:
    """The true state of a batch, deleted ones included; times are seconds since the epoch."""

    team: str
    plan: Plan
    tags: tuple[str, ...]
    configuration: dict[str, object]
    clock: Clock
    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: float = 0.0
    cancelled_at: float | None = None
    cancelled_sessions: int = 0
    deleted_at: float | None = None
    creation_stopped_at: float | None = None
    hurried_at: float | None = None
    deletion_tries: int = 0
    retried: dict[int, Retry] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    session_base: int = field(default_factory=lambda: uuid4().int >> SESSION_BITS)

    def __post_init__(self) -> None:
        self.created_at = self.created_at or self.clock.now()

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    def session_id(self, index: int) -> str:
        return str(UUID(int=(self.session_base << SESSION_BITS) | index))

    # When each session is created

    def _moment(self, share: float) -> float:
        moment = self.created_at + self.plan.creation_seconds * (PENDING_SHARE + (1 - PENDING_SHARE) * share)
        return moment if self.hurried_at is None else min(moment, self.hurried_at)

    def started_at(self, index: int) -> float:
        again = self.retried.get(index)
        return again.started_at if again else self._moment(index / self.plan.count)

    def ready_at(self, index: int) -> float:
        again = self.retried.get(index)
        return again.ready_at if again else self._first_ready_at(index)

    def _first_ready_at(self, index: int) -> float:
        return self._moment((index + 1) / self.plan.count)

    def succeeds(self, index: int) -> bool:
        again = self.retried.get(index)
        return again.succeeds if again else index < self.plan.count - self.plan.failing

    def _creating_until(self) -> float:
        now = self.clock.now()
        return now if self.creation_stopped_at is None else min(now, self.creation_stopped_at)

    def settled(self, index: int) -> bool:
        """Whether the creation of this session has come to its end, well or badly."""
        return self.ready_at(index) <= self._creating_until()

    def ended_at(self, index: int) -> float | None:
        expiry = None if self.plan.lifetime is None else self.ready_at(index) + self.plan.lifetime
        told = self.ended.get(index)
        moments = [moment for moment in (expiry, told) if moment is not None]
        return min(moments) if moments else None

    # What is true now

    def exists(self, index: int) -> bool:
        """Whether this session was created and its data is still kept."""
        return index not in self.removed and self.settled(index) and self.succeeds(index)

    def runs(self, index: int) -> bool:
        ended = self.ended_at(index)
        return self.exists(index) and (ended is None or ended > self.clock.now())

    def will_start(self, index: int) -> bool:
        return self.creation_stopped_at is None and self.succeeds(index) and not self.settled(index)

    def existing(self) -> list[int]:
        return [index for index in range(self.plan.count) if self.exists(index)]

    def running(self) -> list[int]:
        return [index for index in range(self.plan.count) if self.runs(index)]

    def failed(self) -> list[int]:
        first = self.plan.count - self.plan.failing
        return [i for i in range(first, self.plan.count) if self.settled(i) and not self.succeeds(i)]

    def counts(self) -> Counts:
        """Counts sessions by how their creation went, without a walk through all of them."""
        until = self._creating_until()
        good = self.plan.count - self.plan.failing
        settled = bisect_right(range(self.plan.count), until, key=self._first_ready_at)
        completed, failed = min(settled, good), max(0, settled - good)
        for again in self.retried.values():
            failed -= 1 if again.ready_at > until or again.succeeds else 0
            completed += 1 if again.ready_at <= until and again.succeeds else 0
        left = self.plan.count - completed - failed
        if self.creation_stopped_at is not None or self._waiting():
            return Counts(completed, failed, 0, 0 if self.creation_stopped_at is not None else left)
        processing = min(1, self.plan.count - settled) + self._retrying(until)
        return Counts(completed, failed, processing, left - processing)

    def _retrying(self, until: float) -> int:
        return sum(1 for again in self.retried.values() if again.ready_at > until)

    def _waiting(self) -> bool:
        return self.clock.now() < self._moment(0)

    @property
    def status(self) -> Status:
        if self.cancelled_at is not None:
            return "cancelled"
        counts = self.counts()
        if counts.completed + counts.failed < self.plan.count:
            if self.creation_stopped_at is not None:
                return "cancelled"
            return "pending" if self._waiting() else "processing"
        if counts.failed:
            return "failed" if counts.failed == self.plan.count else self.plan.partly_failed_status
        return "completed"

    @property
    def finished_at(self) -> float | None:
        """When it was cancelled, or when its last session was settled; None while it is under way."""
        if self.cancelled_at is not None:
            return self.cancelled_at
        if self.status in ("pending", "processing"):
            return None
        if self.creation_stopped_at is not None and self.status == "cancelled":
            return self.creation_stopped_at
        return max([self._first_ready_at(self.plan.count - 1), *(r.ready_at for r in self.retried.values())])

    # What happens to it

    def stop_creating(self) -> None:
        if self.creation_stopped_at is None:
            self.creation_stopped_at = self.clock.now()

    def end(self, indexes: list[int]) -> None:
        now = self.clock.now()
        for index in indexes:
            self.ended[index] = now

    def hurry(self) -> None:
        """Brings the creation to its end at this moment."""
        now = self.hurried_at = self.clock.now()
        for index, again in self.retried.items():
            self.retried[index] = again._replace(ready_at=min(again.ready_at, now))

    def live(self) -> Iterator[tuple[int, bool]]:
        """Each session that runs, or is still going to be started: its index, and whether it runs."""
        for index in range(self.plan.count):
            if self.runs(index):
                yield index, True
            elif self.will_start(index):
                yield index, False
