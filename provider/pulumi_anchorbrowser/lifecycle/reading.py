"""One reader for all batches of a process: many reads at once are answered from a few pages of the list."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Event, Lock

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, BatchSummary, Client
from pulumi_anchorbrowser.api.models import UNFINISHED
from pulumi_anchorbrowser.lifecycle.notices import Clock
from pulumi_anchorbrowser.lifecycle.pages import pages_left, volleys

MAX_AGE_SECONDS = 5.0
_GATHERED_SECONDS = 0.05
# So many batches, read within MAX_AGE_SECONDS, are worth a page of the list.
_MANY = 3


@dataclass
class _Gathering:
    """Reads that came at about the same time, and wait for the same pages: since when these may be asked for."""

    wanted: dict[str, float] = field(default_factory=dict)
    is_over: Event = field(default_factory=Event)


@dataclass(frozen=True)
class _Seen:
    asked_at: float
    batch: BatchSummary


class BatchReader:
    """Answers reads from list pages (100 batches each) that were asked for at most `max_age` seconds ago, and after
    this process last changed the batch; from a GET where the list does not show the batch, or would cost more calls.

    A batch is gone only when its own GET says so: a list can be incomplete.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = Lock()
        self._seen: dict[str, _Seen] = {}
        self._changed: dict[str, float] = {}
        self._asked_for: dict[str, float] = {}
        self._pages_read_at = -math.inf
        self._gathering: _Gathering | None = None
        self._reading = Lock()

    def changed(self, batch_id: str) -> None:
        """This process has changed the batch: what was seen of it before is no longer true."""
        with self._lock:
            self._changed[batch_id] = self._clock.monotonic()

    def read(self, batch_id: str, max_age: float = MAX_AGE_SECONDS) -> BatchSummary:
        """The batch. Raises NotFound, and every other ApiError, of a GET."""
        # Counted from here: a page that is asked for from now on is new enough, however long it takes.
        since = self._clock.monotonic() - max_age
        is_one_of_many = self._is_one_of_many(batch_id)
        found = self._fresh(batch_id, since)
        if found is None and is_one_of_many:
            self._gather(batch_id, since)
            found = self._fresh(batch_id, since)
        # A batch that is finished without any session may be what is left of a deleted one: only a GET tells.
        if found is None or (found.status not in UNFINISHED and not found.completed_requests):
            return self._client.get_batch(batch_id)
        return found

    def _fresh(self, batch_id: str, since: float) -> BatchSummary | None:
        with self._lock:
            seen = self._seen.get(batch_id)
            if seen is None or seen.asked_at < since or seen.asked_at <= self._changed.get(batch_id, -math.inf):
                return None
            return seen.batch

    def _is_one_of_many(self, batch_id: str) -> bool:
        now = self._clock.monotonic()
        with self._lock:
            # In the order in which they were last asked for.
            self._asked_for.pop(batch_id, None)
            self._asked_for[batch_id] = now
            for old in list(takewhile(lambda id_: now - self._asked_for[id_] > MAX_AGE_SECONDS, self._asked_for)):
                del self._asked_for[old]
            return len(self._asked_for) >= _MANY

    def _gather(self, batch_id: str, since: float) -> None:
        with self._lock:
            is_first = self._gathering is None
            gathering = self._gathering = self._gathering or _Gathering()
            gathering.wanted[batch_id] = since
        if not is_first:
            gathering.is_over.wait()
            return
        try:
            self._clock.sleep(_GATHERED_SECONDS)
            # Pages that are being read now may well show what these want too.
            with self._reading:
                with self._lock:
                    self._gathering = None
                missing = {id_ for id_, since in gathering.wanted.items() if self._fresh(id_, since) is None}
                if missing:
                    missing |= self._asked_for_since_pages_were_read()
                # They are read for all who wait, and are about no one batch.
                with logs.about(urn=None, claim=None, batch_id=None):
                    self._read_pages(missing)
        finally:
            with self._lock:
                if self._gathering is gathering:
                    self._gathering = None
            gathering.is_over.set()

    def _asked_for_since_pages_were_read(self) -> set[str]:
        """Looks that come one by one are worth pages as well: who has looked a moment ago is going to look again."""
        since = self._clock.monotonic() - MAX_AGE_SECONDS
        with self._lock:
            asked_for = [batch_id for batch_id, at in self._asked_for.items() if at >= self._pages_read_at]
        return {batch_id for batch_id in asked_for if self._fresh(batch_id, since) is None}

    def _read_pages(self, missing: set[str]) -> None:
        """Read pages for as long as that costs fewer calls than asking for what they have not shown."""
        most, read = len(missing), 0
        if most <= 1:
            return
        self._pages_read_at = began = asked_at = self._clock.monotonic()
        try:
            for answers in volleys(self._client):
                read += len(answers)
                batches = [batch for answer in answers for batch in answer.batches]
                self._keep(batches, asked_at, began)
                missing.difference_update(batch.batch_id for batch in batches)
                if len(missing) <= pages_left(answers[-1].pagination, read) or read >= most:
                    return
                asked_at = self._clock.monotonic()
        except ApiError:
            return  # Each reader asks for its own batch then, and gets its own error.

    def _keep(self, batches: list[BatchSummary], asked_at: float, began: float) -> None:
        with self._lock:
            # Of a list of a hundred thousand, only what is still of use is kept.
            self._seen = {id_: seen for id_, seen in self._seen.items() if began - seen.asked_at <= MAX_AGE_SECONDS}
            self._seen.update({batch.batch_id: _Seen(asked_at, batch) for batch in batches})
