"""Which sessions of a batch run, by the API's status list; the stops of a stack share one look."""

from __future__ import annotations

from collections.abc import Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiError, Client, NotFound
from pulumi_anchorbrowser.api.models import SessionStatus, SessionStatuses
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.lifecycle.sharing import MANY, Sharing
from pulumi_anchorbrowser.lifecycle.tags import claim_of, claim_tag, owner_tag
from pulumi_anchorbrowser.lifecycle.times import CLOCK_MARGIN, earliest

# The status words of /v1/sessions/all/status. The API documents that field as free text and names one word,
# "completed", as that of a session that has ended (its `duration` and `used_credits` are final). "failed" and
# "cancelled" are the other final words of a session in the batch's own document; the rest say in plain English that
# nothing runs. "completed" has the opposite meaning in GET /v1/batch-sessions/{id}: "the browser was created".
ENDED_WORDS = frozenset(
    {"completed", "failed", "cancelled", "canceled", "ended", "terminated", "stopped", "expired", "timeout",
     "timed_out", "closed", "deleted"}
)  # fmt: skip
# Words under which a browser runs, or is still to start. A word in neither list confirms nothing.
RUNNING_WORDS = frozenset(
    {"running", "active", "idle", "ready", "starting", "configuring", "pending", "queued", "processing", "stopping",
     "terminating", "cancelling"}
)  # fmt: skip


@dataclass(frozen=True)
class BatchIdentity:
    """What tells a batch's sessions from others. An adopted batch may carry no claim, or that of another stack.

    `created_at` is by the API's clock; None where unknown.
    """

    batch_id: str
    owner: str
    claim: str
    adopted: bool = False
    created_at: str | None = None

    @property
    def can_share(self) -> bool:
        """Whether its sessions can be found by tags; a comma separates tags in a query."""
        return bool(self.owner and self.claim) and not self.adopted and "," not in self.owner + self.claim


class Look(NamedTuple):
    """The sessions of a batch as the API lists them: ids of those that run, unknown words, and how many have ended."""

    running: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    ended: int = 0

    @property
    def still_running(self) -> int | None:
        """How many run; None where none is known to, and a word is unknown."""
        return None if self.unknown and not self.running else len(self.running)


class Looks:
    """The looks at sessions of one client, for all threads of a process."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._shared: Sharing[BatchIdentity, Look] = Sharing(clock, self._look_at_many, at_once=2)

    def running(self, batch: BatchIdentity) -> Look:
        """Return which sessions of the batch the API lists as running, from a request sent after this call.

        Three or more batches of one owner that are looked at within a moment share one request, and are told apart
        by the claims on their sessions. A shared look is trusted, so that hundreds of stops cost a few requests.
        Tags can be changed by anyone, however, and what a query by tags fails to show must not pass for stopped.
        So any one batch of each shared look is looked at by its id as well; where that shows sessions
        and the shared look none, every batch of which it shows none is looked at by its id. So is every batch where
        there is a running session of the owner without a claim, or a row that cannot be read. What may remain unseen
        is a session that lost its owner's tag, or has another claim, while most others of the stack kept theirs.
        """
        is_one_of_many = self._shared.is_one_of_many(batch.batch_id)
        shared = self._shared.ask(batch) if is_one_of_many and batch.can_share else None
        return shared if shared is not None else self._look_at(batch.batch_id)

    def _look_at(self, batch_id: str) -> Look:
        try:
            statuses = self._client.session_statuses(batch_id=batch_id)
        except NotFound:
            return Look()  # Nothing of the batch is left, so no session is listed either.
        return look_of_all(statuses)

    def _look_at_many(self, wanted: Set[BatchIdentity]) -> dict[BatchIdentity, Look]:
        found: dict[BatchIdentity, Look] = {}
        for owner in {batch.owner for batch in wanted}:
            group = [batch for batch in wanted if batch.owner == owner]
            if len(group) >= MANY:
                found.update(self._look_at_owner(owner, group))
        return found

    def _look_at_owner(self, owner: str, group: list[BatchIdentity]) -> dict[BatchIdentity, Look]:
        """Return the looks at the batches of one owner; one that is left out is looked at by its id."""
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="look") as pool:
                sample = pool.submit(logs.keeping_about(self._look_at), group[0].batch_id)
                statuses = self._client.session_statuses(tags=(owner_tag(owner),), created_from=_just_before(group))
            is_trusted = sample.result() == Look()
        except (ApiError, RuntimeError):
            return {}  # Each batch then gets its own error. The system may also give no more threads.
        strays = look_of(item for item in statuses.items if claim_of(item.tags) is None)
        if statuses.trouble or strays.running or strays.unknown:
            return {}
        by_tag: dict[str, list[SessionStatus]] = {}
        for item in statuses.items:
            for tag in item.tags:
                by_tag.setdefault(tag, []).append(item)
        is_trusted |= claim_tag(group[0].claim) in by_tag
        seen = {batch: by_tag.get(claim_tag(batch.claim), []) for batch in group}
        return {batch: look_of(items) for batch, items in seen.items() if items or is_trusted}


def _just_before(group: list[BatchIdentity]) -> str | None:
    """Return a time before which none of these batches has a session; None where one of their times is unknown."""
    first = earliest(batch.created_at for batch in group)
    return (first - CLOCK_MARGIN).isoformat() if first else None


def _word(session: SessionStatus) -> str:
    return "_".join((session.status or "(none)").casefold().replace("-", " ").split())


def has_ended(session: SessionStatus) -> bool:
    """Whether the API's word for a session says that it has ended."""
    return _word(session) in ENDED_WORDS


def look_of(sessions: Iterable[SessionStatus]) -> Look:
    """Return which of these sessions run, by the closed lists of words."""
    running: list[str] = []
    unknown: set[str] = set()
    ended = 0
    for session in sessions:
        word = _word(session)
        if word in ENDED_WORDS:
            ended += 1
        elif word in RUNNING_WORDS:
            running.append(session.session_id)
        else:
            unknown.add(word)
    return Look(tuple(running), tuple(sorted(unknown)), ended)


def look_of_all(statuses: SessionStatuses) -> Look:
    """Return which sessions of a whole response run; rows that cannot be read are of an unknown word."""
    look = look_of(statuses.items)
    return look._replace(unknown=(*look.unknown, "(unreadable)")) if statuses.trouble else look
