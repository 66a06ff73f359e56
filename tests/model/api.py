"""The API of the model, in memory. Every call may be handled or not, answered, refused or lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from model.world import (
    ENDED,
    LIVE,
    MOST_BATCHES,
    OWNER,
    PENDING,
    REMOVED,
    RUNNING,
    STOPPING,
    STUCK,
    Choices,
    Killed,
    Remote,
    Violation,
    World,
    session_id,
)

from pulumi_anchorbrowser.api import (
    Account,
    AlreadySettled,
    Answered,
    BatchCancelled,
    BatchCreated,
    BatchDeleted,
    BatchDetails,
    BatchSession,
    FailedDeletion,
    Forbidden,
    ListedSession,
    Lost,
    NoAnswer,
    NotFound,
    Outcome,
    PlanLimit,
    Refused,
)
from pulumi_anchorbrowser.lifecycle.claims import ClaimLook
from pulumi_anchorbrowser.lifecycle.listing import ListingIncomplete
from pulumi_anchorbrowser.lifecycle.looks import BatchIdentity, Look
from pulumi_anchorbrowser.lifecycle.tags import claim_of

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
# So long after its create every session is listed.
PATIENCE = 1.0
_MOST_CALLS = 80
_TEAMS = {"key": "ours", "rotated key": "ours", "key of another team": "another"}
_LOST = Lost(NoAnswer("call the API", "the connection was reset"))
_EACH_TIME = " each time"
_UNHANDLED = ("refused", "not handled, lost", "not handled, lost, retried", "killed before")
_LOST_OR_KILLED = ("lost", "lost, retried", "killed")
# How one session goes on although its batch was cancelled.
_GOING_ON = {"cancelling": STOPPING, "one stopping": STOPPING, "one stuck": STUCK, "one stuck and not counted": STUCK}


class ModelClock:
    """Time that passes in pauses alone; meanwhile the API goes on."""

    def __init__(self, world: World, choices: Choices) -> None:
        self._world, self._choices = world, choices
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    def now(self) -> datetime:
        return NOW + timedelta(hours=2 * self._world.is_later, seconds=self.slept)

    def check(self) -> None:
        """Never interrupted."""

    def wait(self, *_: Any) -> None:
        raise AssertionError("nothing waits on a condition here")

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        for one in self._world.remotes:
            one.turn({STOPPING}, ENDED)
            one.status = "cancelled" if one.status == "cancelling" else one.status
            if one.status == "processing" and not one.late and self._choices.pick("meanwhile", ("", "created")):
                happen(one, "creation completes")


def happen(remote: Remote, what: str) -> None:
    """Let something happen to a batch that no call of ours does."""
    if what == "two hours pass":
        remote.late = ""
        remote.turn({STOPPING}, ENDED)
        remote.status = "cancelled" if remote.status == "cancelling" else remote.status
    if what == "browsers end":
        remote.turn(LIVE, ENDED)
    elif what == "deleted":
        remote.turn({*LIVE, ENDED, PENDING}, REMOVED)
        remote.is_gone = True
    elif remote.status == "processing" and not remote.late:
        remote.status = "failed" if what == "creation fails" else "completed"
        if remote.status == "completed":
            remote.turn({PENDING}, RUNNING)


class ModelClient:
    """The client of one run, on one machine, with one key."""

    base_url, max_concurrency, has_gone_over = "https://api", 1, False

    def __init__(self, world: World, choices: Choices, clock: ModelClock, machine: int, key: str) -> None:
        self._world, self._choices, self._clock, self._machine, self._key = world, choices, clock, machine, key
        self.listing = ModelListing(self, world)
        self.creating = False
        self._posted: set[str] = set()
        self._lagged = False
        self._lasting: dict[str, str] = {}
        self._calls = 0
        # The only batches that this run may stop although the state has them.
        self.in_hand: set[str | None] = set()

    def account(self, salt: str | None = None) -> Account:
        return Account(self.base_url, salt or "salt", self._key)

    def opens(self, account: Account) -> bool:
        return account.fingerprint == self._key

    def second_key(self) -> ModelClient:
        return self

    def api_time(self) -> datetime:
        return self._clock.now()

    def kill(self, what: str) -> None:
        """End the run here."""
        alone = self.creating and self._choices.pick(what, ("run killed", "host killed"), free=2) == "host killed"
        raise Killed(alone)

    def may_be_killed(self, what: str) -> None:
        """A kill may come here, where nothing else can happen."""
        if self._choices.pick(what, ("", "killed")):
            self.kill(what)

    def _ours(self, batch_id: str) -> Remote | None:
        remote = self._world.find(batch_id)
        return remote if self._is_ours(remote) and remote is not None and not remote.is_gone else None

    def _is_ours(self, remote: Remote | None) -> bool:
        return remote is not None and _TEAMS[self._key] == "ours"

    def pick(self, what: str, *faults: str, lasting: tuple[str, ...] = ()) -> str:
        """Return what becomes of a call. A `lasting` fault may happen once, or to each such call of this run."""
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise Violation(f"terminates: more than {_MOST_CALLS} calls in one run")
        if what in self._lasting:
            return self._lasting[what] if self._lasting[what] in {*faults, *lasting} else ""
        chosen: str = self._choices.pick(what, ("", *faults, *lasting, *(one + _EACH_TIME for one in lasting)))
        if chosen == "killed before":
            self.kill(what)
        if chosen.endswith(_EACH_TIME):
            chosen = self._lasting[what] = chosen.removesuffix(_EACH_TIME)
        return chosen

    def _may_stop(self, batch_id: str) -> None:
        if batch_id in {one.batch_id for one in self._world.records} - self.in_hand:
            raise Violation(f"nothing is stopped that the state has: {batch_id}")
        remote = self._world.find(batch_id)
        if remote is not None and remote.trail == "foreign" and batch_id not in self.in_hand:
            raise Violation("nothing is stopped that nobody adopted")

    # Calls that change something

    def create_batch(self, count: int, configuration: Any, _: Any) -> Outcome[BatchCreated]:
        claim = claim_of(configuration["session"]["tags"]) or ""
        if claim in self._posted:
            raise Violation("one POST per create")
        self._posted.add(claim)
        if sum(one.runs for one in self._world.remotes) >= MOST_BATCHES:
            return _refused(PlanLimit)
        late = [f"{how}, sessions late{also}" for how in ("lost", "killed") for also in ("", ", batch too")]
        how = self.pick(
            "POST", "refused", "not handled, lost", "lost", "sessions late", "killed before", "killed after", *late
        )
        if how == "refused":
            return _refused(Forbidden)
        if how == "not handled, lost":
            return Outcome((_LOST,))
        remote = Remote(self._world.free_id(), claim, self._machine)
        self._world.remotes.append(remote)
        if "late" in how:
            remote.late = "hidden" if "batch too" in how else "shown"
        if "killed" in how:
            self.kill("POST")
        if "lost" in how:
            return Outcome((_LOST,))
        created = BatchCreated.model_construct(
            batch_id=remote.id, status="pending", total_requests=count, created_at="2030"
        )
        return Outcome((Answered(created),))

    def cancel_batch(self, batch_id: str) -> Outcome[BatchCancelled]:
        self._may_stop(batch_id)
        remote = self._ours(batch_id)
        faults = [*_UNHANDLED, *(() if self._lagged else ("404",))]
        lasting: tuple[str, ...] = ()
        if remote is not None and remote.status == "processing":
            lasting = ("409",)
            faults += [
                "cancelling",
                # Of a session that is not listed yet nobody can see that it goes on.
                *([] if remote.late else ["one stopping", "one stuck", "one stuck and not counted"]),
                "no count",
                *_LOST_OR_KILLED,
            ]
        how = self.pick("PATCH", *faults, lasting=lasting)
        if how == "404":
            self._lagged = True
            return _refused(NotFound)
        return _refused(AlreadySettled) if how == "409" else self._sent(how, lambda way: self._cancel(remote, way))

    def _sent(self, how: str, handle: Callable[[str], Any]) -> Outcome[Any]:
        """Return the outcome of a call; `handle` does what the API does in this way, and returns its response."""
        if how == "refused":
            return _refused(Forbidden)
        words = how.split(", ")
        way = ", ".join(word for word in words if word not in {"lost", "retried", "killed"})
        first = None if way == "not handled" else handle(way)
        if "killed" in words:
            self.kill("after it was handled")
        tries = (_LOST, handle("")) if "retried" in words else (_LOST if first is None or "lost" in words else first,)
        return Outcome(tries)

    def _cancel(self, remote: Remote | None, way: str) -> Any:
        if remote is None:
            return _refused(NotFound).last
        if remote.status != "processing":
            return _refused(AlreadySettled).last
        stopped = [n for n, word in enumerate(remote.sessions) if word in LIVE]
        counted = stopped[1:] if way == "one stuck and not counted" else stopped
        remote.write("cancel", self._machine, counted)
        remote.status = "cancelling" if way == "cancelling" else "cancelled"
        for number in stopped:
            remote.sessions[number] = ENDED
        if stopped and way in _GOING_ON:
            remote.sessions[stopped[0]] = _GOING_ON[way]
        count = None if way == "no count" else len(counted)
        return Answered(BatchCancelled.model_construct(status=remote.status, cancelled_sessions=count, message="done"))

    def delete_batch(self, batch_id: str) -> Outcome[BatchDeleted]:
        self._may_stop(batch_id)
        faults, lasting = list(_UNHANDLED), tuple[str, ...]()
        remote = self._ours(batch_id)
        if remote is not None:
            faults += [] if self._lagged else ["404"]
            faults += [] if remote.late else ["one stuck"]
            lasting = ("half", "half unnamed", "half running", "half running unnamed")
            faults += [*_LOST_OR_KILLED, "half, lost", "half, lost, retried", "half, killed", "no count"]
        how = self.pick("DELETE", *faults, lasting=lasting)
        if how == "404":
            self._lagged = True
            return _refused(NotFound)
        return self._sent(how, lambda way: self._delete(batch_id, way))

    def _delete(self, batch_id: str, way: str) -> Any:
        remote = self._ours(batch_id)
        if remote is None:
            return _refused(NotFound).last
        left = [n for n, word in enumerate(remote.sessions) if word not in {PENDING, REMOVED}]
        failing, removed = (left[:1], left[1:]) if way.startswith("half") else ([], left)
        remote.write("delete", self._machine, removed)
        for number in removed:
            remote.sessions[number] = REMOVED
        for number in failing if "running" not in way else ():
            remote.sessions[number] = ENDED
        if way == "one stuck" and removed:
            remote.sessions[removed[0]] = STUCK
        remote.turn({PENDING}, REMOVED)
        remote.status = "completed" if remote.status == "processing" else remote.status
        remote.is_gone = not failing
        return Answered(_deletion(batch_id, way, removed, failing))

    def end_session(self, session_id: str) -> Outcome[None]:
        remote, number = self._session(session_id)
        if remote is not None:
            self._may_stop(remote.id)
        runs = remote is not None and remote.sessions[number] in LIVE
        faults = (*_UNHANDLED[1:], *(_LOST_OR_KILLED if runs else ()))
        how = self.pick("DELETE session", *faults, lasting=("refused", *(("404", "runs on") if runs else ())))
        return _refused(NotFound) if how == "404" else self._sent(how, lambda way: self._end(session_id, way))

    def _session(self, session_id: str) -> tuple[Remote | None, int]:
        for one in self._world.remotes:
            if _TEAMS[self._key] == "ours" and session_id in one.session_ids():
                return one, int(session_id[:8], 16)
        return None, 0

    def _end(self, session_id: str, way: str) -> Any:
        remote, number = self._session(session_id)
        if remote is None or remote.sessions[number] not in LIVE:
            return _refused(NotFound).last
        remote.write("end_sessions", self._machine, [number])
        remote.sessions[number] = STUCK if way == "runs on" else ENDED
        return Answered(None)

    # Reads

    def get_batch(self, batch_id: str) -> BatchDetails:
        remote = self._ours(batch_id)
        lag = () if self._lagged else ("404",)
        lasting = ("without sessions", "without an id")
        how = self.pick(
            "GET", "lost", *(lag if remote is not None else ()), lasting=lasting if remote is not None else ()
        )
        if how == "lost":
            raise _LOST.error
        self._lagged |= how == "404"
        if remote is not None and how != "404":
            return _document(remote, how)
        if remote is None and self._world.gone_is_empty and self._is_ours(self._world.find(batch_id)):
            return BatchDetails.model_construct(batch_id=batch_id, status="completed", total_requests=0, sessions=())
        raise NotFound("get the batch", "HTTP 404", status=404)

    def lists(self, remote: Remote | None) -> bool:
        """Whether the API lists the batch's sessions to this key."""
        return remote is not None and self._is_ours(remote) and not remote.late

    def end_of_lateness(self) -> None:
        """Show the sessions of late batches after the time that the API takes for it at most."""
        for one in self._world.remotes:
            if self._clock.slept >= PATIENCE:
                one.late = ""


def _deletion(batch_id: str, way: str, removed: list[int], failing: list[int]) -> BatchDeleted:
    named = [] if "unnamed" in way else [session_id(batch_id, number) for number in failing]
    return BatchDeleted.model_construct(
        deleted_sessions=None if way == "no count" else len(removed),
        failed_deletions=None if named else len(failing),
        errors=tuple(FailedDeletion.model_construct(session_id=one, error="busy") for one in named),
    )


def _document(remote: Remote, how: str) -> BatchDetails:
    created = remote.session_ids()
    named = (None, *created[1:]) if how == "without an id" and created else created
    sessions = tuple(BatchSession.model_construct(session_id=one, status="completed") for one in named)
    return BatchDetails.model_construct(
        batch_id=remote.id,
        status=remote.status,
        total_requests=2,
        completed_requests=len(created),
        failed_requests=0,
        created_at="2030",
        sessions=None if how == "without sessions" else sessions,
    )


def _refused(kind: type[Any]) -> Outcome[Any]:
    status = {AlreadySettled: 409, NotFound: 404, Forbidden: 403}.get(kind, 429)
    return Outcome((Refused(kind("call the API", f"HTTP {status}", status=status)),))


class ModelListing:
    """What the API lists: batches, the sessions that run, and claims."""

    def __init__(self, client: ModelClient, world: World) -> None:
        self._client, self._world = client, world

    def changed(self, batch_id: str) -> None:
        """Nothing is kept."""

    def batch(self, batch_id: str) -> BatchDetails:
        return self._client.get_batch(batch_id)

    def sessions_of(self, batch_id: str) -> tuple[ListedSession, ...]:
        how = self._client.pick("list sessions", "lost", "incomplete")
        if how == "incomplete":
            raise ListingIncomplete("sessions", "it has a hole")
        if how:
            raise _LOST.error
        remote = self._world.find(batch_id)
        listed = remote.session_ids() if remote is not None and self._client.lists(remote) else ()
        return tuple(ListedSession.model_construct(id=one) for one in listed)

    def running(self, batch: BatchIdentity) -> Look:
        how = self._client.pick("look at sessions", lasting=("lost", "unknown word"))
        if how == "lost":
            raise _LOST.error
        return Look((), ("hibernating",)) if how else Look(self.now_running(batch.batch_id))

    def now_running(self, batch_id: str | None) -> tuple[str, ...]:
        """Return the sessions of a batch that the API lists as running now."""
        self._client.end_of_lateness()
        remote = self._world.find(batch_id)
        return remote.session_ids(LIVE) if remote is not None and self._client.lists(remote) else ()

    def find(self, claim: str, **_: Any) -> ClaimLook:
        how = self._client.pick("look for claim", "lost", lasting=("batch not listed",))
        if how == "lost":
            raise _LOST.error
        self._client.end_of_lateness()
        remote = next((one for one in self._world.remotes if one.claim == claim), None)
        if remote is None or not self._client.lists(remote):
            return ClaimLook(None, has_candidates=remote is not None and remote.late == "shown")
        sessions = Look(remote.session_ids(LIVE), ended=len(remote.session_ids((ENDED,))))
        is_listed = not remote.is_gone and not how
        return ClaimLook(remote.id if is_listed else None, sessions != Look(), sessions)

    def is_on(self, batch_id: str, claim: str) -> bool:
        remote = self._world.find(batch_id)
        return remote is not None and self._client.lists(remote) and remote.claim == claim

    def live(self, owner: str) -> frozenset[str]:
        return frozenset(one.claim for one in self._world.remotes if owner == OWNER and self.now_running(one.id))
