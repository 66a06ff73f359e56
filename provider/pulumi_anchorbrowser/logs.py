"""The debug log: a file of the user's choosing, one JSON object a line. Nothing is written unless it is asked for.

Every room emits its events through the standard library's `logging`. Here stands where they go, and what each line
carries without being told: what it is about. The events and their fields are listed in docs/observability.md.
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
_LOGGER = logging.getLogger("pulumi_anchorbrowser")
_RENAMED = {"levelname": "level", "message": "event", "process": "pid", "threadName": "thread"}
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=MappingProxyType({}))
_started: set[Path] = set()
_starting = Lock()


@contextmanager
def about(**fields: str | None) -> Iterator[None]:
    """This thread's events carry these fields meanwhile, beside those of before. None takes one away."""
    merged = {**_about.get(), **fields}
    token = _about.set({name: value for name, value in merged.items() if value})
    try:
        yield
    finally:
        _about.reset(token)


def keeping_about(work: Callable[[_Item], _Result]) -> Callable[[_Item], _Result]:
    """The same work for another thread to do; its events are about what this thread's are about now."""
    here = copy_context()
    # A context can be entered by one thread at a time.
    return lambda item: here.copy().run(work, item)


@contextmanager
def operation(name: str, **fields: str | None) -> Iterator[None]:
    """Something that a user asked for, from its beginning to its end: `about` it, with an event of how it ended."""
    with about(operation=name, **fields):
        began, ended = time.monotonic(), {"outcome": "done"}
        try:
            yield
        except BaseException as error:
            ended = {"outcome": "failed", "error": type(error).__name__}
            raise
        finally:
            _LOGGER.debug("operation", extra={**ended, "seconds": seconds_since(began)})


def seconds_since(began: float) -> float:
    """How long ago that moment (monotonic) was, to a tenth of a millisecond."""
    return round(time.monotonic() - began, 4)


def place_of(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file named by ANCHORBROWSER_LOG; None where there is none, or that says `off`."""
    chosen = environ.get(VARIABLE, "").strip()
    return Path(chosen).expanduser() if chosen and chosen.lower() != "off" else None


def start(place: Path | None, warn: Callable[[str], object]) -> None:
    """Append events to this file from now on; None is no file.

    Where it cannot be written, `warn` is told so once and the work goes on: stopping browsers goes first.
    """
    with _starting:
        if place is None or place in _started:
            return
        _started.add(place)
    try:
        handler = _Appender(place, warn)
    except OSError as error:
        warn(_told(place, error))
        return
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.DEBUG)
    # A program's own handlers were not asked for our debug lines.
    _LOGGER.propagate = False


class _Appender(logging.Handler):
    """Writes each line at the end of the file in one call, so that those of several processes stay whole."""

    def __init__(self, place: Path, warn: Callable[[str], object]) -> None:
        # It takes a moment to import, and few runs need it.
        from pythonjsonlogger.json import JsonFormatter

        super().__init__()
        # A pipe that nobody reads must hold up nothing.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        # It tells owners and batch ids, which are nobody else's business.
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
            self._warn(_told(self._place, error))


def _complete(record: logging.LogRecord) -> bool:
    for name, value in _about.get().items():
        record.__dict__.setdefault(name, value)
    return True


def _told(place: Path, error: OSError) -> str:
    return (
        f"The debug log {place} cannot be written ({error.strerror}), so it is left out. Make that file writable, or "
        f"name another one in {VARIABLE}."
    )
