"""The provider host as a process: started, listened to, and ended for certain."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol

from . import host_main
from .engine_log import EngineLog, LogLine

_START_SECONDS = 60.0
_END_SECONDS = 2.0
_POLL_SECONDS = 0.002

_PACKAGE = __name__.partition(".")[0]
# The main modules: of the host that serves every dynamic resource, and of our plugin.
DYNAMIC_HOST = "pulumi.dynamic.__main__"
PLUGIN = f"{_PACKAGE}.native.plugin"
_BOOTSTRAP = (
    "import importlib.util as u, sys; s = u.spec_from_file_location('host_main', sys.argv[1]); "
    "m = u.module_from_spec(s); s.loader.exec_module(m); "
)
# Variables that Python and its libraries read once, when they start or are imported. PYTHONPATH is set in each host.
_READ_AT_IMPORT = ("GRPC_", "LD_", "OTEL_", "PYTHON", "TRACEPARENT")


class _Process(Protocol):
    """A running host, however it was started."""

    pid: int
    stdout: IO[str]
    stderr: IO[str]

    def runs(self) -> bool: ...

    def wait(self, seconds: float) -> bool: ...


class HostProcess:
    """A provider's process in a process group of its own, gone after `end` or `kill`.

    `module` is its main program, DYNAMIC_HOST or PLUGIN. The process imports what the caller can import: the caller's
    `sys.path` is its PYTHONPATH. What it prints goes to the engine's log as `stdout` and `stderr` lines. With `warm`,
    it is forked from a process that has the imports done, where the system can do that. Raises RuntimeError when it
    does not start.
    """

    def __init__(
        self,
        module: str,
        engine: EngineLog,
        *,
        cwd: Path | None,
        env: Mapping[str, str | None],
        project: str,
        warm: bool = True,
    ) -> None:
        self._engine = engine
        environment, folder = _environment(env, project), cwd or Path.cwd()
        # A PYTHONPATH of the caller's may have a sitecustomize, or other versions of what is imported already.
        forked = _fork(environment, folder, engine.address, module) if warm and "PYTHONPATH" not in env else None
        self._process: _Process = forked or _Started(environment, folder, engine.address, module)
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
        return self._process.runs()

    def end(self) -> None:
        """End the host as the engine does: SIGINT to its process group, then SIGKILL if it stays."""
        self._signal(signal.SIGINT)
        self._process.wait(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the host at once with SIGKILL, as a crash would, and wait until it is gone."""
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
        with self._process.stdout as stream:
            self._port.put(stream.readline().strip())
            for line in stream:
                self._engine.add(LogLine("stdout", line.rstrip("\n")))

    def _read_stderr(self) -> None:
        with self._process.stderr as stream:
            for line in stream:
                self._engine.add(LogLine("stderr", line.rstrip("\n")))


class _Started:
    """A host started as a new interpreter."""

    def __init__(self, environment: dict[str, str], cwd: Path, address: str, module: str) -> None:
        self._popen = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            _command("m.run(*sys.argv[2:])", address, module),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.pid = self._popen.pid
        assert self._popen.stdout is not None  # noqa: S101 - it was started with pipes
        assert self._popen.stderr is not None  # noqa: S101
        self.stdout, self.stderr = self._popen.stdout, self._popen.stderr

    def runs(self) -> bool:
        return self._popen.poll() is None

    def wait(self, seconds: float) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return not self.runs()


class _Forked:
    """A host forked from a warm process; `life` is a pipe that the end of the host closes."""

    def __init__(self, pid: int, stdout: int, stderr: int, life: int) -> None:
        self.pid = pid
        self.stdout: IO[str] = open(stdout, errors="replace")  # noqa: SIM115 - the thread that reads it closes it
        self.stderr: IO[str] = open(stderr, errors="replace")  # noqa: SIM115
        self._life = open(life, "rb", buffering=0)  # noqa: SIM115 - closed once the host is gone

    def runs(self) -> bool:
        return not self._life.closed and not self._ends_within(0)

    def wait(self, seconds: float) -> bool:
        if self._life.closed:
            return True
        if not self._ends_within(seconds):
            return False
        # The pipe is closed early in the end of a process; its id is free only after the end.
        until = time.monotonic() + _END_SECONDS
        while _exists(self.pid) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        self._life.close()
        return True

    def _ends_within(self, seconds: float) -> bool:
        # `select` fails for a process with more than 1024 open files.
        poll = select.poll()
        poll.register(self._life, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(seconds * 1000))


class _WarmProcess:
    """A process with the host's imports done, from which hosts are forked: one for each environment of Python."""

    def __init__(self, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._popen = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                _command("m.serve(int(sys.argv[2]), *sys.argv[3:])", str(theirs.fileno()), _PACKAGE, PLUGIN),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control = ours
        self._lock = threading.Lock()
        self.owner = os.getpid()
        ours.settimeout(_START_SECONDS)
        self.usable = self._reply() == 1

    def usable_here(self) -> bool:
        """Whether this process may ask for hosts: it is the one that started this, and nothing has gone wrong."""
        return self.usable and self.owner == os.getpid()

    def fork(self, environment: dict[str, str], cwd: Path, address: str, module: str) -> _Forked | None:
        """A new host; None where the warm process has ended."""
        body = json.dumps({"env": environment, "cwd": str(cwd), "address": address, "module": module}).encode()
        pipes = [os.pipe() for _ in range(host_main.FILES)]
        try:
            with self._lock:
                socket.send_fds(self._control, [host_main.LENGTH.pack(len(body))], [write for _, write in pipes])
                self._control.sendall(body)
                pid = self._reply()
        except OSError:
            pid = None
        finally:
            for _, write in pipes:
                os.close(write)
        if pid is None:
            self.usable = False
            for read, _ in pipes:
                os.close(read)
            return None
        return _Forked(pid, *(read for read, _ in pipes))

    def close(self) -> None:
        """End the process, and the hosts that are left."""
        if self.owner == os.getpid():
            self.usable = False
            self._control.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(_END_SECONDS)
            self._popen.kill()
            self._popen.wait()

    def _reply(self) -> int | None:
        """The next number it sends; None where it has ended or does not reply."""
        with contextlib.suppress(OSError):
            data = self._control.recv(host_main.LENGTH.size)
            if len(data) == host_main.LENGTH.size:
                return int(host_main.LENGTH.unpack(data)[0])
        return None


_warm: dict[tuple[tuple[str, str], ...], _WarmProcess] = {}
_warm_lock = threading.Lock()


def _fork(environment: dict[str, str], cwd: Path, address: str, module: str) -> _Forked | None:
    """A host forked from the warm process of this environment, which is started first where there is none."""
    if not sys.platform.startswith("linux"):
        # Elsewhere the system's own libraries do not survive a fork.
        return None
    key = tuple(
        sorted(
            (name, value)
            for name, value in environment.items()
            if name.startswith(_READ_AT_IMPORT) and name != "PYTHONPATH"
        )
    )
    with _warm_lock:
        warm = _warm.get(key)
        if warm is None or warm.owner != os.getpid():
            warm = _warm[key] = _WarmProcess(environment)
    return warm.fork(environment, cwd, address, module) if warm.usable_here() else None


@atexit.register
def _end_warm_processes() -> None:
    with _warm_lock:
        for warm in _warm.values():
            warm.close()
        _warm.clear()


def _command(call: str, *arguments: str) -> list[str]:
    return [sys.executable, "-u", "-c", f"{_BOOTSTRAP}{call}", host_main.__file__, *arguments]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _environment(changes: Mapping[str, str | None], project: str) -> dict[str, str]:
    paths = [str(Path(entry).absolute()) for entry in sys.path if entry and Path(entry).exists()]
    own = {"PYTHONPATH": os.pathsep.join(paths), "PULUMI_PROJECT": project}
    return {name: value for name, value in {**os.environ, **own, **changes}.items() if value is not None}
