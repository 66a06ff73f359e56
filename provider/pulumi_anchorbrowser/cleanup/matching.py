"""What matches: the one pure function that decides on a batch or a session, before the plan and before each stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal, TypeVar

from pulumi_anchorbrowser.api import BatchSummary, SessionStatus
from pulumi_anchorbrowser.api.models import CANCELLED, UNFINISHED, BatchId, SessionId
from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.cleanup.selection import Exclusion, Request, Selection
from pulumi_anchorbrowser.lifecycle.looks import Look
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG, claim_of, owner_of, owner_tag
from pulumi_anchorbrowser.lifecycle.times import moment
from pulumi_anchorbrowser.words import sessions

# own: of the cleanup's own stack. undecided: too little is known, or some sessions match and others do not.
# unreadable: the API did not say enough. stopped: nothing is left to stop. unknown: the API has no batch of that id.
Reason = Literal["own", "excluded", "protected", "undecided", "unreadable", "stopped", "unknown"]
_IN_STATE = "the state of this cleanup's own stack has it"
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class PlannedBatch:
    """A batch as it was when the plan was made, and what will be done with it.

    `owner` and `claim` are those that every session carries. `claims` are those on any session.
    """

    batch_id: BatchId
    action: Action
    status: str
    created_at: str | None = None
    total_requests: int | None = None
    completed_requests: int | None = None
    owner: str | None = None
    claim: str | None = None
    claims: tuple[str, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class PlannedSession:
    """A single session, which belongs to no batch: it will be ended."""

    session_id: SessionId
    status: str
    created_at: str | None = None
    owner: str | None = None
    claims: tuple[str, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Skipped:
    """A batch, or a single session, that the selection matches or may match, and that is not stopped."""

    batch_id: str | None
    status: str
    kind: Reason
    reason: str
    session_id: str | None = None

    @property
    def id(self) -> str:
        """The batch's id, or the single session's."""
        return self.batch_id or self.session_id or ""


# A row of the list, a batch, or a planned one; and the tags of each of its sessions.
_Batch = BatchSummary | PlannedBatch
_Tags = Sequence[Collection[str]]


@dataclass(frozen=True)
class Matching:
    """Which batches and single sessions are stopped. Pure: what is known of each is passed in.

    The ages of the selection are times here, so that a plan says the same later.
    """

    selection: Selection
    action: Action = "delete"
    exclusion: Exclusion = Exclusion()  # noqa: RUF009  # frozen
    own_stack: str = ""
    former_stacks: tuple[str, ...] = ()
    created_before: datetime | None = None
    created_after: datetime | None = None
    force: bool = False

    @classmethod
    def of(cls, request: Request, now: datetime) -> Matching:
        """Return what the request asks for, by this time."""
        select = request.select
        # Of whole seconds, as they are printed and saved.
        now = now.replace(microsecond=0)
        ages = (select.created_before(now), select.created_after(now))
        stacks = (request.own_stack, request.former_stacks)
        return cls(select, request.action, request.exclude, *stacks, *ages, force=request.force)

    @property
    def required_tags(self) -> tuple[str, ...]:
        """The tags that every session of a match carries."""
        owner = () if self.selection.stack is None else (owner_tag(self.selection.stack),)
        return (*owner, *(self.selection.tags or ()))

    def may_match(self, batch: _Batch) -> bool | Skipped:
        """Return whether the batch can match, by its row of the list: its id, status and age."""
        selection = self.selection
        if selection.batch_ids is not None and batch.batch_id not in selection.batch_ids:
            return False
        if selection.statuses is not None and batch.status not in selection.statuses:
            return False
        is_of_age = self._is_of_age(batch.created_at)
        if is_of_age is None:
            return _skip(batch, "undecided", "the API does not say when it was created, and the selection has an age")
        return is_of_age

    def judge(
        self,
        batch: _Batch,
        tags: _Tags,
        recorded_owner: str | None = None,
        state: StackState | None = None,
        look: Look | None = Look(),  # noqa: B008  # frozen
    ) -> PlannedBatch | Skipped | None:
        """Return what becomes of a batch that may match; None where it does not match.

        `tags` are those of each of its sessions, empty where none is visible. `recorded_owner` is its owner by the
        receipts, `look` says which sessions run; None where they could not be read. A plan has no `state` yet, and is
        checked against it once the whole list is read.
        """
        if not self._can_match(tags, recorded_owner):
            return None
        carried = frozenset[str]().union(*tags)
        claims = _claims(carried)
        skipped = (
            self._own_by_tag(batch, carried, recorded_owner)
            or _own_by_state(_skip(batch, "own", _IN_STATE), claims, state)
            or self._excluded(batch, carried)
            or (None if self.force else self._spared(batch, tags, recorded_owner))
            or self._nothing_to_stop(batch, look)
        )
        return skipped or self._planned(batch, tags, recorded_owner, claims)

    def judge_session(self, session: SessionStatus, state: StackState | None = None) -> PlannedSession | Skipped | None:
        """Return what becomes of a single session; None where it does not match."""
        carried = frozenset(session.tags)
        is_of_age = self._is_of_age(session.created_at)
        if is_of_age is False or not carried.issuperset(self.required_tags):
            return None
        status, claims = session.status or "", _claims(carried)

        def skip(kind: Reason, reason: str) -> Skipped:
            return Skipped(None, status, kind, reason, session.session_id)

        if self._has_own_tag(carried):
            return skip("own", "it carries the owner tag of this cleanup's own stack")
        if (own := _own_by_state(skip("own", _IN_STATE), claims, state)) is not None:
            return own
        if excluded := sorted(carried & set(self.exclusion.tags)):
            return skip("excluded", f"it is tagged {excluded[0]!r}, which is excluded")
        if PROTECT_TAG in carried:
            return skip("protected", f"it is tagged {PROTECT_TAG!r}")
        if is_of_age is None:
            return skip("undecided", "the API does not say when it was created, and the selection has an age")
        return PlannedSession(session.session_id, status, session.created_at, owner_of(carried), claims)

    def describe_times(self) -> str:
        """Return between which times a match was created; empty where the selection has no age."""
        times = (("before", self.created_before), ("after", self.created_after))
        said = " and ".join(f"{word} {timestamp(time)}" for word, time in times if time is not None)
        return f"created {said}" if said else ""

    def _is_of_age(self, created_at: str | None) -> bool | None:
        before, after = self.created_before, self.created_after
        if before is None and after is None:
            return True
        created = moment(created_at)
        if created is None:
            return None
        return (before is None or created < before) and (after is None or created > after)

    def _can_match(self, tags: _Tags, recorded_owner: str | None) -> bool:
        """Whether each required tag is on some session. On some and not on all, the batch is undecided."""
        if not tags:
            return self.selection.stack is None or recorded_owner in {None, self.selection.stack}
        return all(any(tag in one for one in tags) for tag in self.required_tags)

    @property
    def _own_stacks(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.own_stack, *self.former_stacks)))

    def _has_own_tag(self, carried: Collection[str]) -> bool:
        return any(owner_tag(stack) in carried for stack in self._own_stacks)

    def _own_by_tag(self, batch: _Batch, carried: frozenset[str], recorded_owner: str | None) -> Skipped | None:
        if self._has_own_tag(carried):
            return _skip(batch, "own", "a session carries the owner tag of this cleanup's own stack")
        if recorded_owner in self._own_stacks:
            return _skip(batch, "own", "by its receipt, this cleanup's own stack started it")
        return None

    def _excluded(self, batch: _Batch, carried: frozenset[str]) -> Skipped | None:
        if batch.batch_id in self.exclusion.batch_ids:
            return _skip(batch, "excluded", "its id is excluded")
        excluded = sorted(carried & set(self.exclusion.tags))
        return _skip(batch, "excluded", f"a session is tagged {excluded[0]!r}, which is excluded") if excluded else None

    def _spared(self, batch: _Batch, tags: _Tags, recorded: str | None) -> Skipped | None:
        if not tags:
            return self._unseen(batch, recorded)
        if any(PROTECT_TAG in one for one in tags):
            return _skip(batch, "protected", f"a session is tagged {PROTECT_TAG!r}")
        for tag in self.required_tags:
            count = sum(tag in one for one in tags)
            if count < len(tags):
                return _skip(batch, "undecided", f"{tag!r} is on {count} of its {sessions(len(tags))}")
        return None

    def _unseen(self, batch: _Batch, recorded_owner: str | None) -> Skipped | None:
        if batch.status in UNFINISHED or batch.completed_requests != 0:
            # A session may carry the tag that protects, so that an owner known from elsewhere does not help.
            return _skip(batch, "undecided", "the API lists none of its sessions, and their tags decide")
        # No session was ever created, so that there are no tags, and nothing to protect.
        if self.selection.tags is not None or (self.selection.stack is not None and recorded_owner is None):
            return _skip(batch, "undecided", "it has no session, and the tags of sessions decide")
        return None

    def _nothing_to_stop(self, batch: _Batch, look: Look | None) -> Skipped | None:
        if self.action == "delete" or batch.status != CANCELLED or look is None or look.running:
            return None
        if look.unknown:
            words = ", ".join(map(repr, look.unknown))
            return _skip(batch, "undecided", f"it is cancelled, and this release does not know the status {words}")
        return _skip(batch, "stopped", "it is already cancelled, and none of its sessions is listed as running")

    def _planned(
        self,
        batch: _Batch,
        tags: _Tags,
        recorded: str | None,
        claims: tuple[str, ...],
    ) -> PlannedBatch:
        return PlannedBatch(
            batch.batch_id,
            self.action,
            batch.status,
            batch.created_at,
            batch.total_requests,
            batch.completed_requests,
            _on_all(owner_of, tags) or recorded,
            _on_all(claim_of, tags),
            claims,
        )


def own(found: PlannedBatch | PlannedSession | Skipped, state: StackState | None) -> Skipped | None:
    """Return that what was found is skipped, because the own stack's state has it; else None."""
    if isinstance(found, PlannedSession):
        return _own_by_state(Skipped(None, found.status, "own", _IN_STATE, found.session_id), found.claims, state)
    claims = found.claims if isinstance(found, PlannedBatch) else ()
    return _own_by_state(Skipped(found.batch_id, found.status, "own", _IN_STATE), claims, state)


def _own_by_state(skipped: Skipped, claims: Iterable[str], state: StackState | None) -> Skipped | None:
    """Return what is skipped, where the state has its batch id or a claim of its sessions; else None."""
    if state is None:
        return None
    pending = [one.claim for one in state.pending]
    is_claimed = any(claim in state.claims or claim in pending for claim in claims)
    return skipped if is_claimed or skipped.batch_id in state.batch_ids else None


def timestamp(time: datetime) -> str:
    """Return a time of whole seconds, in UTC."""
    return time.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _skip(batch: _Batch, kind: Reason, reason: str) -> Skipped:
    return Skipped(batch.batch_id, batch.status, kind, reason)


def _claims(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(claim for tag in sorted(tags) if (claim := claim_of((tag,))) is not None)


def _on_all(name_of: Callable[[Collection[str]], _Value | None], tags: _Tags) -> _Value | None:
    """The one value that the tags of every session name; None where they differ."""
    named = {name_of(one) for one in tags}
    return named.pop() if len(named) == 1 else None
