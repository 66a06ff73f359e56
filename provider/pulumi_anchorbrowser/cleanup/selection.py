"""What a cleanup is asked to do: the selection, the exclusion, and the inputs of a `BatchCleanup`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pulumi_anchorbrowser.api.configuration import Tag
from pulumi_anchorbrowser.api.models import BatchId
from pulumi_anchorbrowser.choices import ANY, DEFAULT_LIMIT, Action, LiveStatus, OnFailure, What, When
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown, Problem, problems_of
from pulumi_anchorbrowser.lifecycle.durations import Duration, seconds
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError

_EVERY_STATUS = frozenset(get_args(LiveStatus))
_OWNER_PARTS = 3
# Long before any batch, and a time that every API can read.
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NARROW_IT = "narrow the selection by owner, tags, age, statuses or batch_ids, or set allow_all to True to match all"
_NEVER_OWN = "a cleanup never stops the batches of its own stack"


class MatchesEverything(LifecycleError):
    """The selection would match every batch of the team."""

    anchor = "matches-everything"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done: the selection would match every batch of the team",
            f"{_NARROW_IT[0].upper()}{_NARROW_IT[1:]}, then run again.",
        )


def _check_owner(owner: str) -> str:
    parts = owner.split("/")
    if owner == "this":
        raise ValueError(
            f"'this' can match nothing, because {_NEVER_OWN}: leave owner out to match batches of every owner, or name "
            "another stack as organization/project/stack"
        )
    if owner != ANY and not (len(parts) == _OWNER_PARTS and all(parts)):
        raise ValueError("must be 'any' or another stack's organization/project/stack")
    return owner


Owner = Annotated[str, AfterValidator(_check_owner)]


class Selection(BaseModel):
    """Batches that meet every criterion given here; a criterion that is None is met by all.

    `owner` is `any` or another stack's `organization/project/stack`. Ages are durations such as "24h", or numbers of
    seconds. Every one of `tags` must be on every session. An empty list of `batch_ids` matches nothing. `what`:
    batches, single `sessions` that belong to no batch, or `all` of both.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    owner: Owner | None = None
    statuses: Annotated[list[LiveStatus], Field(min_length=1)] | None = None
    older_than: Duration | None = None
    newer_than: Duration | None = None
    tags: Annotated[list[Tag], Field(min_length=1)] | None = None
    batch_ids: list[BatchId] | None = None
    what: What = "batches"

    @model_validator(mode="after")
    def _can_match(self) -> Selection:
        longest, shortest = self.newer_than, self.older_than
        if longest is not None and shortest is not None and seconds(shortest) >= seconds(longest):
            raise ValueError("older_than must be less than newer_than, or nothing can match")
        if self.what != "batches" and (self.statuses is not None or self.batch_ids is not None):
            raise ValueError("statuses and batch_ids select batches: leave them out, or set what to 'batches'")
        return self

    @property
    def stack(self) -> str | None:
        """The stack whose batches match; None for any owner."""
        return None if self.owner == ANY else self.owner

    @property
    def has_ages(self) -> bool:
        """Whether it depends on the time."""
        return self.older_than is not None or self.newer_than is not None

    @property
    def matches_everything(self) -> bool:
        """Whether no criterion narrows it, so that it would match every batch of the team."""
        return not (
            self.stack is not None
            or self.tags is not None
            or self.batch_ids is not None
            or self.newer_than is not None
            or (self.older_than is not None and seconds(self.older_than) > 0)
            or (self.statuses is not None and not set(self.statuses) >= _EVERY_STATUS)
        )

    def created_before(self, now: datetime) -> datetime | None:
        """Return the end of the time in which a batch was created; None for no end."""
        return None if self.older_than is None else _ago(now, self.older_than)

    def created_after(self, now: datetime) -> datetime | None:
        """Return the beginning of the time in which a batch was created; None for no beginning."""
        return None if self.newer_than is None else _ago(now, self.newer_than)


class Exclusion(BaseModel):
    """Batches to skip: by id, and by any one of these tags on any session."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    batch_ids: list[BatchId] = []
    tags: list[Tag] = []


@dataclass(frozen=True)
class Request:
    """What a cleanup is asked to do.

    `own_stack` (`organization/project/stack`) is the stack that the cleanup belongs to, and whose batches it never
    stops; empty where there is none. `former_stacks` are the names that this stack had before it was renamed, which its
    batches keep in their tags. `force`, only for batches named by id: protection and an undecided match spare nothing.
    """

    select: Selection
    action: Action = "delete"
    exclude: Exclusion = Exclusion()  # noqa: RUF009  # frozen
    own_stack: str = ""
    former_stacks: tuple[str, ...] = ()
    allow_all: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a combination that no caller may use."""
        if self.force and self.select.batch_ids is None:
            raise ValueError("force is for batches that are named by id")


class CleanupInputs(BaseModel):
    """The inputs of a `BatchCleanup`, with the design's defaults.

    The binding adds `owner` (its stack's `organization/project/stack`), `former_owners` and `resource_urn`.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    select: Selection
    exclude: Exclusion | None = None
    action: Action = "delete"
    when: When = "destroy"
    limit: Annotated[int, Field(ge=1)] = DEFAULT_LIMIT
    dry_run: bool = False
    triggers: list[Any] | None = None
    allow_all: bool = False
    on_failure: OnFailure = "error"
    resource_urn: str | None = None
    owner: str = ""
    former_owners: list[str] = []

    @property
    def runs_on_destroy(self) -> bool:
        """Whether removing the resource runs the cleanup."""
        return self.when in {"destroy", "both"}

    def request(self) -> Request:
        """Return what the cleanup is asked to do."""
        exclude = self.exclude or Exclusion()
        return Request(self.select, self.action, exclude, self.owner, tuple(self.former_owners), self.allow_all)


DEFAULTS: dict[str, Any] = {
    name: CleanupInputs.model_fields[name].default
    for name in ("action", "when", "limit", "dry_run", "allow_all", "on_failure")
}
# A change of these runs the cleanup again; a change of the others is only recorded.
RUNS_AGAIN = ("select", "exclude", "action", "dry_run", "triggers")
RECORDED = ("when", "limit", "allow_all", "on_failure", "resource_urn", "owner")


def cleanup_problems(news: Mapping[str, Any], is_unknown: IsUnknown) -> list[Problem]:
    """Return everything that is wrong with the inputs of a cleanup."""
    if news.get("select") is None:
        return [Problem("select", 'must name a criterion, such as {"tags": ["pr-12"]}; there is no default')]
    problems = problems_of(CleanupInputs, news, is_unknown)
    return problems or list(_problems_of_the_whole(news))


def _problems_of_the_whole(news: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        inputs = CleanupInputs.model_validate(news)
    except ValidationError:
        return  # Checked again once all values are known.
    if inputs.select.matches_everything and not inputs.allow_all:
        yield Problem("select", f"would match every batch of the team: {_NARROW_IT}")
    if inputs.owner and inputs.select.stack == inputs.owner:
        yield Problem("select.owner", f"{inputs.owner} is this stack, and {_NEVER_OWN}, so nothing can match")


def _ago(now: datetime, duration: float | str) -> datetime:
    try:
        return max(_EPOCH, now - timedelta(seconds=seconds(duration)))
    except OverflowError:
        return _EPOCH
