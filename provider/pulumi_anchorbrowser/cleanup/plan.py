"""What a cleanup will do, as data, and as the document of it that is approved once and carried out later."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pulumi_anchorbrowser.api import Account
from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.cleanup.matching import Matching, PlannedBatch, PlannedSession, Skipped, timestamp
from pulumi_anchorbrowser.cleanup.selection import Exclusion, Selection
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.times import moment
from pulumi_anchorbrowser.words import batches, counted, sessions

VERSION = 1
_NAMED = 5


class UnusablePlan(LifecycleError):
    """A saved plan that cannot be carried out."""

    anchor = "unusable-plan"
    advice = "Write a new plan."

    def __init__(self, reason: str) -> None:
        super().__init__(f"Nothing was done: the plan cannot be used: {reason}")


@dataclass(frozen=True)
class Plan:
    """What will be stopped, and what is skipped and why. Batches that do not match are in neither.

    `account` is the key and address with which the plan was made, `state` that of the own stack.
    """

    matching: Matching
    batches: tuple[PlannedBatch, ...] = ()
    sessions: tuple[PlannedSession, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    account: str = ""
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


def _digest(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _row(planned: PlannedBatch | PlannedSession) -> dict[str, Any]:
    return {name: value for name, value in asdict(planned).items() if name != "claims"}


def _timestamp_or_none(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)
