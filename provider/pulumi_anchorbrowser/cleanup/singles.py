"""Single sessions: those that belong to no batch, as the vendor's own tools start them. Found, ended and confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from pulumi_anchorbrowser.api import Account, Answered, ApiError, Outcome, SessionStatus
from pulumi_anchorbrowser.api.models import UNFINISHED
from pulumi_anchorbrowser.cleanup.finding import Finder, mapped
from pulumi_anchorbrowser.cleanup.matching import Matching, PlannedSession, Skipped
from pulumi_anchorbrowser.cleanup.plan import Plan
from pulumi_anchorbrowser.cleanup.report import Actor, BatchResult
from pulumi_anchorbrowser.clock import Interrupted
from pulumi_anchorbrowser.lifecycle.listing import ListingIncomplete
from pulumi_anchorbrowser.lifecycle.looks import Look, look_of
from pulumi_anchorbrowser.lifecycle.next_step import CONFIRM_PAUSES
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.tags import minted_at
from pulumi_anchorbrowser.lifecycle.times import CLOCK_MARGIN, moment
from pulumi_anchorbrowser.receipts import Subject
from pulumi_anchorbrowser.words import counted

# The API lists a batch sooner after its create.
_YOUNG = timedelta(hours=1)
# One look at all of them serves so many endings for each call that is made at once, and for so long: protection that
# is set while calls wait for a rate limit must count. A look before each ending would be too many requests.
_ENDINGS_OF_A_LOOK = 4
_SECONDS_OF_A_LOOK = 5.0

_Found = PlannedSession | Skipped
Followed = Callable[[Callable[[PlannedSession], BatchResult]], Callable[[PlannedSession], BatchResult]]


class Singles:
    """Finds the single sessions that match."""

    def __init__(self, finder: Finder, matching: Matching) -> None:
        self._finder, self._matching = finder, matching
        listed = {one.session_id: matching.judge_session(one) for one in running(finder, matching)}
        self._found = {id_: verdict for id_, verdict in listed.items() if verdict is not None}

    def without_those_of_batches(self) -> Iterator[_Found]:
        """Yield those that belong to no batch.

        No list says to which batch a session belongs, so the sessions of every batch are listed, until each one that
        matches is accounted for. The batches are listed after the sessions, so that no batch is missed. Raises
        ApiError, and ListingIncomplete.
        """
        for ids in self._finder.mapped(lambda batch_id: self._finder.sessions_of(batch_id, None).tags, self._batches()):
            for session_id in ids:
                self._found.pop(session_id, None)
            self._finder.notices.progress(f"{counted(len(self._found), 'session')} not yet found in a batch")
        for one in self._found.values():
            yield self._doubted(one) or one

    def _batches(self) -> Iterator[str]:
        if not self._found:
            return
        newest = _newest(self._found.values())
        until = None if newest is None else (newest + CLOCK_MARGIN).isoformat()
        for batch in self._finder.listing.all_batches(created_before=until):
            if not self._found:
                return
            if batch.status in UNFINISHED or batch.completed_requests != 0:
                yield batch.batch_id

    def _doubted(self, one: _Found) -> Skipped | None:
        """A session with a young claim is one of a batch that the API does not list yet."""
        if isinstance(one, Skipped) or not any(self._is_young(claim) for claim in one.claims):
            return None
        reason = "it carries the claim of a batch of the last hour, and the API lists no such batch yet"
        return Skipped(None, one.status, "undecided", reason, one.session_id)

    def _is_young(self, claim: str) -> bool:
        minted = minted_at(claim)
        return minted is not None and self._finder.clock.now() - minted < _YOUNG


class SessionsEnding:
    """Ends the single sessions of a plan that still qualify."""

    def __init__(self, finder: Finder, plan: Plan, state: StackState | None, actor: Actor) -> None:
        self._finder, self._plan, self._state, self._actor = finder, plan, state, actor
        self._lock = Lock()
        self._listed: dict[str, SessionStatus] | str = {}
        self._looked_at, self._endings_left = 0.0, 0

    def carry_out(self, pool: ThreadPoolExecutor, followed: Followed) -> list[BatchResult]:
        """Return the result of each session, in the order of the plan."""
        return self._confirmed([*mapped(pool, followed(self._end), self._plan.sessions)])

    def _latest_look(self) -> dict[str, SessionStatus] | str:
        """Return the sessions that run, by their ids, or why they cannot be read. Raises Interrupted."""
        clock = self._finder.clock
        # Who waits here for another thread's look needs that look as well.
        with self._lock:
            if not self._endings_left or clock.monotonic() - self._looked_at > _SECONDS_OF_A_LOOK:
                self._listed = self._look()
                self._looked_at = clock.monotonic()
                self._endings_left = _ENDINGS_OF_A_LOOK * self._finder.client.max_concurrency
            self._endings_left -= 1
            return self._listed

    def _look(self) -> dict[str, SessionStatus] | str:
        if not self._finder.client.opens(Account.parse(self._plan.account)):
            return "the plan was made with another API key or base URL"
        try:
            return {one.session_id: one for one in running(self._finder, self._plan.matching)}
        except (ApiError, ListingIncomplete) as error:
            return f"could not read the session again: {error.explanation}"

    def _end(self, session: PlannedSession) -> BatchResult:
        result = BatchResult(None, "end_sessions", "not_begun", session_id=session.session_id)
        try:
            self._finder.clock.check()
            listed = self._latest_look()
            if isinstance(listed, str):
                return replace(result, outcome="failed", reason=listed)
            if (reason := self._no_longer(listed.get(session.session_id))) is not None:
                return replace(result, outcome="skipped", reason=reason)
            outcome = self._call(session)
        except Interrupted:
            return result
        if isinstance(outcome.last, Answered):
            return replace(result, outcome="done", ended_sessions=1)
        if outcome.is_gone:
            return replace(result, outcome="gone")
        return replace(result, outcome="failed", failed_sessions=1, reason=outcome.last.error.explanation)

    def _no_longer(self, listed: SessionStatus | None) -> str | None:
        """Return why a session is not to be ended any more; None where it is. None is one that is not listed."""
        if listed is None:
            return "the API no longer lists it as running with the tags of the selection"
        verdict = self._plan.matching.judge_session(listed, self._state)
        if isinstance(verdict, PlannedSession):
            return None
        return verdict.reason if verdict is not None else "it no longer matches"

    def _call(self, session: PlannedSession) -> Outcome[None]:
        owner = self._actor.owner or session.owner or ""
        subject = Subject(owner=owner, urn=self._actor.urn, claim="", account=self._plan.account, count=1)
        return self._finder.runner.end_session(session.session_id, subject, self._finder.notices)

    def _confirmed(self, results: list[BatchResult]) -> list[BatchResult]:
        """Return the results after another look: a session that the API goes on to list as running is a failure."""
        ended = {one.session_id or "" for one in results if one.outcome in {"done", "gone"}}
        looks = self._looks_at(ended)
        return [
            _confirmed(one, looks.get(one.session_id, Look())) if looks is not None and one.session_id in ended else one
            for one in results
        ]

    def _looks_at(self, ended: set[str]) -> dict[str | None, Look] | None:
        """Return a look at each ended session that is not listed as ended; None where that is not known."""
        looks: dict[str | None, Look] = {}
        try:
            for pause in (0.0, *CONFIRM_PAUSES) if ended else ():
                self._finder.clock.sleep(pause)
                listed = running(self._finder, self._plan.matching)
                looks = {one.session_id: look_of([one]) for one in listed if one.session_id in ended}
                if not looks:
                    break
        except (ApiError, ListingIncomplete) as error:
            self._finder.warn_once(f"could not confirm that the single sessions have ended: {error.explanation}")
            return None
        except Interrupted:
            return None
        return looks


def running(finder: Finder, matching: Matching) -> Sequence[SessionStatus]:
    """Return the sessions that carry the selection's tags and are not listed as ended. Raises ListingIncomplete."""
    listed = finder.client.session_statuses(tags=matching.required_tags)
    if listed.odd_rows:
        finder.warn_once(f"skipped {counted(listed.odd_rows, 'session')} that the API lists without a usable id")
    if len(listed.items) + listed.odd_rows < (listed.count or 0):
        raise ListingIncomplete("sessions", f"the API lists {len(listed.items)} and reports {listed.count}")
    return [one for one in listed.items if not look_of([one]).ended]


def _newest(found: Iterable[_Found]) -> datetime | None:
    """Return when the newest of them was created; None where that is not known of each."""
    times = [moment(one.created_at) if isinstance(one, PlannedSession) else None for one in found]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def _confirmed(result: BatchResult, look: Look) -> BatchResult:
    if look.running:
        reason = "the API still lists it as running after it was ended"
        return replace(result, outcome="failed", still_running=1, failed_sessions=1, reason=reason)
    if look.unknown:
        return replace(result, warnings=(f"the API lists it as {look.unknown[0]!r}, which this release does not know",))
    return replace(result, still_running=0)
