"""Waiting until enough browsers of a batch are ready: what a `BatchReady` asks for, does, and records."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from pulumi_anchorbrowser.api import (
    Answered,
    BadRequest,
    BatchDetails,
    BatchSession,
    BatchSummary,
    Lost,
    NoAnswer,
    NotConnected,
    NotFound,
    PlanLimit,
    RateLimited,
    ServerError,
)
from pulumi_anchorbrowser.api.models import CANCELLED, COMPLETED, UNFINISHED, BatchId
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown, Problem, problems_of
from pulumi_anchorbrowser.lifecycle.durations import Duration, seconds
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.inputs import MAX_COUNT
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.run import Runner
from pulumi_anchorbrowser.receipts import ReceiptsUnavailable, Subject
from pulumi_anchorbrowser.words import counted, sessions

_LOGGER = logging.getLogger(__name__)
POLL_SECONDS = 5.0
# Waits that begin one by one: a page that one of them requested this recently serves the others too.
_FRESH_SECONDS = 1.0
_UNCHANGED_SECONDS = 30.0
_PASSING = (NoAnswer, NotConnected, RateLimited, ServerError)


class NotReady(LifecycleError):
    """Too few browsers of a batch are ready."""

    anchor = "not-ready"


class ReadyInputs(BaseModel):
    """The inputs of a `BatchReady`.

    Waits for `min_ready` browsers (None: all of them) for up to `timeout`. Where creation ends with fewer, the failed
    sessions are retried, each at most `retry_failed` times. `resource_urn` is added by the binding, for receipts.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    batch_id: BatchId
    min_ready: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    timeout: Duration = "10m"
    retry_failed: Annotated[int, Field(ge=0, le=3)] = 0
    record_sessions: bool = False
    # Never in the state: the engine names the resource in each request.
    resource_urn: Annotated[str | None, Field(exclude=True)] = None

    def wanted(self, batch: BatchSummary) -> int | None:
        """Return how many ready browsers are enough; None for all of them where the API does not say how many."""
        return self.min_ready if self.min_ready is not None else batch.total_requests or None

    def is_reached(self, batch: BatchSummary) -> bool:
        """Whether enough browsers of the batch are ready."""
        ready, wanted = batch.completed_requests or 0, self.wanted(batch)
        if wanted is None:
            return batch.status == COMPLETED and ready > 0 and not batch.failed_requests
        return ready >= wanted


READY_DEFAULTS: dict[str, Any] = {
    name: ReadyInputs.model_fields[name].default for name in ("timeout", "retry_failed", "record_sessions")
}
# What the outputs have beside the inputs.
READY_RESULTS = (
    "live_status",
    "total_requests",
    "completed_requests",
    "failed_requests",
    "retried_sessions",
    "sessions",
)
# A change of these asks for another wait, or for another record of it.
WAITED_FOR = ("min_ready", "retry_failed", "record_sessions")


def ready_problems(news: Mapping[str, Any], is_unknown: IsUnknown, count: int | None = None) -> list[Problem]:
    """Return everything that is wrong with the inputs of a wait. `count` is the batch's size, where it is known."""
    problems = problems_of(ReadyInputs, news, is_unknown)
    if "batch_id" not in news:
        reason = "must be the id of a batch (a Batch that starts with another status than active has none)"
        problems = [Problem(one.property, reason) if one.property == "batch_id" else one for one in problems]
    min_ready = news.get("min_ready")
    if isinstance(min_ready, int) and count is not None and min_ready > count:
        problems.append(
            Problem("min_ready", f"must not exceed the batch's {counted(count, 'browser')} (got {min_ready})")
        )
    return problems


@dataclass(frozen=True)
class Reached:
    """The batch when it was ready.

    `retried_sessions` is how many sessions had to be retried for it; None where there was no retry, or its response
    did not say.
    """

    batch: BatchSummary
    retried_sessions: int | None

    def outputs(self, inputs: ReadyInputs, recorded: Sequence[BatchSession] | None) -> dict[str, Any]:
        """Return the outputs of a `BatchReady`, with the sessions, and the URLs that open them, where given."""
        return {
            **inputs.model_dump(),
            "live_status": self.batch.status,
            "total_requests": self.batch.total_requests,
            "completed_requests": self.batch.completed_requests,
            "failed_requests": self.batch.failed_requests,
            "retried_sessions": self.retried_sessions,
            "sessions": None if recorded is None else [_output_of(session) for session in recorded],
        }


@dataclass(frozen=True)
class _Retry:
    """A retry that was sent; of how many sessions, where the response says so."""

    sessions: int | None


class _Progress:
    """The passing status of one wait: a change is shown at once, anything else twice a minute.

    Without a terminal, the engine prints every status as a line.
    """

    def __init__(self, notices: Notices, clock: Clock, deadline: float) -> None:
        self._notices, self._clock, self._deadline = notices, clock, deadline
        self._shown, self._due = "", 0.0

    def show(self, text: str, *, is_last: bool = False) -> None:
        """Show the status, with the time that is left; the last one always, and without."""
        now = self._clock.monotonic()
        if is_last:
            self._notices.progress(text)
        elif text != self._shown or now >= self._due:
            self._shown, self._due = text, now + _UNCHANGED_SECONDS
            self._notices.progress(f"{text}; {max(0, round(self._deadline - now))} s left")


class Waiting:
    """Waits for batches.

    `pause` is the time between two looks. `is_young` says whether this run has just started a batch: the API may then
    not know it yet.
    """

    def __init__(
        self,
        runner: Runner,
        notices: Notices,
        *,
        pause: float = POLL_SECONDS,
        is_young: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._runner, self._notices = runner, notices
        self._client, self._listing, self._clock = runner.client, runner.listing, runner.clock
        self._pause, self._is_young = pause, is_young

    def until(self, inputs: ReadyInputs) -> Reached:
        """Return once enough browsers are ready. Raises NotReady where that is impossible, or too late; ApiError."""
        timeout = seconds(inputs.timeout)
        deadline = self._clock.monotonic() + timeout
        progress = _Progress(self._notices, self._clock, deadline)
        retry: _Retry | None = None
        batch: BatchSummary | None = None
        due = self._clock.monotonic() - min(self._pause, _FRESH_SECONDS)
        while True:
            if (found := self._look(inputs.batch_id, due, progress)) is not None:
                batch = found
                is_reached = inputs.is_reached(batch)
                progress.show(_ready(batch, inputs), is_last=is_reached)
                if is_reached:
                    return Reached(batch, retry.sessions if retry else None)
                _refuse_the_impossible(batch, inputs)
                if batch.status not in UNFINISHED:
                    if retry is not None or not inputs.retry_failed or not batch.failed_requests:
                        _give_up(self._client.get_batch(batch.batch_id), inputs, retry)
                    retry = self._retry(inputs, progress)
            if self._clock.monotonic() >= deadline:
                raise _too_late(inputs, timeout, batch)
            due = self._sleep(deadline)

    def _look(self, batch_id: str, due: float, progress: _Progress) -> BatchSummary | None:
        try:
            # A page requested since this look was due serves every wait, however late its turn comes.
            batch = self._listing.batch(batch_id, self._clock.monotonic() - due)
        except NotFound:
            if not self._is_young(batch_id):
                raise _gone(batch_id, "does not exist (HTTP 404). It may have been deleted") from None
            progress.show("the API does not know the new batch yet (HTTP 404)")
            return None
        except _PASSING as error:
            # A wait outlives a passing failure; the deadline ends it.
            progress.show(error.reason)
            return None
        if batch.status == CANCELLED or (isinstance(batch, BatchDetails) and batch.is_empty):
            status = CANCELLED if batch.status == CANCELLED else "deleted"
            raise _gone(batch_id, f"was {status}, so its browsers will not become ready")
        return batch

    def _owner_of(self, batch_id: str) -> str:
        """Return the stack that started the batch, by the receipts; empty where these do not say."""
        try:
            return self._runner.receipts.owner_of(batch_id) or ""
        except ReceiptsUnavailable:
            return ""  # The retry's own receipt cannot be written either, which is warned of.

    def _retry(self, inputs: ReadyInputs, progress: _Progress) -> _Retry | None:
        """Retry the failed sessions once. None where that was certainly not done: the next look tries again."""
        account = str(self._client.account())
        subject = Subject(self._owner_of(inputs.batch_id), inputs.resource_urn or "", "", account, inputs.batch_id)
        last = self._runner.recorded(
            "retry", subject, lambda: self._client.retry_batch(inputs.batch_id, inputs.retry_failed), self._notices
        ).last
        if isinstance(last, Answered):
            self._notices.info(
                f"retrying failed sessions of batch {inputs.batch_id}: {sessions(last.value.retried_sessions)}"
            )
            return _Retry(last.value.retried_sessions)
        if isinstance(last, Lost):
            self._notices.warning(
                f"the retry of batch {inputs.batch_id} may not have reached the API: {last.error.reason}"
            )
            return _Retry(None)
        if isinstance(last.error, BadRequest):
            # "Nothing to retry": the sessions have recovered since the last look.
            return _Retry(0)
        if isinstance(last.error, PlanLimit) or not isinstance(last.error, _PASSING):
            raise last.error
        progress.show(last.error.reason)
        return None

    def _sleep(self, deadline: float) -> float:
        """Sleep until the next look is due, and return that moment."""
        now = self._clock.monotonic()
        # All waits of a process wake up at the same multiples of the pause, so that they share requests. The
        # millionth lets a wait that wakes up a rounding error too early count as being on time.
        next_look = (math.floor(now / self._pause + 1e-6) + 1) * self._pause
        due = max(now, min(next_look, deadline))
        _LOGGER.debug("wait", extra={"reason": "browsers", "seconds": round(due - now, 4)})
        self._clock.sleep(due - now)
        return due


def _output_of(session: BatchSession) -> dict[str, Any]:
    return {
        "item_index": session.item_index,
        "session_id": session.session_id,
        "status": session.status,
        "cdp_url": session.cdp_url.get_secret_value() if session.cdp_url else None,
        "live_view_url": session.live_view_url.get_secret_value() if session.live_view_url else None,
        "error": session.error,
    }


def _ready(batch: BatchSummary, inputs: ReadyInputs) -> str:
    ready, total = batch.completed_requests or 0, batch.total_requests
    text = f"{counted(ready, 'browser')} ready" if total is None else f"{ready} of {counted(total, 'browser')} ready"
    failed = f", {batch.failed_requests} failed" if batch.failed_requests else ""
    wanted = f" ({inputs.min_ready} needed)" if inputs.min_ready is not None else ""
    return f"{text}{wanted}{failed}"


def _too_late(inputs: ReadyInputs, timeout: float, batch: BatchSummary | None) -> NotReady:
    so_far = _ready(batch, inputs) if batch else "no response from the API"
    return NotReady(
        f"Batch {inputs.batch_id} was not ready within {timeout:g} s: {so_far}",
        "The batch stays in the state and keeps running. Run `pulumi up` again to wait longer, raise timeout, or lower "
        "min_ready.",
    )


def _gone(batch_id: str, what: str) -> NotReady:
    return NotReady(f"Batch {batch_id} {what}", "Start a new batch, or remove this BatchReady.")


def _refuse_the_impossible(batch: BatchSummary, inputs: ReadyInputs) -> None:
    total = batch.total_requests
    if inputs.min_ready is not None and total is not None and inputs.min_ready > total:
        raise NotReady(
            f"min_ready is {inputs.min_ready}, and batch {batch.batch_id} has {counted(total, 'browser')}",
            "The batch keeps running. Lower min_ready, then run again.",
        )


def _give_up(batch: BatchDetails, inputs: ReadyInputs, retry: _Retry | None) -> NoReturn:
    why = f" ({batch.error})" if batch.error else ""
    retried = "" if retry is None else f" after a retry of {sessions(retry.sessions)}"
    wanted = inputs.wanted(batch)
    raise NotReady(
        f"Batch {batch.batch_id} is {batch.status}{why} with {_ready(batch, inputs)}{retried}; "
        f"{'all' if wanted is None else counted(wanted, 'browser')} needed",
        "Its ready browsers keep running. Lower min_ready, set retry_failed (up to 3), or destroy the batch, then run "
        "again.",
    )
