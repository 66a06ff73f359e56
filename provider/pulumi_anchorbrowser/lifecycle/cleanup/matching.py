"""Whether a batch is one that is meant. Pure: what is known of it is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from pydantic import TypeAdapter, ValidationError

from pulumi_anchorbrowser.api import BatchSummary
from pulumi_anchorbrowser.api.models import CANCELLED, UNFINISHED
from pulumi_anchorbrowser.choices import Action
from pulumi_anchorbrowser.lifecycle.cleanup.plan import LeftAlone, PlannedBatch, Reason, Spared
from pulumi_anchorbrowser.lifecycle.cleanup.selection import Exclusion, Selection
from pulumi_anchorbrowser.lifecycle.ownership import PROTECT_TAG, claim_of, owner_of, owner_tag

_MOMENT = TypeAdapter(datetime)


@dataclass(frozen=True)
class SessionTags:
    """The tags of a batch's sessions: those on every one of them, and those on any."""

    on_all: frozenset[str]
    on_any: frozenset[str]


@dataclass(frozen=True)
class Matching:
    """What is looked for. `owner` is the stack whose batches are meant; None for any."""

    selection: Selection
    owner: str | None
    action: Action
    now: datetime
    exclusion: Exclusion
    spared: Spared

    def may_match(self, batch: BatchSummary) -> bool | LeftAlone:
        """Whether the batch can be meant, by what the list says of it: its id, status and age."""
        selection = self.selection
        if selection.batch_ids is not None and batch.batch_id not in selection.batch_ids:
            return False
        if selection.statuses is not None and batch.status not in selection.statuses:
            return False
        before, after = selection.created_before(self.now), selection.created_after(self.now)
        if before is None and after is None:
            return True
        created = _moment(batch.created_at)
        if created is None:
            return _left(batch, "undecided", "the API does not say when it was created, and its age decides")
        return (before is None or created < before) and (after is None or created > after)

    def judge(
        self, batch: BatchSummary, tags: SessionTags | None, recorded_owner: str | None = None
    ) -> PlannedBatch | LeftAlone | None:
        """What becomes of a batch that may match; None where it is not meant.

        `tags` is None where no session of it can be seen. `recorded_owner` is its owner by the receipts.
        """
        if not self._is_meant(tags, recorded_owner):
            return None
        return (
            self._spared(batch, tags)
            or self._unseen(batch, tags, recorded_owner)
            or self._protected(batch, tags)
            or self._unresolved(batch, tags, recorded_owner)
            or self._nothing_to_stop(batch)
            or self._planned(batch, tags, recorded_owner)
        )

    def _is_meant(self, tags: SessionTags | None, recorded_owner: str | None) -> bool:
        if tags is None:
            return self.owner is None or recorded_owner in {None, self.owner}
        is_owned = self.owner is None or owner_tag(self.owner) in tags.on_all
        return is_owned and set(self.selection.tags or ()) <= tags.on_all

    def _spared(self, batch: BatchSummary, tags: SessionTags | None) -> LeftAlone | None:
        if batch.batch_id in self.spared.batch_ids or claim_of(_any_of(tags)) in self.spared.claims:
            return _left(batch, "declared", "the running program declares it")
        if batch.batch_id in self.exclusion.batch_ids:
            return _left(batch, "excluded", "its id is excluded")
        return None

    def _unseen(self, batch: BatchSummary, tags: SessionTags | None, recorded_owner: str | None) -> LeftAlone | None:
        if tags is not None:
            return None
        if batch.status in UNFINISHED or batch.completed_requests != 0:
            # It may carry the tag that protects it, so that an owner known from elsewhere does not help.
            return _left(batch, "undecided", "none of its sessions can be seen, and their tags decide")
        # No session was ever made, so that there are no tags, and nothing to protect.
        if self.selection.tags is not None or (self.owner is not None and recorded_owner is None):
            return _left(batch, "undecided", "it has no session to tell by whose it is")
        return None

    def _protected(self, batch: BatchSummary, tags: SessionTags | None) -> LeftAlone | None:
        carried = _any_of(tags)
        excluded = sorted(carried & set(self.exclusion.tags))
        if excluded:
            return _left(batch, "excluded", f"its sessions are tagged {excluded[0]!r}, which is excluded")
        if PROTECT_TAG in carried:
            return _left(batch, "protected", f"its sessions are tagged {PROTECT_TAG!r}")
        return None

    def _unresolved(self, batch: BatchSummary, tags: SessionTags | None, recorded: str | None) -> LeftAlone | None:
        owner = owner_of(_any_of(tags)) or recorded
        if self.spared.unresolved and owner == self.spared.owner:
            names = ", ".join(self.spared.unresolved)
            return _left(batch, "undecided", f"it may be that of {names}, which comes after this cleanup")
        return None

    def _nothing_to_stop(self, batch: BatchSummary) -> LeftAlone | None:
        if self.action != "delete" and batch.status == CANCELLED:
            return _left(batch, "stopped", "it is cancelled already")
        return None

    def _planned(self, batch: BatchSummary, tags: SessionTags | None, recorded_owner: str | None) -> PlannedBatch:
        carried = _any_of(tags)
        return PlannedBatch(
            batch.batch_id,
            self.action,
            batch.status,
            batch.created_at,
            batch.total_requests,
            owner_of(carried) or recorded_owner,
            claim_of(carried),
        )


def _any_of(tags: SessionTags | None) -> frozenset[str]:
    return frozenset() if tags is None else tags.on_any


def _left(batch: BatchSummary, kind: Reason, reason: str) -> LeftAlone:
    return LeftAlone(batch.batch_id, batch.status, kind, reason)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = _MOMENT.validate_python(text)
    except ValidationError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
