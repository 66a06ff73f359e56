"""What a cleanup will do, as data, and the one pure function that decides it: before the plan and before each stop."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pulumi_anchorbrowser.api import Account, BatchSummary, SessionStatus
from pulumi_anchorbrowser.api.models import CANCELLED, UNFINISHED, BatchId, SessionId
from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.cleanup.selection import Exclusion, Request, Selection
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.listing import moment
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG, claim_of, owner_of, owner_tag
from pulumi_anchorbrowser.words import batches, counted, sessions

# own: of the cleanup's own stack. undecided: too little is known, or some sessions match and others do not.
# unreadable: the API did not say enough. stopped: nothing is left to stop. unknown: the API has no batch of that id.
Reason = Literal["own", "excluded", "protected", "undecided", "unreadable", "stopped", "unknown"]
VERSION = 1
IN_STATE = "the state of this cleanup's own stack has it"
_NAMED = 5
_Value = TypeVar("_Value")


class UnusablePlan(LifecycleError):
    """A saved plan that cannot be carried out."""

    anchor = "unusable-plan"
    advice = "Write a new plan."

    def __init__(self, reason: str) -> None:
        super().__init__(f"Nothing was done: the plan cannot be used: {reason}")


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
    ) -> PlannedBatch | Skipped | None:
        """Return what becomes of a batch that may match; None where it does not match.

        `tags` are those of each of its sessions, empty where none is visible. `recorded_owner` is its owner by the
        receipts. A plan has no `state` yet, and is checked against it once the whole list is read.
        """
        if not self._can_match(tags, recorded_owner):
            return None
        carried = frozenset[str]().union(*tags)
        claims = _claims(carried)
        skipped = (
            self._own_by_tag(batch, carried, recorded_owner)
            or own_by_state(_skip(batch, "own", IN_STATE), claims, state)
            or self._excluded(batch, carried)
            or (None if self.force else self._spared(batch, tags, recorded_owner))
            or self._nothing_to_stop(batch)
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
        if (own := own_by_state(skip("own", IN_STATE), claims, state)) is not None:
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
        said = " and ".join(f"{word} {_timestamp(time)}" for word, time in times if time is not None)
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

    def _nothing_to_stop(self, batch: _Batch) -> Skipped | None:
        if self.action != "delete" and batch.status == CANCELLED:
            return _skip(batch, "stopped", "it is already cancelled")
        return None

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


@dataclass(frozen=True)
class Plan:
    """What will be stopped, and what is skipped and why. Batches that do not match are in neither.

    `account` is the key and address with which the plan was made. `read_state` and `state` are those of the own stack.
    """

    matching: Matching
    batches: tuple[PlannedBatch, ...] = ()
    sessions: tuple[PlannedSession, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    account: str = ""
    read_state: Callable[[], StackState | None] | None = field(default=None, repr=False, compare=False)
    state: StackState | None = field(default=None, repr=False, compare=False)

    @property
    def action(self) -> Action:
        """What will be done with each batch."""
        return self.matching.action

    @property
    def matched(self) -> int:
        """How many batches and single sessions will be stopped."""
        return len(self.batches) + len(self.sessions)

    @property
    def is_empty(self) -> bool:
        """Whether nothing will be stopped."""
        return not self.matched

    @property
    def requested_sessions(self) -> int | None:
        """How many sessions were requested for these batches; None where the API has not said that of each."""
        requested = [batch.total_requests for batch in self.batches]
        known = [count for count in requested if count is not None]
        return sum(known) if len(known) == len(requested) else None

    @property
    def undecided(self) -> tuple[Skipped, ...]:
        """Those of which it is not known whether they match."""
        return tuple(one for one in self.skipped if one.kind == "undecided")

    @property
    def unreadable(self) -> tuple[Skipped, ...]:
        """Those of which the API did not say enough: a failure, not a choice."""
        return tuple(one for one in self.skipped if one.kind == "unreadable")

    def to_rows(self) -> list[dict[str, Any]]:
        """Return the planned batches and single sessions as plain data."""
        return [*map(_row, self.batches), *map(_row, self.sessions)]

    def skipped_rows(self) -> list[dict[str, Any]]:
        """Return the skipped batches and single sessions as plain data."""
        return [asdict(one) for one in self.skipped]

    def summary(self, modal: str = "") -> str:
        """Return the plan in one line: what, between which times, the first ids, how many are skipped and why.

        `modal` ("will", "would") stands before the verb, where there is one.
        """
        kinds = Counter(one.kind for one in self.skipped)
        skipped = "".join(f"; {count} skipped ({kind})" for kind, count in sorted(kinds.items()))
        times = self.matching.describe_times()
        if self.is_empty:
            return f"nothing to do{f' ({times})' if times else ''}{skipped}"
        ids = [one.batch_id for one in self.batches] + [one.session_id for one in self.sessions]
        named = f"{', '.join(ids[:_NAMED])}{f' and {len(ids) - _NAMED} more' if len(ids) > _NAMED else ''}"
        return f"{modal} {self.describe()}{f', {times}' if times else ''}: {named}{skipped}".lstrip()

    def describe(self) -> str:
        """Return what will be done, to how many batches and single sessions; empty where nothing will be."""
        verb = {"delete": "delete", "cancel": "cancel", "end_sessions": "end the sessions of"}[self.action]
        parts = []
        if self.batches:
            parts.append(f"{verb} {batches(len(self.batches))} ({sessions(self.requested_sessions)} requested)")
        if self.sessions:
            parts.append(f"end {counted(len(self.sessions), 'single session')}")
        return " and ".join(parts)

    def to_document(self) -> dict[str, Any]:
        """Return the plan as a document to save: approved once, and carried out later."""
        matching = self.matching
        body = {
            "version": VERSION,
            "account": self.account,
            "action": self.action,
            "select": matching.selection.model_dump(mode="json", exclude_none=True),
            "exclude": matching.exclusion.model_dump(mode="json"),
            "own_stack": matching.own_stack,
            "created_before": _timestamp_or_none(matching.created_before),
            "created_after": _timestamp_or_none(matching.created_after),
            "force": matching.force,
            "batches": [_row(one) for one in self.batches],
            "sessions": [_row(one) for one in self.sessions],
            "skipped": self.skipped_rows(),
        }
        return {**body, "digest": _digest(body)}

    @classmethod
    def from_document(cls, document: Any) -> Plan:
        """Return the plan of a saved document. Raises UnusablePlan."""
        if not isinstance(document, dict) or "version" not in document:
            raise UnusablePlan("it is not a plan of this program")
        if document["version"] != VERSION:
            raise UnusablePlan(f"it has format version {document['version']!r}, and this release reads {VERSION}")
        if document.get("digest") != _digest({name: one for name, one in document.items() if name != "digest"}):
            raise UnusablePlan("its digest does not match, so it was changed after it was written")
        try:
            read = PlanDocument.model_validate(document)
            Account.parse(read.account)
        except ValidationError as error:
            wrong = sorted({".".join(map(str, item["loc"])) for item in error.errors(include_url=False)})
            raise UnusablePlan(f"it has missing or invalid fields: {', '.join(wrong)}") from None
        except ValueError as error:
            raise UnusablePlan(str(error)) from None
        times = (moment(read.created_before), moment(read.created_after))
        matching = Matching(read.select, read.action, read.exclude, read.own_stack, (), *times, force=read.force)
        return cls(matching, tuple(read.batches), tuple(read.sessions), tuple(read.skipped), read.account)


class PlanDocument(BaseModel):
    """A saved plan, see docs/cleanup-plan.schema.json. `digest` is the SHA-256 of the rest, as canonical JSON."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    digest: str
    account: str
    action: Action
    select: Selection
    exclude: Exclusion
    own_stack: str
    created_before: str | None
    created_after: str | None
    force: bool
    batches: list[PlannedBatch]
    sessions: list[PlannedSession]
    skipped: list[Skipped]


def own_by_state(skipped: Skipped, claims: Iterable[str], state: StackState | None) -> Skipped | None:
    """Return what is skipped, where the state has its batch id or a claim of its sessions; else None."""
    if state is None:
        return None
    pending = [one.claim for one in state.pending]
    is_claimed = any(claim in state.claims or claim in pending for claim in claims)
    return skipped if is_claimed or skipped.batch_id in state.batch_ids else None


def _digest(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _row(planned: PlannedBatch | PlannedSession) -> dict[str, Any]:
    return {name: value for name, value in asdict(planned).items() if name != "claims"}


def _skip(batch: _Batch, kind: Reason, reason: str) -> Skipped:
    return Skipped(batch.batch_id, batch.status, kind, reason)


def _claims(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(claim for tag in sorted(tags) if (claim := claim_of((tag,))) is not None)


def _on_all(name_of: Callable[[Collection[str]], _Value | None], tags: _Tags) -> _Value | None:
    """The one value that the tags of every session name; None where they differ."""
    named = {name_of(one) for one in tags}
    return named.pop() if len(named) == 1 else None


def _timestamp(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _timestamp_or_none(time: datetime | None) -> str | None:
    return None if time is None else _timestamp(time)
