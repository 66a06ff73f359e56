"""Sessions across batches: finding, filtering and ending them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from pulumi_anchorbrowser.simulator.batch import SESSION_BITS, Batch
from pulumi_anchorbrowser.simulator.errors import UnknownSession
from pulumi_anchorbrowser.simulator.settings import Settings
from pulumi_anchorbrowser.simulator.state import State


@dataclass(eq=False, slots=True)
class Session:
    """One session that was created and whose data is kept."""

    batch: Batch
    index: int
    settings: Settings

    @property
    def id(self) -> str:
        return self.batch.session_id(self.index)

    @property
    def created_at(self) -> float:
        return self.batch.ready_at(self.index)

    @property
    def ended_at(self) -> float | None:
        return self.batch.ended_at(self.index)

    @property
    def status(self) -> str:
        return self.settings.running_word if self.runs else self.settings.ended_word

    @property
    def runs(self) -> bool:
        return self.batch.runs(self.index)


@dataclass(frozen=True)
class Filter:
    """What GET /v1/sessions and GET /v1/sessions/all/status can be asked for; None leaves it open."""

    tags: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    batch_id: str | None = None
    status: str | None = None
    created_from: float | None = None
    created_to: float | None = None
    proxy: bool | None = None
    extra_stealth: bool | None = None
    profile_name: str | None = None
    from_elsewhere: bool = False  # asked for domains, tasks or playgrounds: no session here has any

    def takes_batch(self, batch: Batch) -> bool:
        """Decides what is the same for all sessions of a batch, so that most are never looked at."""
        if self.from_elsewhere:
            return False
        if not set(self.tags) <= set(batch.tags):
            return False
        lowered = [tag.lower() for tag in batch.tags]
        if not all(any(term.lower() in tag for tag in lowered) for term in self.search):
            return False
        return self._takes_configuration(batch.configuration)

    def _takes_configuration(self, configuration: dict[str, object]) -> bool:
        if self.proxy is not None and self.proxy != bool(dig(configuration, "session", "proxy", "active")):
            return False
        stealth = bool(dig(configuration, "browser", "extra_stealth", "active"))
        if self.extra_stealth is not None and self.extra_stealth != stealth:
            return False
        profile = str(dig(configuration, "browser", "profile", "name") or "")
        return self.profile_name is None or self.profile_name.lower() in profile.lower()

    def takes(self, session: Session) -> bool:
        if self.created_from is not None and session.created_at < self.created_from:
            return False
        if self.created_to is not None and session.created_at > self.created_to:
            return False
        return self.status is None or session.status == self.status


def dig(value: object, *names: str) -> object:
    """Follows names into nested dictionaries; None where the way ends."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def find_sessions(state: State, team: str, wanted: Filter) -> list[Session]:
    """Returns the team's sessions that `wanted` takes, in the order of their batches."""
    with state.lock:
        known_until = state.clock.now() - state.settings.sessions_listed_after
        return [
            session
            for batch in _batches_of(state, wanted)
            if batch.team == team and not batch.deleted and wanted.takes_batch(batch)
            for session in (Session(batch, index, state.settings) for index in batch.existing())
            if session.created_at <= known_until and wanted.takes(session)
        ]


def _batches_of(state: State, wanted: Filter) -> Iterable[Batch]:
    if wanted.batch_id is None:
        return state.batches.values()
    batch = state.batches.get(wanted.batch_id)
    return [] if batch is None else [batch]


def end_session(state: State, team: str, session_id: str) -> None:
    """Ends one session and keeps its data; UnknownSession where this team has none of that id."""
    with state.lock:
        session = _session(state, session_id)
        if session is None or session.batch.team != team or not session.batch.exists(session.index):
            raise UnknownSession(session_id)
        if session.runs:
            session.batch.end([session.index])
        elif state.settings.end_ended_session == "404":
            raise UnknownSession(session_id)


def _session(state: State, session_id: str) -> Session | None:
    try:
        number = UUID(session_id).int
    except ValueError:
        return None
    batch, index = state.by_session_base.get(number >> SESSION_BITS), number & ((1 << SESSION_BITS) - 1)
    return Session(batch, index, state.settings) if batch is not None and index < batch.plan.count else None
