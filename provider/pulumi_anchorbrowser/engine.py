"""The engine's log: messages in `pulumi up` on the resource's own row."""

from __future__ import annotations

import hashlib
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
_MARK_DIGITS = 3


class EngineNotices:
    """Messages on the row of one resource; without a URN, on the stack's.

    `engine` is the engine's stub. Without one it is the engine that started this provider host.
    """

    def __init__(self, urn: str = "", engine: Any = None) -> None:
        self._urn = urn
        self._engine = engine
        self._status_due = 0.0

    def info(self, text: str) -> None:
        """Print an info line."""
        self._log(engine_pb2.INFO, text)

    def warning(self, text: str) -> None:
        """Print one of the engine's warnings."""
        self._log(engine_pb2.WARNING, text)

    def progress(self, text: str) -> None:
        """Show a passing status beside the resource; not more often than people read."""
        now = time.monotonic()
        if now >= self._status_due:
            self._status_due = now + _STATUS_SECONDS
            self._log(engine_pb2.INFO, text, ephemeral=True)

    def _log(self, severity: Any, text: str, *, ephemeral: bool = False) -> None:
        if not ephemeral:
            _LOGGER.debug("notice", extra={"severity": engine_pb2.LogSeverity.Name(severity).lower(), "text": text})
        engine = self._engine or _engine_of_host(engine_address())
        if engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=self._urn, ephemeral=ephemeral)
        try:
            engine.Log(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            # What was done is done, whether or not the engine still listens.
            _LOGGER.warning("%s (the engine could not be reached: %s)", text, error, extra={"event": "not_told"})


def engine_address() -> str:
    """Return the address of the engine that started this provider host: its first argument. Empty outside a host."""
    return sys.argv[1] if len(sys.argv) > 1 and ":" in sys.argv[1] else ""


def run_mark(number: int = 0) -> str:
    """Return three hexadecimal digits that are the same in all provider hosts of one run of the engine.

    `number` counts the runs that this host serves.
    """
    return hashlib.sha256(f"{engine_address()} {number}".encode()).hexdigest()[:_MARK_DIGITS]


@cache
def _engine_of_host(address: str) -> Any:
    if not address:
        return None
    # It is on this machine, where a proxy of the environment has no business.
    channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
    return engine_pb2_grpc.EngineStub(channel)
