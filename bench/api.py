"""The simulated API in a process of its own, so that its work is not counted as the program's."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.managers import BaseManager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pulumi_anchorbrowser.simulator import LoggedRequest, Simulator, SimulatorSettings
from pulumi_anchorbrowser.simulator.configuration import SentConfiguration
from pulumi_anchorbrowser.simulator.server import LoopbackServer

KEY = "key-of-the-bench"
_HEADER_MARKS = len(b": \r\n")
_START_LINE_MARKS = len(b"  HTTP/1.1\r\n\r\n")


@dataclass
class Traffic:
    """What has come over the wire: the requests, and the bytes of all HTTP messages, without what TCP adds.

    `cpu_seconds` is what answering has cost the simulator: no contender can be faster than that.
    """

    requests: list[LoggedRequest]
    bytes: int
    cpu_seconds: float


class _Weighed:
    """An application whose messages are weighed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bytes += len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"])
        self.bytes += _START_LINE_MARKS + _size(scope["headers"])

        async def take() -> Message:
            message = await receive()
            self.bytes += len(message.get("body", b""))
            return message

        async def give(message: Message) -> None:
            self.bytes += len(message.get("body", b""))
            if "status" in message:
                self.bytes += _START_LINE_MARKS + _size(message["headers"])
            await send(message)

        await self._app(scope, take, give)


class _WeighedSimulator(Simulator):
    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__({KEY: "team"}, settings)
        self.weighed = _Weighed(self._gate)
        self._server = LoopbackServer(self.weighed)

    def fill(self, count: int) -> None:
        for _ in range(count):
            self._state.create("team", 1, SentConfiguration())


class Api:
    """One simulator after the other; what is asked of it from outside reaches it without HTTP."""

    def __init__(self) -> None:
        self._simulator = _WeighedSimulator(SimulatorSettings())
        self._ahead = self._used = 0.0

    def start(self, settings: SimulatorSettings) -> str:
        """The address of a new simulator that knows nothing; the one before it has ended."""
        self._simulator.stop()
        self._ahead = 0.0
        self._simulator = _WeighedSimulator(settings)
        self._simulator.start()
        return self._simulator.url

    def fill(self, count: int) -> None:
        """Start so many batches of one session, without a request."""
        self._simulator.fill(count)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds
        self._simulator.advance(seconds)

    def set_latency(self, seconds: float) -> None:
        """How long each request waits from now on."""
        self._simulator.settings.latency_seconds = seconds

    def now(self) -> float:
        """The time by which requests are logged."""
        return time.time() + self._ahead

    def take(self) -> Traffic:
        """What has come in since this was last asked."""
        weighed, used = self._simulator.weighed, time.process_time()
        traffic = Traffic(self._simulator.requests, weighed.bytes, used - self._used)
        weighed.bytes, self._used = 0, used
        self._simulator.clear_requests()
        return traffic

    def live_sessions(self) -> int:
        """How many browsers run, or are still going to be started."""
        return len(self._simulator.live_sessions())


class _Manager(BaseManager):
    api: Callable[[], Api]


_Manager.register("api", Api)


@contextmanager
def api_in_its_own_process() -> Iterator[Api]:
    """The API, in a process that ends with the context."""
    with _Manager(ctx=multiprocessing.get_context("spawn")) as manager:
        yield manager.api()


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + _HEADER_MARKS for name, value in headers)
