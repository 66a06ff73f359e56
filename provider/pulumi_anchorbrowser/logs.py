"""The debug log: a file that the user names, with one JSON object a line. Without that, nothing is written.

Every room emits its events through the standard library's `logging`. This module says where they go, and adds to each
line what it is about. docs/observability.md lists the events and their fields.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, TypeVar

VARIABLE = "ANCHORBROWSER_LOG"
_OFF = frozenset({"off", "false", "no", "0"})
_LOGGER = logging.getLogger("pulumi_anchorbrowser")
_RENAMED = {"levelname": "level", "message": "event", "process": "pid", "threadName": "thread"}
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=MappingProxyType({}))
_started: set[Path] = set()
_starting = Lock()


@contextmanager
def about(**fields: str | None) -> Iterator[None]:
    """Add these fields to this thread's events in the block, beside those of before. None removes one."""
    merged = {**_about.get(), **fields}
    token = _about.set({name: value for name, value in merged.items() if value})
    try:
        yield
    finally:
        _about.reset(token)


def keeping_about(work: Callable[[_Item], _Result]) -> Callable[[_Item], _Result]:
    """Return the same work for another thread; its events are about what this thread's are about now."""
    here = copy_context()
    # A context can be entered by one thread at a time.
    return lambda item: here.copy().run(work, item)


@contextmanager
def operation(name: str, **fields: str | None) -> Iterator[None]:
    """Log the block as one operation: its events are `about` that, and an event says how it ended."""
    with about(operation=name, **fields):
        began, ended = time.monotonic(), {"outcome": "done"}
        try:
            yield
        except BaseException as error:
            ended = {"outcome": "failed", "error": type(error).__name__}
            raise
        finally:
            _LOGGER.debug("operation", extra={**ended, "seconds": round(time.monotonic() - began, 4)})


def is_off(value: str) -> bool:
    """Whether the value of a variable that names a file turns that file off."""
    return value.lower() in _OFF


def place_of(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that ANCHORBROWSER_LOG names; None where it names none, or says `off`, `false`, `no` or `0`."""
    chosen = environ.get(VARIABLE, "").strip()
    if not chosen or is_off(chosen):
        return None
    try:
        return Path(chosen).expanduser()
    except RuntimeError:
        # This user has no home folder: `start` warns.
        return Path(chosen)


def start(place: Path | None, warn: Callable[[str], object]) -> None:
    """Append events to this file from now on; None for no file.

    Where the file cannot be written, or its path is not absolute, `warn` gets one message and the work continues
    without a log: stopping browsers goes first.
    """
    with _starting:
        if place is None or place in _started:
            return
        _started.add(place)
    if not place.is_absolute():
        warn(
            f"{VARIABLE} cannot be used: {place} is not an absolute path, so nothing is logged. Set it to an absolute "
            "path: Pulumi and the command line run in different folders."
        )
        return
    try:
        handler = _Appender(place, warn)
    except OSError as error:
        warn(_unwritable(place, error))
        return
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.DEBUG)
    # A program's own handlers should not print our debug lines.
    _LOGGER.propagate = False


class _Appender(logging.Handler):
    """Writes each line at the end of the file in one call, so that those of several processes stay whole."""

    def __init__(self, place: Path, warn: Callable[[str], object]) -> None:
        # It takes a moment to import, and few runs need it.
        from pythonjsonlogger.json import JsonFormatter

        super().__init__()
        # A pipe that nobody reads must hold up nothing.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        # Owners and batch ids are nobody else's business.
        self._file: int | None = os.open(place, flags, 0o600)
        self._place, self._warn = place, warn
        layout = " ".join(f"%({name})s" for name in _RENAMED)
        self.setFormatter(JsonFormatter(layout, rename_fields=_RENAMED, timestamp="time"))
        self.addFilter(_complete)

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line."""
        if self._file is None:
            return
        try:
            os.write(self._file, f"{self.format(record)}\n".encode())
        except OSError as error:
            os.close(self._file)
            self._file = None
            self._warn(_unwritable(self._place, error))


def _complete(record: logging.LogRecord) -> bool:
    for name, value in _about.get().items():
        record.__dict__.setdefault(name, value)
    return True


def _unwritable(place: Path, error: OSError) -> str:
    return (
        f"The debug log {place} cannot be written ({error.strerror}), so nothing is logged. Make that file writable or "
        f"name another one in {VARIABLE}."
    )
