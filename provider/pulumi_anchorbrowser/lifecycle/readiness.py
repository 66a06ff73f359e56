"""What a program asks of a wait, parsed once, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

import durationpy
from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from pulumi_anchorbrowser.api import BatchSession
from pulumi_anchorbrowser.api.models import BatchId
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown, Problem, problems_of
from pulumi_anchorbrowser.lifecycle.inputs import MAX_COUNT
from pulumi_anchorbrowser.lifecycle.waiting import Goal, Reached

_A_DURATION = 'a duration such as "10m" or "90s", or a number of seconds'


def seconds(value: object) -> float:
    """The seconds of a duration such as "10m", or of a number. Raises ValueError on anything else, and below 0."""
    try:
        if isinstance(value, str):
            length = durationpy.from_str(value).total_seconds()
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            length = float(value)
        else:
            length = math.nan
    except (durationpy.DurationError, ValueError, OverflowError):
        length = math.nan
    if not (math.isfinite(length) and length >= 0):
        raise ValueError(f"should be {_A_DURATION}, and not less than 0")
    return length


def _check_duration(value: Any) -> float | str:
    seconds(value)
    return cast("float | str", value)


# As one validator, not a union, so that a wrong value is one problem.
Duration = Annotated[float | str, PlainValidator(_check_duration)]


class ReadyInputs(BaseModel):
    """The inputs of a `BatchReady`."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    batch_id: BatchId
    min_ready: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    timeout: Duration = "10m"
    retry_failed: Annotated[int, Field(ge=0, le=3)] = 0
    record_sessions: bool = False
    resource_urn: str | None = None

    @property
    def goal(self) -> Goal:
        """What is waited for."""
        return Goal(self.min_ready, seconds(self.timeout), self.retry_failed)


READY_DEFAULTS: dict[str, Any] = {
    name: ReadyInputs.model_fields[name].default for name in ("timeout", "retry_failed", "record_sessions")
}
# A change of these asks for another wait, or for another record of it.
WAITED_FOR = ("min_ready", "retry_failed", "record_sessions")


def ready_problems(news: Mapping[str, Any], is_unknown: IsUnknown) -> list[Problem]:
    """Everything that is wrong with the inputs of a wait."""
    problems = problems_of(ReadyInputs, news, is_unknown)
    return [_explained(problem) if "batch_id" not in news else problem for problem in problems]


def _explained(problem: Problem) -> Problem:
    if problem.property != "batch_id":
        return problem
    reason = "give the batch_id of a batch that was started; one whose status is not active never was"
    return Problem(problem.property, reason)


def outputs_of(inputs: ReadyInputs, reached: Reached, sessions: Sequence[BatchSession] | None) -> dict[str, Any]:
    """The outputs of a `BatchReady`, with the sessions, and the URLs that open them, where they are given."""
    batch = reached.batch
    recorded = [
        {
            "item_index": session.item_index,
            "session_id": session.session_id,
            "status": session.status,
            "cdp_url": session.cdp_url.get_secret_value() if session.cdp_url else None,
            "live_view_url": session.live_view_url.get_secret_value() if session.live_view_url else None,
            "error": session.error,
        }
        for session in sessions or ()
    ]
    return {
        **inputs.model_dump(),
        "live_status": batch.status,
        "total_requests": batch.total_requests,
        "completed_requests": batch.completed_requests,
        "failed_requests": batch.failed_requests,
        "retried_sessions": reached.retried_sessions,
        "sessions": None if sessions is None else recorded,
    }
