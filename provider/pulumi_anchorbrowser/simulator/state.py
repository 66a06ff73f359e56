"""The state of one simulated API: its batches, and what the operations do to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import count
from typing import NamedTuple

from pulumi_anchorbrowser.simulator.batch import SimulatedBatch
from pulumi_anchorbrowser.simulator.clock import SimulatorClock
from pulumi_anchorbrowser.simulator.configuration import SentConfiguration
from pulumi_anchorbrowser.simulator.errors import (
    CaptchaSolverNeedsProxy,
    NotCancellable,
    NothingToRetry,
    UnknownBatch,
)
from pulumi_anchorbrowser.simulator.plan import CreationPlan, CreationStatus, Retry
from pulumi_anchorbrowser.simulator.settings import SimulatorSettings
from pulumi_anchorbrowser.simulator.teams import Teams


class Deletion(NamedTuple):
    """What a DELETE reports: how many sessions it removed, and which it could not."""

    deleted: int
    stuck: list[str]


class SimulatorState:
    """Everything one server has; its methods are the operations and raise named errors.

    The server's thread and the test's thread both come here, so `lock` is held around each operation.
    """

    def __init__(self, teams: Teams, settings: SimulatorSettings, clock: SimulatorClock) -> None:
        self.lock = threading.RLock()
        self.teams = teams
        self.settings = settings
        self.clock = clock
        self.batches: dict[str, SimulatedBatch] = {}
        self.singles: list[SimulatedBatch] = []
        self.by_session_base: dict[int, SimulatedBatch] = {}
        self._turns = count()

    def turn(self) -> int:
        """Return how many lists were requested before this one."""
        return next(self._turns)

    def create(self, team: str, sessions: int, configuration: SentConfiguration) -> SimulatedBatch:
        """Start a batch, or raise what speaks against it."""
        with self.lock:
            self._allow(team, sessions, configuration, counted=True)
            plan = self._plan(sessions, configuration)
            batch = SimulatedBatch(team, plan, configuration.tags, configuration.sent(), self.clock)
            self.batches[batch.id] = self.by_session_base[batch.session_base] = batch
            return batch

    def create_single(self, team: str, configuration: SentConfiguration) -> SimulatedBatch:
        """Start one session that belongs to no batch; it runs at once."""
        with self.lock:
            self._allow(team, 1, configuration, counted=False)
            plan = CreationPlan(1, creation_seconds=0.0, failing=0, lifetime=self._lifetime(configuration))
            single = SimulatedBatch(team, plan, configuration.tags, configuration.sent(), self.clock, single=True)
            self.singles.append(single)
            self.by_session_base[single.session_base] = single
            return single

    def _allow(self, team: str, sessions: int, configuration: SentConfiguration, *, counted: bool) -> None:
        if configuration.solves_captchas and not configuration.has_active_proxy:
            raise CaptchaSolverNeedsProxy
        if self.settings.enforce_max_concurrent_browsers:
            running = sum(1 for batch in self.everything() if batch.team == team for _ in batch.live())
            self.teams.limit_browsers(running, sessions)
        if counted:
            self.teams.count_creation(team)
        self.teams.charge(team, sessions)

    def everything(self) -> Iterable[SimulatedBatch]:
        """Yield the batches, then the sessions that belong to none."""
        yield from self.batches.values()
        yield from self.singles

    def _plan(self, sessions: int, configuration: SentConfiguration) -> CreationPlan:
        return CreationPlan(
            count=sessions,
            creation_seconds=self.settings.creation_seconds,
            failing=min(sessions, self.settings.failing_sessions),
            lifetime=self._lifetime(configuration),
            partly_failed_status=self.settings.partly_failed_status,
        )

    def _lifetime(self, configuration: SentConfiguration) -> float | None:
        minutes = configuration.lifetime_minutes
        return None if minutes is None else minutes * self.settings.minute_seconds

    def get(self, team: str, batch_id: str, lag: float = 0.0) -> SimulatedBatch:
        """Return a batch of this team, as of `lag` seconds ago; a deleted one where the settings keep it as empty."""
        batch = self.batches.get(batch_id)
        then = None if batch is None else batch.behind(lag)
        if then is None or then.team != team or not self._visible(then):
            raise UnknownBatch(batch_id)
        return then

    def _visible(self, batch: SimulatedBatch) -> bool:
        return batch.existed and (not batch.deleted or self.settings.get_after_delete == "empty")

    def listed(
        self,
        team: str,
        status: CreationStatus | None,
        created_after: float | None,
        created_before: float | None,
        lag: float = 0.0,
    ) -> list[SimulatedBatch]:
        """Return the team's batches as of `lag` seconds ago, the newest first."""
        known_until = self.clock.now() - self.settings.batches_listed_after
        wanted: list[Callable[[SimulatedBatch], bool]] = [lambda batch: batch.team == team and self._visible(batch)]
        if self.settings.batches_listed_after:
            wanted.append(lambda batch: batch.created_at <= known_until)
        if created_after is not None:
            wanted.append(lambda batch: batch.created_at > created_after)
        if created_before is not None:
            wanted.append(lambda batch: batch.created_at < created_before)
        if status is not None:
            wanted.append(lambda batch: batch.status == status)
        with self.lock:
            then = (batch.behind(lag) for batch in reversed(self.batches.values()))
            return [batch for batch in then if all(test(batch) for test in wanted)]

    def cancel(self, team: str, batch_id: str) -> int:
        """Stop a batch and return how many running sessions were stopped; their data stays."""
        with self.lock:
            batch = self.get(team, batch_id)
            status = batch.status
            cancellable = status in ("pending", "processing")
            if status == "failed" and self.settings.failed_batch_cancellable:
                cancellable = True
            if batch.deleted or not cancellable:
                raise NotCancellable(batch_id, "deleted" if batch.deleted else status)
            running, seconds = batch.running(), self.settings.cancelling_seconds
            batch.stop(running, "cancel", self.settings, after=seconds)
            batch.stop_creating()
            batch.cancelled_at = self.clock.now()
            batch.cancelling_until = batch.cancelled_at + seconds
            batch.cancelled_sessions += len(running)
            return len(running)

    def delete(self, team: str, batch_id: str) -> Deletion:
        """End every session of a batch and remove its data, but for those that the settings let fail or survive."""
        with self.lock:
            batch = self.batches.get(batch_id)
            if batch is None or batch.team != team:
                raise UnknownBatch(batch_id)
            if batch.deleted:
                if self.settings.second_delete == "404":
                    raise UnknownBatch(batch_id)
                return Deletion(0, [])
            batch.stop_creating()
            stuck, gone = self._split(batch, [index for index in batch.existing() if not batch.is_removed(index)])
            batch.stop([index for index in gone if batch.runs(index)], "delete", self.settings)
            now = self.clock.now()
            batch.removed.update(dict.fromkeys(gone, now))
            if not stuck:
                batch.deleted_at = now
            return Deletion(len(gone), [batch.session_id(index) for index in stuck])

    def _split(self, batch: SimulatedBatch, existing: list[int]) -> tuple[list[int], list[int]]:
        heal_after = self.settings.deletions_heal_after
        healed = heal_after is not None and batch.deletion_tries >= heal_after
        batch.deletion_tries += 1
        failing = 0 if healed else self.settings.failing_deletions
        return existing[:failing], existing[failing:]

    def retry(self, team: str, batch_id: str, max_retries: int) -> int:
        """Try failed sessions again, each up to `max_retries` times; return how many."""
        with self.lock:
            batch = self.get(team, batch_id)
            failed = [] if batch.creation_stopped_at is not None else batch.failed()
            if not failed:
                raise NothingToRetry(batch_id)
            now, step = self.clock.now(), batch.plan.creation_seconds / len(failed)
            for place, index in enumerate(failed):
                batch.retried[index] = self._retry(batch, index, max_retries, now + step * place, step)
            return len(failed)

    def _retry(self, batch: SimulatedBatch, index: int, max_retries: int, start: float, step: float) -> Retry:
        before = batch.retried.get(index)
        done = before.attempts if before else 0
        needed = self.settings.retries_to_heal
        heals = needed is not None and done + max_retries >= needed
        attempts = max(1, needed - done) if heals and needed is not None else max_retries
        return Retry(self.clock.now(), start, start + step, done + attempts, heals)
