"""Waiting until enough browsers of a batch are ready."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from pulumi_anchorbrowser.api import (
    ApiError,
    BadRequest,
    Batch,
    BatchSummary,
    Client,
    NoAnswer,
    NotConnected,
    NotFound,
    RateLimited,
    ServerError,
)
from pulumi_anchorbrowser.api.models import CANCELLED, UNFINISHED
from pulumi_anchorbrowser.lifecycle.errors import NotReady
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.reading import MAX_AGE_SECONDS, BatchReader
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.receipts import Subject

_LOGGER = logging.getLogger(__name__)
# The vendor's own advice: every 5 s at first, then more slowly, at most every 30 s.
FIRST_PAUSE_SECONDS, PAUSE_GROWTH, LONGEST_PAUSE_SECONDS = 5.0, 1.5, 30.0
_PASSING = (NoAnswer, NotConnected, RateLimited, ServerError)


@dataclass(frozen=True)
class Goal:
    """What is waited for: `min_ready` browsers (None: all of them), within `timeout` seconds.

    Where creation ends with fewer, the failed sessions are retried, each at most `retry_failed` times.
    """

    min_ready: int | None
    timeout: float
    retry_failed: int

    def wanted(self, batch: BatchSummary) -> int:
        """How many browsers are enough."""
        return self.min_ready if self.min_ready is not None else (batch.total_requests or 1)

    def is_met(self, batch: BatchSummary) -> bool:
        """Whether enough browsers are ready."""
        return (batch.completed_requests or 0) >= self.wanted(batch)


@dataclass(frozen=True)
class Reached:
    """The batch when it was ready, and how many sessions had to be retried for it (None: no retry)."""

    batch: BatchSummary
    retried_sessions: int | None


class Waiting:
    """One wait for one batch."""

    def __init__(
        self,
        client: Client,
        reader: BatchReader,
        calls: RecordedCalls,
        clock: Clock,
        notices: Notices,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._client = client
        self._reader = reader
        self._calls = calls
        self._clock = clock
        self._notices = notices
        self._first_pause = first_pause

    def until(self, batch_id: str, goal: Goal, urn: str = "") -> Reached:
        """Return once the goal is met. Raises NotReady when it cannot be met, or not in time.

        `urn` names, in the receipt of a retry, the resource that waits.
        """
        deadline = self._clock.monotonic() + goal.timeout
        retried: int | None = None
        batch: BatchSummary | None = None
        for pause in _pauses(self._first_pause):
            batch = self._look(batch_id, pause) or batch
            if batch is not None:
                self._notices.progress(_progress(batch, goal, deadline - self._clock.monotonic()))
                if goal.is_met(batch):
                    return Reached(batch, retried)
                _refuse_the_impossible(batch, goal)
                if batch.status not in UNFINISHED:
                    if retried is not None or not goal.retry_failed or not batch.failed_requests:
                        _give_up(self._client.get_batch(batch_id), goal, retried)
                    retried = self._retry(batch, goal, urn)
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise NotReady(_too_late(batch_id, batch, goal))
            _LOGGER.debug("wait", extra={"reason": "browsers", "seconds": round(min(pause, left), 4)})
            self._clock.sleep(min(pause, left))
        raise AssertionError("the pauses never end")

    def _look(self, batch_id: str, max_age: float) -> BatchSummary | None:
        try:
            batch = self._reader.read(batch_id, min(max_age, MAX_AGE_SECONDS))
        except NotFound:
            raise NotReady(f"Batch {batch_id} is not known to the API (HTTP 404): it may have been deleted. "
                           "Start it again, or remove this resource.") from None  # fmt: skip
        except _PASSING as error:
            # A wait outlives a passing failure; the deadline ends it.
            self._notices.progress(error.explanation)
            return None
        if batch.status == CANCELLED or (isinstance(batch, Batch) and batch.is_empty):
            raise NotReady(f"Batch {batch_id} was {batch.status}, so its browsers will not become ready. "
                           "Start a new batch, or remove this resource.")  # fmt: skip
        return batch

    def _retry(self, batch: BatchSummary, goal: Goal, urn: str) -> int:
        account = str(self._client.account())
        subject = Subject(owner="", urn=urn, claim="", account=account, batch_id=batch.batch_id)
        try:
            answer = self._calls.retry(subject, batch.batch_id, goal.retry_failed, self._notices)
        except BadRequest:
            # "Nothing to retry": the sessions have recovered since we looked.
            return 0
        except ApiError as error:
            if not isinstance(error, _PASSING):
                raise
            self._notices.warning(f"the retry of batch {batch.batch_id} may not have been taken: {error.explanation}")
            return 0
        self._notices.info(f"retrying {answer.retried_sessions} failed sessions of batch {batch.batch_id}")
        return answer.retried_sessions or 0


def _pauses(first: float) -> Iterator[float]:
    pause = first
    while True:
        yield pause
        pause = min(pause * PAUSE_GROWTH, max(LONGEST_PAUSE_SECONDS, first))


def _counts(batch: BatchSummary, goal: Goal) -> str:
    failed = f", {batch.failed_requests} failed" if batch.failed_requests else ""
    of_total = f" of {batch.total_requests}" if batch.total_requests is not None else ""
    wanted = f" ({goal.min_ready} are enough)" if goal.min_ready is not None else ""
    return f"{batch.completed_requests or 0}{of_total} browsers ready{wanted}{failed}"


def _progress(batch: BatchSummary, goal: Goal, left: float) -> str:
    return f"{_counts(batch, goal)}; {max(0, round(left))} s left"


def _too_late(batch_id: str, batch: BatchSummary | None, goal: Goal) -> str:
    so_far = _counts(batch, goal) if batch else "the API did not answer"
    return (
        f"Batch {batch_id} was not ready within {goal.timeout:g} s: {so_far}. The batch stays in the state and goes "
        "on; run `pulumi up` again to go on waiting, raise timeout, or lower min_ready."
    )


def _refuse_the_impossible(batch: BatchSummary, goal: Goal) -> None:
    if goal.min_ready is not None and batch.total_requests is not None and goal.min_ready > batch.total_requests:
        raise NotReady(
            f"Batch {batch.batch_id} has only {batch.total_requests} browsers, and min_ready is {goal.min_ready}. "
            "Its browsers go on; lower min_ready, then run again."
        )


def _give_up(batch: Batch, goal: Goal, retried: int | None) -> NoReturn:
    after = f" after {retried} were retried" if retried else ""
    why = f" ({batch.error})" if batch.error else ""
    raise NotReady(
        f"Batch {batch.batch_id} is {batch.status}{why} with {_counts(batch, goal)}{after}, and "
        f"{goal.wanted(batch)} are needed. Its ready browsers go on running; lower min_ready, set retry_failed "
        "(up to 3), or destroy the batch, then run again."
    )
