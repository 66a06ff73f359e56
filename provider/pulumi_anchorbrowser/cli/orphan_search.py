"""The search for orphans: the batches of a stack, less those that its state knows, and the claims left behind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from pulumi_anchorbrowser.cli.connection import Connection
from pulumi_anchorbrowser.cli.printing import Speech
from pulumi_anchorbrowser.cli.stack_state import StackState
from pulumi_anchorbrowser.lifecycle.cleanup import LeftAlone, Plan, PlannedBatch, Request, Selection
from pulumi_anchorbrowser.receipts import Receipt

# interrupted: by a claim of an interrupted create. unknown: only that this state does not know it.
Kind = Literal["interrupted", "unknown"]


@dataclass(frozen=True)
class Claim:
    """An interrupted create, in the state, in the receipts or in both. `receipts` are its receipts' numbers."""

    claim: str
    owner: str
    urn: str
    found_in: tuple[str, ...]
    receipts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Orphan:
    """A batch that the state does not know; `claim` is that of the interrupted create, if it was one."""

    batch: PlannedBatch
    claim: Claim | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is known to be nobody's."""
        return "unknown" if self.claim is None else "interrupted"

    @property
    def receipts(self) -> tuple[int, ...]:
        """The receipts of the create."""
        return self.claim.receipts if self.claim else ()


@dataclass(frozen=True)
class Orphans:
    """What was found; `claims` are those of which no batch can be seen."""

    plan: Plan
    orphans: tuple[Orphan, ...]
    claims: tuple[Claim, ...]
    left_alone: tuple[LeftAlone, ...]

    def to_document(self) -> dict[str, Any]:
        """What was found, as JSON has it."""
        alone = [{"batch_id": o.batch_id, "status": o.status, "kind": o.kind, "reason": o.reason}
                 for o in self.left_alone]  # fmt: skip
        claims = [{"claim": o.claim, "owner": o.owner, "urn": o.urn, "found_in": list(o.found_in)} for o in self.claims]
        return {"orphans": [_row(one) for one in self.orphans], "claims": claims, "left_alone": alone}

    def told(self) -> str:
        """How many, in one line."""
        interrupted = sum(one.kind == "interrupted" for one in self.orphans)
        unknown = len(self.orphans) - interrupted
        return f"Orphans: {interrupted} of interrupted creates, {unknown} that only this state does not know"


def find(connection: Connection, known: StackState, owners: Collection[str]) -> Orphans:
    """The orphans of these owners. Raises ApiError."""
    claims = _claims(known, connection.recorded(), owners)
    plans = [connection.cleanup.plan(Request(Selection(owner=owner)), Speech()) for owner in sorted(owners)]
    strange = {b.batch_id: b for plan in plans for b in plan.batches if b.batch_id not in known.batch_ids}
    alone = {b.batch_id: b for plan in plans for b in plan.left_alone if b.batch_id not in known.batch_ids}
    orphans = tuple(Orphan(batch, claims.get(batch.claim or "")) for batch in strange.values())
    seen = {batch.claim for plan in plans for batch in plan.batches}
    missing = tuple(claim for name, claim in claims.items() if name not in seen)
    return Orphans(Plan("delete"), orphans, missing, tuple(alone.values()))


def _claims(known: StackState, receipts: list[Receipt], owners: Collection[str]) -> dict[str, Claim]:
    claims = {one.claim: Claim(one.claim, one.owner, one.urn, ("state",)) for one in known.pending}
    for receipt in receipts:
        subject = receipt.subject
        if receipt.operation != "create" or subject.owner not in owners or not _is_unsettled(receipt, known):
            continue
        before = claims.get(subject.claim)
        found_in = (*(place for place in (before.found_in if before else ()) if place != "receipts"), "receipts")
        numbers = (*(before.receipts if before else ()), receipt.id)
        claims[subject.claim] = Claim(subject.claim, subject.owner, subject.urn, found_in, numbers)
    return claims


def _is_unsettled(receipt: Receipt, known: StackState) -> bool:
    if receipt.outcome == "done":
        # Answered, and perhaps never saved by the engine: only a state that has it, or had it, tells.
        return not receipt.in_state and receipt.subject.batch_id not in known.batch_ids
    return receipt.outcome in {None, "unknown"}


def _row(orphan: Orphan) -> dict[str, Any]:
    batch, claim = orphan.batch, orphan.claim
    return {
        "kind": orphan.kind,
        "batch_id": batch.batch_id,
        "status": batch.status,
        "created_at": batch.created_at,
        "total_requests": batch.total_requests,
        "owner": batch.owner,
        "claim": batch.claim,
        "urn": claim.urn if claim else None,
        "found_in": list(claim.found_in) if claim else [],
    }
