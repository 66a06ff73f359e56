"""The command line as a script runs it (pipes), and as a person does (a terminal). Every wait is bounded."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60.0
MAIN = "from pulumi_anchorbrowser.cli import main; main()"
COMMAND = [sys.executable, "-c", MAIN]
# Colours, movements and titles: what a terminal obeys and a person does not read.
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)|\r")


@dataclass(frozen=True)
class Ended:
    """A command that has ended. On a terminal, everything it printed is in `out`."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


class ForkServer:
    """A process that has imported everything, and forks for each command."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("fork_server.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._read = b""
        assert self.answer("the fork server starts") == "ready"

    def order(self, **order: Any) -> int:
        """Start a command. Return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return int(self.answer("the fork server forks"))

    def answer(self, what: str) -> str:
        """Return the server's next line; an AssertionError that names what was waited for, where none comes."""
        assert self._process.stdout is not None
        until = time.monotonic() + SECONDS
        while b"\n" not in self._read:
            left = max(0.0, until - time.monotonic())
            ready = select.select([self._process.stdout], [], [], left)[0]
            more = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            assert more, f"waited {SECONDS:g} s in vain: {what}" if left == 0 else f"the fork server has ended: {what}"
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.communicate(timeout=SECONDS)


class CommandLine:
    """`pulumi-anchorbrowser` in one environment."""

    def __init__(self, server: ForkServer, folder: Path, env: Mapping[str, str]) -> None:
        self._server, self.folder, self.env = server, folder, dict(env)
        self._running: int | None = None

    def run(self, *args: str, stdout: str | None = None) -> Ended:
        """Run it as a script does, with no terminal anywhere; `stdout` may be a device."""
        files = [self.folder / name for name in ("stdin", "stdout", "stderr")]
        files[0].touch()
        places = [str(files[0]), stdout or str(files[1]), str(files[2])]
        self.order(args, files=places, terminal=None)

        def printed(number: int) -> str:
            return files[number].read_text(encoding="utf-8") if files[number].exists() else ""

        code = self.end(lambda: printed(1) + printed(2))
        ended = Ended(code, "" if stdout else printed(1), printed(2))
        assert "Traceback" not in ended.err, ended.err
        return ended

    def open(self, *args: str, columns: int = 160) -> Terminal:
        """Start it on a terminal, as a person does, and leave it running."""
        return Terminal(self, args, columns)

    def order(self, args: Sequence[str], **how: Any) -> int:
        """Start a command. Return its process id."""
        self._running = self._server.order(args=list(args), env=self.env, cwd=str(self.folder), **how)
        return self._running

    def end(self, printed: Callable[[], str]) -> int:
        """Wait for the end of the command. Return its exit code; `printed` is what to report where it does not end."""
        try:
            code = int(self._server.answer("the command ends"))
        except AssertionError as error:
            raise AssertionError(f"{error}; it printed:\n{printed()}") from None
        self._running = None
        return code

    def close(self) -> None:
        """End a command that a failed test has left running."""
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._running, signal.SIGKILL)
            self.end(str)


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, commands: CommandLine, args: Sequence[str], columns: int) -> None:
        self._commands = commands
        self._master, self._slave = pty.openpty()
        commands.env |= {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "50"}
        self.pid = commands.order(args, terminal=os.ttyname(self._slave), files=None)
        self._printed = b""

    @property
    def text(self) -> str:
        """What a person has read so far."""
        return _ESCAPES.sub("", self._printed.decode(errors="replace"))

    @property
    def raw(self) -> str:
        """What the terminal has got so far."""
        return self._printed.decode(errors="replace")

    def await_text(self, wanted: str) -> None:
        """Wait until this was printed."""
        self._until(lambda: wanted in self.text or not _runs(self.pid), f"{wanted!r} is printed")
        while self._read():
            pass
        assert wanted in self.text, f"it ended without {wanted!r}; it printed:\n{self.text}"

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, once the command waits: Python misses a signal in the moment before it begins to wait."""
        self._until(lambda: _waits(self.pid), "the command waits")
        self.type("\x03")

    def ended(self) -> Ended:
        """Wait for its end."""
        self._until(lambda: not _runs(self.pid), "the command ends")
        code = self._commands.end(lambda: self.text)
        while self._read():
            pass
        os.close(self._slave)
        os.close(self._master)
        assert "Traceback" not in self.text, self.text
        return Ended(code, self.text)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + SECONDS
        while not condition():
            # A terminal that nobody reads would stop who writes to it.
            self._read()
            assert time.monotonic() < until, f"waited {SECONDS:g} s in vain: {what}; it printed:\n{self.text}"

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 0.02)[0]:
            return False
        self._printed += os.read(self._master, 65536)
        return True


FULL = Path("/dev/full")
needs_a_full_device = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")


def start(args: Iterable[str], env: Mapping[str, str], code: str = MAIN, **how: Any) -> subprocess.Popen[str]:
    """Start it as a program of its own, with pipes."""
    command = [sys.executable, "-c", code, *args]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=dict(env), text=True, **{**pipes, **how})


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a program."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate(timeout=SECONDS)
        raise AssertionError(f"waited {SECONDS:g} s in vain: it ends; it printed:\n{out}{err}") from None
    assert "Traceback" not in err, err
    return Ended(process.returncode, out, err)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _waits(pid: int) -> bool:
    """Whether the main thread sleeps; True where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "S"
    except OSError:
        return True
