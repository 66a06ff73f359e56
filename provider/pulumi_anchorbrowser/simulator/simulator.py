"""The simulator as tests, examples and the command line use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple
from uuid import UUID

from pulumi_anchorbrowser.simulator.app import ApiOfState
from pulumi_anchorbrowser.simulator.batch import SESSION_BITS, SimulatedBatch
from pulumi_anchorbrowser.simulator.clock import SimulatorClock
from pulumi_anchorbrowser.simulator.configuration import SentConfiguration, SentSessionConfig
from pulumi_anchorbrowser.simulator.faults import Faults
from pulumi_anchorbrowser.simulator.gate import Gate
from pulumi_anchorbrowser.simulator.log import LoggedRequest
from pulumi_anchorbrowser.simulator.server import LoopbackServer
from pulumi_anchorbrowser.simulator.sessions import put_tags
from pulumi_anchorbrowser.simulator.settings import SimulatorSettings
from pulumi_anchorbrowser.simulator.state import SimulatorState
from pulumi_anchorbrowser.simulator.teams import Teams

DEFAULT_KEYS = {"simulated-key": "simulated-team"}


class LiveSession(NamedTuple):
    """A browser that runs and is billed, or (`running` False) one that is still going to be started.

    `batch_id` is empty for a session that belongs to no batch.
    """

    session_id: str
    batch_id: str
    team: str
    tags: tuple[str, ...]
    running: bool


class Simulator:
    """The AnchorBrowser API on 127.0.0.1, as a context manager; its state is its own and is kept when it stops.

    `api_keys` maps each key to its team. `port` 0 takes a free one. `clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        api_keys: Mapping[str, str] | None = None,
        settings: SimulatorSettings | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._settings = settings or SimulatorSettings()
        self.faults = Faults()
        self._clock = SimulatorClock(clock or time.time, lambda: self._settings.clock_offset_seconds)
        self._teams = Teams(DEFAULT_KEYS if api_keys is None else api_keys, self._settings, self._clock)
        self._state = SimulatorState(self._teams, self._settings, self._clock)
        self._gate = Gate(ApiOfState(self._state), self._state, self.faults)
        self._server = LoopbackServer(self._gate, port)

    def start(self) -> Simulator:
        self._server.start()
        return self

    def stop(self) -> None:
        """Refuse connections from now on; `start` serves the same state on the same port again."""
        self._server.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def settings(self) -> SimulatorSettings:
        """The settings; set its attributes while the server runs."""
        return self._settings

    @property
    def url(self) -> str:
        return self._server.url

    # What came in

    @property
    def requests(self) -> list[LoggedRequest]:
        return list(self._gate.requests)

    def requests_of(self, method: str, path: str = "/") -> list[LoggedRequest]:
        """Return the requests of this method whose path begins with `path`."""
        return [one for one in self.requests if one.method == method and one.path.startswith(path)]

    def clear_requests(self) -> None:
        self._gate.requests.clear()

    # What is true

    @property
    def batches(self) -> dict[str, SimulatedBatch]:
        """Every batch ever made here, deleted ones included, in the order of creation."""
        return dict(self._state.batches)

    def live_sessions(self, tag: str | None = None, batch_id: str | None = None) -> list[LiveSession]:
        """Return the sessions that run now, or are still going to be started, whatever the API reports of them."""

        def may_match(batch: SimulatedBatch) -> bool:
            if batch_id is not None and (batch.single or batch.id != batch_id):
                return False
            return tag is None or tag in batch.tags or bool(batch.retagged)

        with self._state.lock:
            live = [
                LiveSession(
                    batch.session_id(index), "" if batch.single else batch.id, batch.team, batch.tags_of(index), running
                )
                for batch in self._state.everything()
                if may_match(batch)
                for index, running in batch.live()
            ]
        return [one for one in live if tag is None or tag in one.tags]

    # What happens from outside, with no request

    def start_session(self, *, tags: Sequence[str] = (), team: str | None = None) -> str:
        """Start one session that belongs to no batch, for the team of the first key or another; return its id."""
        configuration = SentConfiguration(session=SentSessionConfig(tags=list(tags)))
        return self._state.create_single(team or self._teams.first(), configuration).session_id(0)

    def put_tags(self, session_id: str, tags: Sequence[str]) -> None:
        """Replace the tags of a session, as another caller would."""
        batch = self._state.by_session_base[UUID(session_id).int >> SESSION_BITS]
        put_tags(self._state, batch.team, session_id, tuple(tags))

    def cancel(self, batch_id: str) -> int:
        """Cancel as another caller would; return how many running sessions were stopped."""
        return self._state.cancel(self._state.batches[batch_id].team, batch_id)

    def delete(self, batch_id: str) -> int:
        """Delete as another caller would; return how many sessions were removed."""
        return self._state.delete(self._state.batches[batch_id].team, batch_id).deleted

    def complete(self, batch_id: str) -> None:
        """Bring the creation of the batch's sessions to its end at this moment."""
        with self._state.lock:
            self._state.batches[batch_id].hurry()

    def expire(self, batch_id: str) -> int:
        """End the batch's running sessions as their own time limits would; return how many."""
        return self.stop_sessions(batch_id)

    def stop_sessions(self, batch_id: str, count: int | None = None) -> int:
        """End `count` of the batch's running sessions, or all; their data stays. Return how many."""
        with self._state.lock:
            batch = self._state.batches[batch_id]
            chosen = batch.running()[:count]
            batch.end(chosen)
            return len(chosen)

    def rotate_key(self, old: str, new: str) -> None:
        """Give the team of `old` the key `new` in its place."""
        self._teams.rotate(old, new)

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock forward."""
        self._clock.advance(seconds)
