"""The engine's side of the conversation: what providers and programs log, kept in the order in which it came."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple

import grpc  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_SEVERITIES = {
    engine_pb2.DEBUG: "debug",
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}


class LogLine(NamedTuple):
    """One message as the engine got it.

    `severity` is `debug`, `info`, `warning` or `error`, or `stdout` and `stderr` for what the provider host printed.
    `urn` is empty where the message belongs to no resource. `ephemeral` messages are a passing status.
    """

    severity: str
    message: str
    urn: str = ""
    ephemeral: bool = False


class EngineLog(engine_pb2_grpc.EngineServicer):
    """An engine that only listens: serves the engine's gRPC interface on loopback and keeps every log line.

    `debug` lines are dropped unless `keep_debug` is set: the SDK writes dozens of them for each resource.
    """

    def __init__(self, *, keep_debug: bool = False) -> None:
        self._keep_debug = keep_debug
        self._lines: list[LogLine] = []
        self._lock = Lock()
        self._root = ""
        self._server: grpc.Server | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """`host:port` where providers reach this engine; serving starts when it is first asked for."""
        with self._lock:
            if self._server is None:
                self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="rehearsal-engine"))
                engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
                self._address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
                self._server.start()
            return self._address

    def stop(self) -> None:
        """Ends serving. The lines stay."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop(grace=None).wait(5)

    def add(self, line: LogLine) -> None:
        """Keeps a line that did not come over gRPC."""
        if line.severity != "debug" or self._keep_debug:
            with self._lock:
                self._lines.append(line)

    def lines(self, since: int = 0) -> list[LogLine]:
        """All lines so far, or those after the first `since`."""
        with self._lock:
            return self._lines[since:]

    # The names below are gRPC's. The SDK also calls them in-process, then with no context.

    def Log(self, request: engine_pb2.LogRequest, _context: Any = None) -> Empty:  # noqa: N802
        severity = _SEVERITIES.get(request.severity, "info")
        self.add(LogLine(severity, request.message, request.urn, request.ephemeral))
        return Empty()

    def GetRootResource(self, _request: Any, _context: Any = None) -> engine_pb2.GetRootResourceResponse:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, _context: Any = None) -> engine_pb2.SetRootResourceResponse:  # noqa: N802
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, _request: Any, _context: Any = None) -> Any:  # noqa: N802
        # Any version will do: there is no CLI here whose version could be wrong.
        return engine_pb2.RequirePulumiVersionResponse()
