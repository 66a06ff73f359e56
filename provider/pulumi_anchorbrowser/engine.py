"""The engine that a provider serves: its log, with messages on the resource's own row, and whether it still runs."""

from __future__ import annotations

import hashlib
import logging
import sys
import time
from collections.abc import Callable
from functools import cache
from threading import Thread
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
_TIMEOUT_SECONDS = 5
# One failed look is not enough: a channel may fail for reasons of this process.
_LOOK_SECONDS = 2.0
_FAILED_LOOKS = 2
# A status is read by people, and each costs a call to the engine.
_STATUS_SECONDS = 0.1
_MARK_DIGITS = 5


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

    def debug(self, text: str) -> None:
        """Write to the engine's debug log, which `--debug` prints."""
        self._log(engine_pb2.DEBUG, text)

    def progress(self, text: str) -> None:
        """Show a passing status beside the resource; not more often than people read."""
        now = time.monotonic()
        if now >= self._status_due:
            self._status_due = now + _STATUS_SECONDS
            self._log(engine_pb2.INFO, text, ephemeral=True)

    def _log(self, severity: Any, text: str, *, ephemeral: bool = False) -> None:
        if not ephemeral:
            _LOGGER.debug("notice", extra={"severity": engine_pb2.LogSeverity.Name(severity).lower(), "text": text})
        engine = self._engine or engine_stub(engine_address())
        if engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=self._urn, ephemeral=ephemeral)
        try:
            engine.Log(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            # What was done is done, whether or not the engine still listens.
            _LOGGER.warning("%s (the engine could not be reached: %s)", text, error, extra={"event": "not_told"})


def watch_engine(gone: Callable[[], None], engine: Any = None) -> None:
    """Call `gone` in a thread of its own once the engine no longer runs; return at once.

    An engine ends its providers itself, unless it was killed alone (SIGKILL, out of memory). A provider that outlives
    it would make calls that no state learns of. `engine` is as for EngineNotices.
    """
    engine = engine or engine_stub(engine_address())
    if engine is not None:
        Thread(target=_watch, args=(engine, gone), name="watch-engine", daemon=True).start()


def _watch(engine: Any, gone: Callable[[], None]) -> None:
    failed = 0
    while failed < _FAILED_LOOKS:
        time.sleep(_LOOK_SECONDS)
        failed = 0 if _is_there(engine) else failed + 1
    _LOGGER.debug("engine_gone")
    gone()


def _is_there(engine: Any) -> bool:
    try:
        engine.GetRootResource(engine_pb2.GetRootResourceRequest(), timeout=_TIMEOUT_SECONDS)
    except grpc.RpcError as error:
        # Any other code came from an engine, or from one that is busy or stopped.
        return bool(error.code() != grpc.StatusCode.UNAVAILABLE)
    return True


def engine_address() -> str:
    """Return the address of the engine that started this provider host: its first argument. Empty outside a host."""
    return sys.argv[1] if len(sys.argv) > 1 and ":" in sys.argv[1] else ""


def run_mark(number: int = 0) -> str:
    """Return five hexadecimal digits that are the same in all provider hosts of one run of the engine.

    `number` counts the runs that this host serves.
    """
    return hashlib.sha256(f"{engine_address()} {number}".encode()).hexdigest()[:_MARK_DIGITS]


@cache
def engine_stub(address: str) -> Any:
    """Return the engine's stub; None for no address."""
    if not address:
        return None
    # It is on this machine, where a proxy of the environment has no business.
    channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
    return engine_pb2_grpc.EngineStub(channel)
