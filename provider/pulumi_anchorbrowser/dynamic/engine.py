"""The engine's log: lines in `pulumi up` on the resource's own row."""

from __future__ import annotations

import logging
import sys
import time
from functools import cache
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
_TIMEOUT_SECONDS = 5
# A status is read by people, and each costs a call to the engine.
_STATUS_SECONDS = 0.1


class EngineNotices:
    """Notices on the row of one resource; without a URN, on the stack's."""

    def __init__(self, urn: str | None = None) -> None:
        self._urn = urn or ""
        self._status_due = 0.0

    def info(self, text: str) -> None:
        """An info line."""
        self._log(engine_pb2.INFO, text)

    def warning(self, text: str) -> None:
        """One of the engine's warnings."""
        self._log(engine_pb2.WARNING, text)

    def progress(self, text: str) -> None:
        """A passing status, which a terminal shows beside the resource; not more often than people read."""
        now = time.monotonic()
        if now >= self._status_due:
            self._status_due = now + _STATUS_SECONDS
            self._log(engine_pb2.INFO, text, ephemeral=True)

    def _log(self, severity: Any, text: str, *, ephemeral: bool = False) -> None:
        if not ephemeral:
            _LOGGER.debug("notice", extra={"severity": engine_pb2.LogSeverity.Name(severity).lower(), "text": text})
        engine = self._engine()
        if engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=self._urn, ephemeral=ephemeral)
        try:
            engine.Log(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            # What was done is done, whether or not the engine can still be told.
            _LOGGER.warning("%s (the engine could not be told: %s)", text, error, extra={"event": "not_told"})

    def _engine(self) -> Any:
        return _engine_of_host()


@cache
def _engine_of_host() -> Any:
    """The engine that started this host, by the address it gave as the first argument; None outside a host."""
    if len(sys.argv) < 2 or ":" not in sys.argv[1]:
        return None
    # It is on this machine, where a proxy of the environment has no business.
    channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.enable_http_proxy", 0)])
    return engine_pb2_grpc.EngineStub(channel)
