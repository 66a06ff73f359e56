"""One batch and its sessions as functions of time: nothing ticks, everything is computed when asked."""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from pulumi_anchorbrowser.simulator.clock import SimulatorClock
from pulumi_anchorbrowser.simulator.plan import CreationPlan, Retry, SessionCounts, ShownStatus
from pulumi_anchorbrowser.simulator.settings import SimulatedStop, SimulatorSettings

PENDING_SHARE = 0.1  # of the creation time, before the first session starts
SESSION_BITS = 16


@dataclass(eq=False)
class SimulatedBatch:
    """The true state of a batch, deleted ones included; times are seconds since the epoch.

    `running_word`, where set, is the status of this batch's running sessions in lists. A `single` batch is a session
    that was started alone, and is no batch to the API.
    """

    team: str
    plan: CreationPlan
    tags: tuple[str, ...]
    configuration: dict[str, object]
    clock: SimulatorClock
    single: bool = False
    running_word: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: float = 0.0
    cancelled_at: float | None = None
    cancelling_until: float = 0.0
    cancelled_sessions: int = 0
    deleted_at: float | None = None
    creation_stopped_at: float | None = None
    hurried_at: float | None = None
    deletion_tries: int = 0
    retried: dict[int, Retry] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    removed: dict[int, float] = field(default_factory=dict)
    stopped_by: dict[int, SimulatedStop] = field(default_factory=dict)
    """What stopped each session first."""
    # The sessions that outlive a stop that reported success, and when they did so first.
    survivors: dict[int, float] = field(default_factory=dict)
    retagged: dict[int, list[tuple[float, tuple[str, ...]]]] = field(default_factory=dict)
    session_base: int = field(default_factory=lambda: uuid4().int >> SESSION_BITS)

    def __post_init__(self) -> None:
        self.created_at = self.created_at or self.clock.now()

    def behind(self, seconds: float) -> SimulatedBatch:
        """Return this batch as it was so many seconds ago, as a replica that lags would have it."""
        if not seconds:
            return self
        then = copy.copy(self)
        then.clock = self.clock.behind(seconds)
        return then

    def _is_past(self, moment: float | None) -> bool:
        return moment is not None and moment <= self.clock.now()

    @property
    def existed(self) -> bool:
        """Whether it had been created; False only of a batch of some time ago."""
        return self._is_past(self.created_at)

    @property
    def deleted(self) -> bool:
        return self._is_past(self.deleted_at)

    @property
    def creation_stopped(self) -> bool:
        return self._is_past(self.creation_stopped_at)

    def session_id(self, index: int) -> str:
        return str(UUID(int=(self.session_base << SESSION_BITS) | index))

    def tags_of(self, index: int) -> tuple[str, ...]:
        changes = [tags for moment, tags in self.retagged.get(index, ()) if self._is_past(moment)]
        return changes[-1] if changes else self.tags

    # When each session is created

    def _moment(self, share: float) -> float:
        moment = self.created_at + self.plan.creation_seconds * (PENDING_SHARE + (1 - PENDING_SHARE) * share)
        return moment if self.hurried_at is None else min(moment, self.hurried_at)

    def retry_of(self, index: int) -> Retry | None:
        again = self.retried.get(index)
        return again if again is not None and self._is_past(again.asked_at) else None

    def started_at(self, index: int) -> float:
        again = self.retry_of(index)
        return again.started_at if again else self._moment(index / self.plan.count)

    def ready_at(self, index: int) -> float:
        again = self.retry_of(index)
        return again.ready_at if again else self._first_ready_at(index)

    def _first_ready_at(self, index: int) -> float:
        return self._moment((index + 1) / self.plan.count)

    def succeeds(self, index: int) -> bool:
        again = self.retry_of(index)
        return again.succeeds if again else index < self.plan.count - self.plan.failing

    def creating_until(self) -> float:
        now = self.clock.now()
        return now if self.creation_stopped_at is None else min(now, self.creation_stopped_at)

    def settled(self, index: int) -> bool:
        """Whether the creation of this session has succeeded or failed."""
        return self.ready_at(index) <= self.creating_until()

    def ended_at(self, index: int) -> float | None:
        expiry = None if self.plan.lifetime is None else self.ready_at(index) + self.plan.lifetime
        stopped = self.ended.get(index)
        moments = [moment for moment in (expiry, stopped) if moment is not None]
        return min(moments) if moments else None

    # What is true now

    def exists(self, index: int) -> bool:
        """Whether this session was created, and has its data or outlives the removal of its data."""
        if not self.settled(index) or not self.succeeds(index):
            return False
        return not self.is_removed(index) or (index in self.survivors and not self._has_ended(index))

    def is_removed(self, index: int) -> bool:
        return self._is_past(self.removed.get(index))

    def _has_ended(self, index: int) -> bool:
        return self._is_past(self.ended_at(index))

    def runs(self, index: int) -> bool:
        return self.exists(index) and not self._has_ended(index)

    def reported_as_stopped(self, index: int) -> bool:
        """Whether a stop of this session has reported success, whatever became of it."""
        return self._is_past(self.ended.get(index)) or self._is_past(self.survivors.get(index))

    def will_start(self, index: int) -> bool:
        return self.creation_stopped_at is None and self.succeeds(index) and not self.settled(index)

    def existing(self) -> list[int]:
        if self.deleted and not self.survivors:
            return []
        return [index for index in range(self.plan.count) if self.exists(index)]

    def running(self) -> list[int]:
        return [index for index in self.existing() if self.runs(index)]

    def failed(self) -> list[int]:
        first = self.plan.count - self.plan.failing
        return [i for i in range(first, self.plan.count) if self.settled(i) and not self.succeeds(i)]

    def counts(self) -> SessionCounts:
        """Return how the creation of the sessions went, without a walk through all of them."""
        until = self.creating_until()
        good = self.plan.count - self.plan.failing
        settled = bisect_right(range(self.plan.count), until, key=self._first_ready_at)
        completed, failed = min(settled, good), max(0, settled - good)
        retries = [again for again in self.retried.values() if self._is_past(again.asked_at)]
        for again in retries:
            failed -= 1 if again.ready_at > until or again.succeeds else 0
            completed += 1 if again.ready_at <= until and again.succeeds else 0
        left = self.plan.count - completed - failed
        if self.creation_stopped:
            return SessionCounts(completed, failed, 0, 0)
        if self._waiting():
            return SessionCounts(completed, failed, 0, left)
        processing = min(1, self.plan.count - settled) + sum(1 for again in retries if again.ready_at > until)
        return SessionCounts(completed, failed, processing, left - processing)

    def _waiting(self) -> bool:
        return self.clock.now() < self._moment(0)

    @property
    def status(self) -> ShownStatus:
        if self._is_past(self.cancelled_at):
            return "cancelled" if self._is_past(self.cancelling_until) else "cancelling"
        counts = self.counts()
        if counts.completed + counts.failed < self.plan.count:
            if self.creation_stopped:
                return "cancelled"
            return "pending" if self._waiting() else "processing"
        if counts.failed:
            return "failed" if counts.failed == self.plan.count else self.plan.partly_failed_status
        return "completed"

    @property
    def finished_at(self) -> float | None:
        """When it was cancelled, or when its last session was settled; None before that."""
        status = self.status
        if status in ("pending", "processing", "cancelling"):
            return None
        if status == "cancelled":
            return self.creation_stopped_at if self.cancelled_at is None else self.cancelling_until
        return max([self._first_ready_at(self.plan.count - 1), *(r.ready_at for r in self.retried.values())])

    # What happens to it

    def stop_creating(self) -> None:
        if self.creation_stopped_at is None:
            self.creation_stopped_at = self.clock.now()

    def end(self, indexes: Iterable[int]) -> None:
        """End these sessions for certain."""
        now = self.clock.now()
        for index in indexes:
            self.ended[index] = min(now, self.ended.get(index, now))

    def stop(
        self, indexes: Iterable[int], stop: SimulatedStop, settings: SimulatorSettings, after: float = 0.0
    ) -> None:
        """End these sessions `after` seconds, but for those that survive this stop."""
        end = self.clock.now() + after
        for index in indexes:
            self.stopped_by.setdefault(index, stop)
            moment: float | None = end
            if self.survives(index, stop, settings):
                first, seconds = self.survivors.setdefault(index, end), settings.survive_seconds
                moment = None if seconds is None else first + seconds
            if moment is not None:
                self.ended[index] = min(moment, self.ended.get(index, moment))

    def survives(self, index: int, stop: SimulatedStop, settings: SimulatorSettings) -> bool:
        return index < settings.surviving_sessions and stop in settings.survive

    def put_tags(self, index: int, tags: tuple[str, ...]) -> None:
        self.retagged.setdefault(index, []).append((self.clock.now(), tags))

    def hurry(self) -> None:
        """Bring the creation to its end at this moment."""
        now = self.hurried_at = self.clock.now()
        for index, again in self.retried.items():
            self.retried[index] = again._replace(ready_at=min(again.ready_at, now))

    def live(self) -> Iterator[tuple[int, bool]]:
        """Yield each session that runs or is still going to be started: its index, and whether it runs."""
        for index in range(self.plan.count):
            if self.runs(index):
                yield index, True
            elif self.will_start(index):
                yield index, False
