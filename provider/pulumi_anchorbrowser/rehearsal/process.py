"""The provider host as a process: started, listened to, and ended for certain."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from .engine_log import EngineLog, LogLine

_START_SECONDS = 60.0
_END_SECONDS = 2.0


class HostProcess:
    """One `python -m pulumi.dynamic <engine address>` in a process group of its own, gone after `end` or `kill`.

    The host imports what the caller can import: the caller's `sys.path` is handed on as PYTHONPATH. Whatever it prints
    goes to the engine's log as `stdout` and `stderr` lines. Raises RuntimeError when it does not come up.
    """

    def __init__(self, engine: EngineLog, *, cwd: Path | None, env: Mapping[str, str | None], project: str) -> None:
        self._engine = engine
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-u", "-m", "pulumi.dynamic", engine.address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=_environment(env, project),
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._port: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read_stdout, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.port = self._await_port()

    @property
    def pid(self) -> int:
        """The process id of the host, which is also the id of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Ends the host as the engine does: SIGINT to its process group, then SIGKILL if it stays."""
        self._signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the host at once with SIGKILL, as a crash would, and reaps it."""
        self._signal(signal.SIGKILL)
        self._process.wait(_START_SECONDS)
        for reader in self._readers:
            reader.join(_END_SECONDS)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _await_port(self) -> int:
        try:
            return int(self._port.get(timeout=_START_SECONDS))
        except (queue.Empty, ValueError):
            self.kill()
            printed = "\n".join(line.message for line in self._engine.lines() if line.severity == "stderr")
            raise RuntimeError(f"the provider host did not start; it printed:\n{printed}") from None

    def _read_stdout(self) -> None:
        with _stream(self._process.stdout) as stream:
            self._port.put(stream.readline().strip())
            for line in stream:
                self._engine.add(LogLine("stdout", line.rstrip("\n")))

    def _read_stderr(self) -> None:
        with _stream(self._process.stderr) as stream:
            for line in stream:
                self._engine.add(LogLine("stderr", line.rstrip("\n")))


def _stream(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise RuntimeError("the provider host was started without pipes")
    return stream


def _environment(changes: Mapping[str, str | None], project: str) -> dict[str, str]:
    paths = [entry for entry in sys.path if entry and Path(entry).exists()]
    own = {"PYTHONPATH": os.pathsep.join(paths), "PULUMI_PROJECT": project}
    return {name: value for name, value in {**os.environ, **own, **changes}.items() if value is not None}
