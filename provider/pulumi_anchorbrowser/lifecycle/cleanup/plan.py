"""What a cleanup is going to do, as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.words import batches, sessions

# declared: by the running program. undecided: not enough is known of it. unreadable: the API would not tell.
# stopped: there is nothing left to stop. unknown: an id that was given, and the API does not know.
Reason = Literal["declared", "excluded", "protected", "undecided", "unreadable", "stopped", "unknown"]
_NAMED = 5


@dataclass(frozen=True)
class PlannedBatch:
    """A batch, as it was when the plan was made, and what is to be done with it."""

    batch_id: str
    action: Action
    status: str
    created_at: str | None = None
    total_requests: int | None = None
    owner: str | None = None
    claim: str | None = None


@dataclass(frozen=True)
class LeftAlone:
    """A batch that the selection may mean, and that is left alone nevertheless."""

    batch_id: str
    status: str
    kind: Reason
    reason: str


@dataclass(frozen=True)
class Spared:
    """Batches that the running program declares, by id and by claim.

    `unresolved` names resources of the stack `owner` of which it is not known yet what batch they have: until it is,
    every batch of that stack may be theirs.
    """

    batch_ids: frozenset[str] = field(default_factory=frozenset)
    claims: frozenset[str] = field(default_factory=frozenset)
    owner: str = ""
    unresolved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is going to be done, and what is left alone and why. Batches that do not match are in neither."""

    action: Action
    batches: tuple[PlannedBatch, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    @property
    def matched(self) -> int:
        """How many batches are going to be dealt with."""
        return len(self.batches)

    @property
    def sessions(self) -> int:
        """How many sessions were asked for in these batches, as far as the API has said."""
        return sum(batch.total_requests or 0 for batch in self.batches)

    @property
    def unreadable(self) -> tuple[LeftAlone, ...]:
        """Those that the API would not tell enough of: a failure, not a choice."""
        return tuple(left for left in self.left_alone if left.kind == "unreadable")

    def to_rows(self) -> list[dict[str, Any]]:
        """The planned batches as plain data."""
        return [asdict(batch) for batch in self.batches]

    def left_alone_rows(self) -> list[dict[str, Any]]:
        """The batches left alone as plain data."""
        return [asdict(left) for left in self.left_alone]

    def told(self) -> str:
        """The plan in one line: how many, the first ids, and how many are left alone and why."""
        named = ", ".join(batch.batch_id for batch in self.batches[:_NAMED])
        more = f" and {self.matched - _NAMED} more" if self.matched > _NAMED else ""
        what = f"{batches(self.matched)} with {sessions(self.sessions)}"
        ids = f": {named}{more}" if named else ""
        kinds = Counter(left.kind for left in self.left_alone)
        left = "".join(f"; {count} left alone ({kind})" for kind, count in sorted(kinds.items()))
        return f"{self.action}: {what}{ids}{left}"
