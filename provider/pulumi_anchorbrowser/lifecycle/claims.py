"""Which batch carries a claim: its sessions have the claim in a tag, and do not name their batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from threading import Lock
from typing import NamedTuple

from pulumi_anchorbrowser.api import Client
from pulumi_anchorbrowser.api.models import PENDING, PROCESSING
from pulumi_anchorbrowser.lifecycle.listing import Listing, ListingIncomplete
from pulumi_anchorbrowser.lifecycle.looks import Look, has_ended, look_of_all
from pulumi_anchorbrowser.lifecycle.tags import claim_of, claim_tag, owner_tag
from pulumi_anchorbrowser.lifecycle.times import CLOCK_MARGIN, earliest, moment

# A batch is created before its sessions, by the clock of another server of the API at most.
_SKEW = timedelta(minutes=5)
# Batches that one look for a claim asks for their sessions.
_MOST_ASKED = 500


class ClaimLook(NamedTuple):
    """What one look for a claim has found: its batch, and its sessions as the API lists them.

    `has_candidates`: the claim is visible, or a batch that may be the one shows no session yet.
    """

    batch_id: str | None
    has_candidates: bool
    sessions: Look = Look()


class Claims:
    """What the API lists of claims, for all threads of a process."""

    def __init__(self, client: Client, listing: Listing) -> None:
        self._client, self._listing = client, listing
        self._lock = Lock()
        self._claims: dict[str, frozenset[str]] = {}

    def find(self, claim: str, *, count: int | None, since: datetime | None) -> ClaimLook:
        """Look once for the batch of a create of unknown outcome. Raises ApiError.

        The claim is unique, so no time of ours stands beside it: clocks that disagree would hide what is looked for.
        Its sessions do not name their batch, but say when they were created: of the batches of `count` sessions, the
        newest before that moment is asked first. `since` is the time of this look by the API's own clock
        (`Client.api_time`), None where that is unknown: a batch without visible sessions is a candidate only if it was
        created in the hour before, or since.
        """
        visible = self._client.session_statuses(tags=(claim_tag(claim),))
        sessions = look_of_all(visible)
        is_visible = sessions != Look()
        try:
            if not is_visible:
                return ClaimLook(None, self._has_unseen_batch(count, since))
            seen_at = earliest(one.created_at for one in visible.items)
            query = {} if seen_at is None else {"created_before": (seen_at + _SKEW).isoformat()}
            mine = (id_ for id_ in self._candidates(count, query, seen_at) if self.is_on(id_, claim))
            return ClaimLook(next(mine, None), True, sessions)
        except ListingIncomplete:
            return ClaimLook(None, is_visible, sessions)

    def _has_unseen_batch(self, count: int | None, since: datetime | None) -> bool:
        """Whether an unfinished batch of this size has no visible session yet."""
        query = {} if since is None else {"created_after": (since - CLOCK_MARGIN).isoformat()}
        unfinished = (self._candidates(count, {**query, "status": status}) for status in (PENDING, PROCESSING))
        return any(self._claims_of(batch_id) is None for batch_id in chain.from_iterable(unfinished))

    def _candidates(self, count: int | None, query: dict[str, str], seen_at: datetime | None = None) -> Iterator[str]:
        """Yield the ids of batches of this size, newest first; those that were created after `seen_at` come last."""
        found = (batch for pages in self._listing.pages(**query) for page in pages for batch in page.batches)
        later: list[str] = []

        def in_order() -> Iterator[str]:
            for batch in found:
                created_at = moment(batch.created_at)
                if count is not None and batch.total_requests not in {None, count}:
                    continue
                if seen_at is not None and created_at is not None and created_at > seen_at:
                    later.append(batch.batch_id)
                else:
                    yield batch.batch_id
            yield from later

        return islice(in_order(), _MOST_ASKED)

    def is_on(self, batch_id: str, claim: str) -> bool:
        """Whether a visible session of the batch carries the claim. Raises ApiError."""
        return claim in (self._claims_of(batch_id) or ())

    def _claims_of(self, batch_id: str) -> frozenset[str] | None:
        """Return the claims on the batch's sessions; None where no session is visible.

        All have the tags of one configuration, so that the first visible ones settle it: later looks, and looks for
        other claims, do not ask again.
        """
        with self._lock:
            known = self._claims.get(batch_id)
        if known is None and (items := self._client.session_statuses(batch_id=batch_id).items):
            known = frozenset(claim for item in items if (claim := claim_of(item.tags)) is not None)
            with self._lock:
                self._claims[batch_id] = known
        return known

    def live(self, owner: str) -> frozenset[str]:
        """Return the claims on sessions of the owner that are not listed as ended. One request."""
        statuses = self._client.session_statuses(tags=(owner_tag(owner),))
        live = (claim_of(item.tags) for item in statuses.items if not has_ended(item))
        return frozenset(claim for claim in live if claim is not None)
