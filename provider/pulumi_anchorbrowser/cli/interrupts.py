"""Ctrl-C while batches are being stopped: what is in flight ends, what has not begun is left, and both are told."""

from __future__ import annotations

import os
import signal
from threading import Event
from types import FrameType, TracebackType
from typing import Any

from pulumi_anchorbrowser.cli.exits import ExitCode

_STDERR = 2
_FIRST = b"\nInterrupted: the calls in flight are ending, nothing else is begun. Once more to end at once.\n"
_SECOND = b"\nEnded at once: what was in flight has a receipt without an outcome, and may or may not be done.\n"


class Interrupts:
    """Takes Ctrl-C, and the SIGTERM of a CI job that is cancelled, for as long as it is entered."""

    def __init__(self) -> None:
        self._event = Event()
        self._before: dict[int, Any] = {}

    @property
    def came(self) -> bool:
        """Whether there was one."""
        return self._event.is_set()

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._interrupted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # as signal calls it
        # By the system call: a handler must not wait for the lock of a stream that it has interrupted.
        if self.came:
            os.write(_STDERR, _SECOND)
            os._exit(ExitCode.INTERRUPTED)
        self._event.set()
        os.write(_STDERR, _FIRST)
