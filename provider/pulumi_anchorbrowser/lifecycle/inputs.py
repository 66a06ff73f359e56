"""The inputs of a `Batch`, parsed once, and everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pulumi_anchorbrowser.api import SessionConfiguration
from pulumi_anchorbrowser.api.models import BatchId
from pulumi_anchorbrowser.choices import IfCompleted, OnDestroy, OnMissing, Status
from pulumi_anchorbrowser.lifecycle.checks import (
    IsUnknown,
    Problem,
    configuration_problems,
    problems_of,
    with_canonical_id,
)

MAX_COUNT = 1000


class BatchInputs(BaseModel):
    """The inputs of a `Batch`, with the design's defaults.

    The binding adds `owner` (`organization/project/stack`), `claim`, and `resource_urn`, which is never in the state:
    the engine names the resource in each request.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    batch_id: BatchId | None = None
    configuration: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    status: Status = "active"
    on_destroy: OnDestroy = "delete"
    if_completed: IfCompleted = "end_sessions"
    on_missing: OnMissing = "keep"
    resource_urn: Annotated[str | None, Field(exclude=True)] = None
    owner: str = ""
    claim: str = ""


DEFAULTS: dict[str, Any] = {name: BatchInputs.model_fields[name].default for name in
                            ("status", "on_destroy", "if_completed", "on_missing")}  # fmt: skip


def batch_problems(old_inputs: Mapping[str, Any], news: Mapping[str, Any], is_unknown: IsUnknown) -> list[Problem]:
    """Return everything that is wrong with the new inputs, given the old ones (empty for a new resource)."""
    old_inputs, news = with_canonical_id(dict(old_inputs)), with_canonical_id(dict(news))
    problems = problems_of(BatchInputs, news, is_unknown)
    problems += _source_problems(news)
    problems += _reactivation_problems(old_inputs, news)
    configuration = news.get("configuration")
    if isinstance(configuration, Mapping):
        found = problems_of(SessionConfiguration, configuration, is_unknown)
        problems += [Problem(f"configuration.{path}", reason) for path, reason in found]
        problems += configuration_problems(configuration, is_unknown)
    return problems


def _source_problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    count, batch_id = news.get("count"), news.get("batch_id")
    if count is None and batch_id is None:
        yield Problem("count", "give either count (start a new batch) or batch_id (adopt an existing one)")
    if count is not None and batch_id is not None:
        yield Problem("batch_id", "give either count or batch_id, not both")
    if batch_id is not None:
        for name in ("configuration", "metadata"):
            if news.get(name) is not None:
                yield Problem(name, "cannot be set on an adopted batch")


def _reactivation_problems(old_inputs: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Problem]:
    adopted = news.get("batch_id")
    if adopted is None or adopted != old_inputs.get("batch_id"):
        return
    before, now = old_inputs.get("status", "active"), news.get("status", "active")
    if now == "active" and before != "active":
        yield Problem(
            "status",
            f"batch {adopted} is {before} and cannot be made active again: "
            "keep that status, adopt another batch_id, or start a new batch with count",
        )
