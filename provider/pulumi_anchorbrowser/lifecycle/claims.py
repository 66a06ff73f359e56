"""Finding the batch of a create whose answer never came, by the claim that its sessions carry."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from pulumi_anchorbrowser.api import ApiError, BatchSummary, Client
from pulumi_anchorbrowser.api.models import UNFINISHED
from pulumi_anchorbrowser.lifecycle.notices import Clock, Notices
from pulumi_anchorbrowser.lifecycle.ownership import claim_tag

_LOGGER = logging.getLogger(__name__)
# The API's clock need not agree with ours.
_CLOCK_MARGIN = timedelta(hours=1)
_FIRST_PAUSE_SECONDS, _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS = 0.25, 1.5, 5.0


# Large batches take minutes until their first session exists, and only sessions carry the claim.
_PATIENCE_WITH_CANDIDATES = 10


class _Look(NamedTuple):
    found: str | None
    has_candidates: bool


class ClaimSearch:
    """Looks for claims, each for at most `patience` seconds after its create was sent.

    A bounded while, because the API may act late on what it was sent, and shows sessions later than it starts them.
    Ten times as long while there is a batch that may be the one, and has no session yet to tell by.
    """

    def __init__(self, client: Client, clock: Clock, patience: float) -> None:
        self._client = client
        self._clock = clock
        self.patience = patience

    def find(self, claim: str, count: int | None, sent_at: datetime, notices: Notices) -> str | None:
        """The id of the claim's batch; None where none has shown. Looks at least once.

        Raises ApiError where the API would not answer at all: then nothing is known.
        """
        may_fail_until = self._clock.monotonic() + self.patience
        begun = self._clock.monotonic() - max(0.0, (datetime.now(timezone.utc) - sent_at).total_seconds())
        pause = _FIRST_PAUSE_SECONDS
        look = _Look(None, has_candidates=False)
        while True:
            failure: ApiError | None = None
            try:
                look = self._look(claim, count, sent_at)
            except ApiError as error:
                failure = error
            if look.found is not None:
                return look.found
            limit = self.patience * (_PATIENCE_WITH_CANDIDATES if look.has_candidates else 1)
            left = begun + limit - self._clock.monotonic()
            if failure is not None:
                # A look that failed says nothing, however old the create is.
                left = max(left, may_fail_until - self._clock.monotonic())
            if left <= 0:
                if failure is not None:
                    raise failure
                return None
            notices.progress(f"looking for a batch that may have been started (claim {claim}); {left:.0f} s left")
            _LOGGER.debug("wait", extra={"reason": "claim", "seconds": round(min(pause, left), 4)})
            self._clock.sleep(min(pause, left))
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)

    def _look(self, claim: str, count: int | None, sent_at: datetime) -> _Look:
        tags = (claim_tag(claim),)
        since = (sent_at - _CLOCK_MARGIN).isoformat()
        # One call tells whether the claim is to be seen at all; only the batches tell which of them it is.
        is_visible = bool(self._client.session_statuses(tags=tags, created_from=since).items)
        possible = [b for b in self._batches_since(since) if count is None or b.total_requests in {None, count}]
        if not is_visible:
            unfinished = [batch for batch in possible if batch.status in UNFINISHED]
            return _Look(None, any(not self._sessions_of(batch) for batch in unfinished))
        mine = (batch.batch_id for batch in possible if self._sessions_of(batch, tags))
        return _Look(next(mine, None), has_candidates=True)

    def _sessions_of(self, batch: BatchSummary, tags: tuple[str, ...] = ()) -> bool:
        return bool(self._client.session_statuses(batch_id=batch.batch_id, tags=tags).items)

    def _batches_since(self, since: str) -> list[BatchSummary]:
        batches: list[BatchSummary] = []
        page = 1
        while True:
            answer = self._client.list_batches(created_after=since, page=page)
            batches += answer.batches
            if not answer.pagination.has_next:
                return batches
            page += 1
