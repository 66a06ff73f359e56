"""Finding batches while others come and go, and the tags by which they are told apart."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime

from pulumi_anchorbrowser.api import BatchSummary, Client, NotFound
from pulumi_anchorbrowser.lifecycle.cleanup.matching import SessionTags
from pulumi_anchorbrowser.lifecycle.cleanup.selection import Selection
from pulumi_anchorbrowser.lifecycle.pages import volleys

# A batch that is there all the time is missed only where deletions shift it across a page in every one of these.
_PASSES = 5


class Listing:
    """Pages of the batch list."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def batches(self, selection: Selection, now: datetime) -> Iterator[BatchSummary]:
        """Every batch that can be selected, each once. One that is there all the time is never missed.

        A batch deleted between two pages shifts the others, and hides one of them. So more than one page is read
        again, until that finds nothing new and as many batches as the API says there are. Raises ApiError.
        """
        query = _query(selection, now)
        # The number of the pass that has met it last: of the whole list, only the ids stay in memory, each once.
        seen: dict[str, int] = {}
        for number in range(_PASSES):
            was_whole = yield from self._one_pass(query, seen, number)
            if was_whole:
                return

    def _one_pass(
        self, query: dict[str, str], seen: dict[str, int], number: int
    ) -> Generator[BatchSummary, None, bool]:
        totals: set[int | None] = set()
        found_more = False
        pages = met = 0
        for answers in volleys(self._client, **query):
            pages += len(answers)
            totals |= {answer.pagination.total_records for answer in answers}
            fresh = {batch.batch_id: batch for answer in answers for batch in answer.batches}
            fresh = {batch_id: batch for batch_id, batch in fresh.items() if seen.get(batch_id) != number}
            met += len(fresh)
            for batch_id, batch in fresh.items():
                is_new = batch_id not in seen
                seen[batch_id] = number
                if is_new:
                    found_more = True
                    yield batch
            if not fresh:
                break
        is_steady = None in totals or totals == {met}
        return is_steady and (pages == 1 or not found_more)


def tags_of(client: Client, batch_id: str) -> SessionTags | None:
    """The tags of the batch's sessions; None where no session can be seen. Raises ApiError."""
    found: Sequence[tuple[str, ...]] = [item.tags for item in client.session_statuses(batch_id=batch_id).items]
    if not found:
        # The one list may leave out sessions that have ended; the other has them all.
        found = [item.tags for item in client.list_sessions(batch_id=batch_id).sessions]
    if not found:
        return None
    sets = [frozenset(tags) for tags in found]
    return SessionTags(frozenset.intersection(*sets), frozenset.union(*sets))


def named_batch(client: Client, batch_id: str) -> BatchSummary | None:
    """The batch of this id; None where the API has none, or nothing is left of it. Raises ApiError."""
    try:
        batch = client.get_batch(batch_id)
    except NotFound:
        return None
    return None if batch.is_empty else batch


def _query(selection: Selection, now: datetime) -> dict[str, str]:
    before, after = selection.created_before(now), selection.created_after(now)
    status = selection.statuses[0] if selection.statuses is not None and len(selection.statuses) == 1 else None
    query = {
        "status": status,
        "created_before": before.isoformat() if before else None,
        "created_after": after.isoformat() if after else None,
    }
    return {name: value for name, value in query.items() if value is not None}
