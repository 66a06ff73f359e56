"""The state of one simulated API: its batches, and what the operations do to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from pulumi_anchorbrowser.simulator.batch import Batch
from pulumi_anchorbrowser.simulator.clock import Clock
from pulumi_anchorbrowser.simulator.configuration import Configuration
from pulumi_anchorbrowser.simulator.errors import (
    CaptchaSolverNeedsProxy,
    NotCancellable,
    NothingToRetry,
    UnknownBatch,
)
from pulumi_anchorbrowser.simulator.plan import Plan, Retry, Status
from pulumi_anchorbrowser.simulator.settings import Settings
from pulumi_anchorbrowser.simulator.teams import Teams


class Deletion(NamedTuple):
    """What a DELETE did: how many sessions it removed, and which it could not."""

    deleted: int
    stuck: list[str]


class State:
    """Everything one server knows; its methods are the operations and raise named errors.

    The server's thread and the test's thread both come here, so `lock` is held around each operation.
    """

    def __init__(self, teams: Teams, settings: Settings, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.teams = teams
        self.settings = settings
        self.clock = clock
        self.batches: dict[str, Batch] = {}
        self.by_session_base: dict[int, Batch] = {}

    def create(self, team: str, count: int, configuration: Configuration) -> Batch:
        if configuration.solves_captchas and not configuration.has_active_proxy:
            raise CaptchaSolverNeedsProxy
        with self.lock:
            self.teams.count_creation(team)
            self.teams.charge(team, count)
            batch = Batch(team, self._plan(count, configuration), configuration.tags, configuration.sent(), self.clock)
            self.batches[batch.id] = batch
            self.by_session_base[batch.session_base] = batch
            return batch

    def _plan(self, count: int, configuration: Configuration) -> Plan:
        minutes = configuration.lifetime_minutes
        return Plan(
            count=count,
            creation_seconds=self.settings.creation_seconds,
            failing=min(count, self.settings.failing_sessions),
            lifetime=None if minutes is None else minutes * self.settings.minute_seconds,
            partly_failed_status=self.settings.partly_failed_status,
        )

    def get(self, team: str, batch_id: str) -> Batch:
        """Finds a batch of this team; a deleted one only where the settings keep it as an empty one."""
        batch = self.batches.get(batch_id)
        if batch is None or batch.team != team or not self._visible(batch):
            raise UnknownBatch(batch_id)
        return batch

    def _visible(self, batch: Batch) -> bool:
        return not batch.deleted or self.settings.get_after_delete == "empty"

    def listed(
        self, team: str, status: Status | None, created_after: float | None, created_before: float | None
    ) -> list[Batch]:
        """Lists the team's batches, the newest first."""
        known_until = self.clock.now() - self.settings.batches_listed_after
        wanted: list[Callable[[Batch], bool]] = [lambda batch: batch.team == team and self._visible(batch)]
        if self.settings.batches_listed_after:
            wanted.append(lambda batch: batch.created_at <= known_until)
        if created_after is not None:
            wanted.append(lambda batch: batch.created_at > created_after)
        if created_before is not None:
            wanted.append(lambda batch: batch.created_at < created_before)
        if status is not None:
            wanted.append(lambda batch: batch.status == status)
        with self.lock:
            return [batch for batch in reversed(self.batches.values()) if all(test(batch) for test in wanted)]

    def cancel(self, team: str, batch_id: str) -> int:
        """Stops a batch and returns how many running sessions that terminated; their data stays."""
        with self.lock:
            batch = self.get(team, batch_id)
            status = batch.status
            cancellable = status in ("pending", "processing")
            if status == "failed" and self.settings.failed_batch_cancellable:
                cancellable = True
            if batch.deleted or not cancellable:
                raise NotCancellable(batch_id, "deleted" if batch.deleted else status)
            running = batch.running()
            batch.end(running)
            batch.stop_creating()
            batch.cancelled_at = self.clock.now()
            batch.cancelled_sessions += len(running)
            return len(running)

    def delete(self, team: str, batch_id: str) -> Deletion:
        """Ends every session of a batch and removes its data, save those that the settings let fail."""
        with self.lock:
            batch = self.batches.get(batch_id)
            if batch is None or batch.team != team:
                raise UnknownBatch(batch_id)
            if batch.deleted:
                if self.settings.second_delete == "404":
                    raise UnknownBatch(batch_id)
                return Deletion(0, [])
            batch.stop_creating()
            existing = batch.existing()
            stuck, gone = self._split(batch, existing)
            batch.removed.update(gone)
            if not stuck:
                batch.deleted_at = self.clock.now()
            return Deletion(len(gone), [batch.session_id(index) for index in stuck])

    def _split(self, batch: Batch, existing: list[int]) -> tuple[list[int], list[int]]:
        heal_after = self.settings.deletions_heal_after
        healed = heal_after is not None and batch.deletion_tries >= heal_after
        batch.deletion_tries += 1
        failing = 0 if healed else self.settings.failing_deletions
        return existing[:failing], existing[failing:]

    def retry(self, team: str, batch_id: str, max_retries: int) -> int:
        """Tries failed sessions again, each up to `max_retries` times; returns how many it tries."""
        with self.lock:
            batch = self.get(team, batch_id)
            failed = [] if batch.creation_stopped_at is not None else batch.failed()
            if not failed:
                raise NothingToRetry(batch_id)
            now, step = self.clock.now(), batch.plan.creation_seconds / len(failed)
            for place, index in enumerate(failed):
                batch.retried[index] = self._retry(batch, index, max_retries, now + step * place, step)
            return len(failed)

    def _retry(self, batch: Batch, index: int, max_retries: int, start: float, step: float) -> Retry:
        before = batch.retried.get(index)
        done = before.attempts if before else 0
        needed = self.settings.retries_to_heal
        heals = needed is not None and done + max_retries >= needed
        attempts = max(1, needed - done) if heals and needed is not None else max_retries
        return Retry(start, start + step, done + attempts, heals)
