"""Which batches a cleanup is about, as its user says it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pulumi_anchorbrowser.api.models import CANCELLED, COMPLETED, FAILED, PENDING, PROCESSING, BatchId
from pulumi_anchorbrowser.choices import LiveStatus
from pulumi_anchorbrowser.lifecycle.readiness import Duration, seconds

THIS, ANY = "this", "any"
_EVERY_STATUS = frozenset({PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED})
_OWNER_PARTS = 3
# Long before any batch, and a time that every API can read.
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _check_owner(owner: str) -> str:
    parts = owner.split("/")
    if owner not in {THIS, ANY} and not (len(parts) == _OWNER_PARTS and all(parts)):
        raise ValueError("should be 'this', 'any', or a stack's organization/project/stack")
    return owner


def _check_tag(tag: str) -> str:
    if not tag or "," in tag:
        raise ValueError("a tag is not empty and has no comma")
    return tag


Owner = Annotated[str, AfterValidator(_check_owner)]
Tags = Annotated[list[Annotated[str, AfterValidator(_check_tag)]], Field(min_length=1)]
Statuses = Annotated[list[LiveStatus], Field(min_length=1)]


class Selection(BaseModel):
    """Batches that meet every one of these criteria; a criterion that is None is met by all.

    `owner` is `this` (the stack in question), a stack's `organization/project/stack`, or `any`; None is `any` where
    `batch_ids` names the batches, and `this` otherwise. Ages are durations such as "24h", or numbers of seconds.
    All of `tags` must be on the sessions. An empty list of `batch_ids` selects nothing.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    owner: Owner | None = None
    statuses: Statuses | None = None
    older_than: Duration | None = None
    newer_than: Duration | None = None
    tags: Tags | None = None
    batch_ids: list[BatchId] | None = None

    @model_validator(mode="after")
    def _ages_leave_room(self) -> Selection:
        oldest, newest = self.newer_than, self.older_than
        if oldest is not None and newest is not None and seconds(newest) >= seconds(oldest):
            raise ValueError("nothing is older than older_than and newer than newer_than: raise newer_than")
        return self

    @property
    def matches_everything(self) -> bool:
        """Whether no criterion narrows it: then it would take every batch of the team."""
        says_nothing = not self.model_fields_set or all(getattr(self, name) is None for name in self.model_fields_set)
        is_narrow = (
            self.tags is not None
            or self.batch_ids is not None
            or self.newer_than is not None
            or (self.older_than is not None and seconds(self.older_than) > 0)
            or (self.statuses is not None and not set(self.statuses) >= _EVERY_STATUS)
        )
        return says_nothing or (self.owner == ANY and not is_narrow)

    def owner_for(self, this: str) -> str | None:
        """The owner looked for, `this` being the stack in question; None for any.

        Raises ValueError where `this` is meant and there is none.
        """
        owner = self.owner or (ANY if self.batch_ids is not None or self.matches_everything else THIS)
        if owner == THIS and not this:
            raise ValueError("there is no stack that owner 'this' could mean")
        return {ANY: None, THIS: this}.get(owner, owner)

    def created_before(self, now: datetime) -> datetime | None:
        """The end of the time in which a batch was created; None for no end."""
        return None if self.older_than is None else _ago(now, self.older_than)

    def created_after(self, now: datetime) -> datetime | None:
        """The beginning of the time in which a batch was created; None for no beginning."""
        return None if self.newer_than is None else _ago(now, self.newer_than)


class Exclusion(BaseModel):
    """Batches to leave alone: by id, and by any one of these tags on a session."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    batch_ids: list[BatchId] = []
    tags: list[Annotated[str, AfterValidator(_check_tag)]] = []


def _ago(now: datetime, duration: float | str) -> datetime:
    try:
        return max(_EPOCH, now - timedelta(seconds=seconds(duration)))
    except OverflowError:
        return _EPOCH
