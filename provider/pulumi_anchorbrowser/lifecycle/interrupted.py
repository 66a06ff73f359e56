"""Which creates no run has finished, by the state and by the receipts. Pure: who asks decides which receipts count."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.receipts import Receipt
from pulumi_anchorbrowser.urns import name_of


@dataclass(frozen=True)
class InterruptedCreate:
    """A create that no run has finished: in the state's pending operations, in receipts of this machine, or in both."""

    claim: str
    urn: str
    owner: str
    count: int | None
    receipts: tuple[Receipt, ...] = ()
    is_pending: bool = False
    provider: str = ""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return name_of(self.urn)


def interrupted_creates(
    state: StackState, unfinished: Iterable[Receipt], settled: Collection[str] = ()
) -> list[InterruptedCreate]:
    """Return the creates that the state's pending operations, or these receipts without an end, name.

    Not those whose batch the state has, nor the `settled` ones: Pulumi keeps the entry of a create until the user
    clears it.
    """
    found = {
        one.claim: InterruptedCreate(one.claim, one.urn, one.owner, one.count, is_pending=True, provider=one.provider)
        for one in state.pending
    }
    for receipt in unfinished:
        subject = receipt.subject
        named = InterruptedCreate(subject.claim, subject.urn, subject.owner, subject.count)
        known = found.get(subject.claim, named)
        found[subject.claim] = replace(known, count=subject.count, receipts=(*known.receipts, receipt))
    return [one for claim, one in found.items() if claim not in state.claims and claim not in settled]


def is_create_without_end(receipt: Receipt) -> bool:
    """Whether the receipt is of a create that may have started a batch, and of which no end is known."""
    return receipt.operation == "create" and receipt.outcome in {None, "unknown"}


def settled_claims(receipts: Iterable[Receipt]) -> frozenset[str]:
    """Return the claims of which the receipts say that nothing is left of their batch.

    It was deleted, and after the last stop no session was listed as running. A deletion that was not confirmed, since
    the list could not be read or the run was killed before, settles nothing: a later run looks for the claim again.
    """
    settled, deleted, last_stops = set[str](), set[str](), dict[str, Receipt]()
    for one in receipts:
        claim = one.subject.claim
        if one.operation == "create" and one.outcome == "settled":
            settled.add(claim)
        if one.operation == "delete" and one.outcome in {"done", "gone"} and not one.failed_deletions:
            deleted.add(claim)
        if one.operation in {"cancel", "delete", "end_sessions"}:
            last_stops[claim] = one
    return frozenset(settled | {claim for claim in deleted if last_stops[claim].still_running == 0})
