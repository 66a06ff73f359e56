"""Sessions across batches: found, filtered, ended and tagged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from pulumi_anchorbrowser.simulator.batch import SESSION_BITS, SimulatedBatch
from pulumi_anchorbrowser.simulator.errors import UnknownSession
from pulumi_anchorbrowser.simulator.settings import SimulatorSettings
from pulumi_anchorbrowser.simulator.state import SimulatorState


@dataclass(eq=False, slots=True)
class SimulatedSession:
    """One session that was created and whose data is kept, or that outlives it."""

    batch: SimulatedBatch
    index: int
    settings: SimulatorSettings

    @property
    def id(self) -> str:
        return self.batch.session_id(self.index)

    @property
    def tags(self) -> tuple[str, ...]:
        return self.batch.tags_of(self.index)

    @property
    def created_at(self) -> float:
        return self.batch.ready_at(self.index)

    @property
    def ended_at(self) -> float | None:
        return self.batch.ended_at(self.index)

    @property
    def status(self) -> str:
        return (self.batch.running_word or self.settings.running_word) if self.runs else self.settings.ended_word

    @property
    def runs(self) -> bool:
        return self.batch.runs(self.index)


@dataclass(frozen=True)
class Filter:
    """The filters of GET /v1/sessions and GET /v1/sessions/all/status; None takes everything."""

    tags: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    batch_id: str | None = None
    status: str | None = None
    created_from: float | None = None
    created_to: float | None = None
    proxy: bool | None = None
    extra_stealth: bool | None = None
    profile_name: str | None = None
    from_elsewhere: bool = False  # the filter names domains, tasks or playgrounds: no session here has any

    def takes_batch(self, batch: SimulatedBatch) -> bool:
        """Decide what is the same for all sessions of a batch, so that most are never looked at."""
        if self.from_elsewhere:
            return False
        return (bool(batch.retagged) or self._takes_tags(batch.tags)) and self._takes_configuration(batch.configuration)

    def _takes_tags(self, tags: tuple[str, ...]) -> bool:
        lowered = [tag.lower() for tag in tags]
        found = all(any(term.lower() in tag for tag in lowered) for term in self.search)
        return found and set(self.tags) <= set(tags)

    def _takes_configuration(self, configuration: dict[str, object]) -> bool:
        if self.proxy is not None and self.proxy != bool(dig(configuration, "session", "proxy", "active")):
            return False
        stealth = bool(dig(configuration, "browser", "extra_stealth", "active"))
        if self.extra_stealth is not None and self.extra_stealth != stealth:
            return False
        profile = str(dig(configuration, "browser", "profile", "name") or "")
        return self.profile_name is None or self.profile_name.lower() in profile.lower()

    def takes(self, session: SimulatedSession) -> bool:
        if self.created_from is not None and session.created_at < self.created_from:
            return False
        if self.created_to is not None and session.created_at > self.created_to:
            return False
        if session.batch.retagged and not self._takes_tags(session.tags):
            return False
        return self.status is None or session.status == self.status


def dig(value: object, *names: str) -> object:
    """Follow names into nested dictionaries; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def find_sessions(state: SimulatorState, team: str, wanted: Filter, lag: float = 0.0) -> list[SimulatedSession]:
    """Return the team's sessions that `wanted` takes, as of `lag` seconds ago, in the order of their batches."""
    with state.lock:
        known_until = state.clock.now() - lag - state.settings.sessions_listed_after
        return [
            session
            for batch in (one.behind(lag) for one in _batches_of(state, wanted))
            if batch.team == team and wanted.takes_batch(batch)
            for session in (SimulatedSession(batch, index, state.settings) for index in batch.existing())
            if session.created_at <= known_until and wanted.takes(session)
        ]


def _batches_of(state: SimulatorState, wanted: Filter) -> Iterable[SimulatedBatch]:
    if wanted.batch_id is None:
        return state.everything()
    batch = state.batches.get(wanted.batch_id)
    return [] if batch is None else [batch]


def end_session(state: SimulatorState, team: str, session_id: str) -> None:
    """End one session and keep its data; UnknownSession where this team has none of that id."""
    with state.lock:
        session = _session(state, team, session_id)
        if session.runs:
            survives = session.batch.survives(session.index, "end", state.settings)
            session.batch.stop([session.index], "end", state.settings)
            if survives and state.settings.end_survivor == 404:
                raise UnknownSession(session_id)
        elif state.settings.end_ended_session == "404":
            raise UnknownSession(session_id)


def put_tags(state: SimulatorState, team: str, session_id: str, tags: tuple[str, ...]) -> None:
    """Replace the tags of one session; UnknownSession where this team has none of that id."""
    with state.lock:
        session = _session(state, team, session_id)
        session.batch.put_tags(session.index, tags)


def _session(state: SimulatorState, team: str, session_id: str) -> SimulatedSession:
    try:
        number = UUID(session_id).int
    except ValueError:
        raise UnknownSession(session_id) from None
    batch, index = state.by_session_base.get(number >> SESSION_BITS), number & ((1 << SESSION_BITS) - 1)
    if batch is None or batch.team != team or index >= batch.plan.count or not batch.exists(index):
        raise UnknownSession(session_id)
    return SimulatedSession(batch, index, state.settings)
