"""One command as a process: how long it takes, and how large its provider host grows. Nothing of it is left."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

_PROVIDER_HOSTS = ("pulumi.dynamic", "pulumi-resource-anchorbrowser")
_SAMPLE_SECONDS = 0.2
_LONGEST_SECONDS = 900.0
_TOLD_LINES = 30


class CommandFailed(Exception):
    """A command that is to be measured has failed, so there is nothing to measure."""


@dataclass(frozen=True)
class Ran:
    """How long a command took, and the most memory (resident) that it had itself; None where it was over too soon.

    Of its provider host: the most memory, and CPU time; None without one.
    """

    seconds: float
    peak_bytes: int | None
    host_peak_bytes: int | None
    host_cpu_seconds: float | None
    text: str


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Ran:
    """Run a command to its end. Raises CommandFailed with what it printed."""
    began = time.monotonic()
    process = psutil.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    host = _HostWatch(process)
    try:
        printed, _ = process.communicate(timeout=_LONGEST_SECONDS)
        seconds = time.monotonic() - began
    finally:
        host.stop()
        _end(process, host.seen)
    text = printed.decode(errors="replace")
    if process.returncode != 0:
        last = "\n".join(text.splitlines()[-_TOLD_LINES:])
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n{last}")
    return Ran(seconds, host.own_peak or None, host.peak or None, host.cpu or None, text)


class _HostWatch:
    """Looks at a process, and at the provider host among its children, a few times in a second."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._is_over = Event()
        self.own_peak, self.peak, self.cpu = 0, 0, 0.0
        self.seen: set[psutil.Process] = set()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            with suppress(psutil.Error):
                self.own_peak = max(self.own_peak, self._process.memory_info().rss)
                children = self._process.children(recursive=True)
                self.seen |= set(children)
                for host in filter(_is_host, children):
                    used = host.cpu_times()
                    self.peak = max(self.peak, host.memory_info().rss)
                    self.cpu = max(self.cpu, used.user + used.system)


def _is_host(process: psutil.Process) -> bool:
    return any(part == host or part.endswith(f"/{host}") for part in process.cmdline() for host in _PROVIDER_HOSTS)


def _end(process: psutil.Process, children: set[psutil.Process]) -> None:
    for left in (process, *children):
        with suppress(psutil.Error):
            if left.is_running():
                left.kill()
    process.wait()
