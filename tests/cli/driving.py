"""The command line as a script drives it (pipes), and as a person does (a terminal)."""

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 90
# Colours, movements and titles: what a terminal obeys and a person does not read.
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)|\r")


@dataclass(frozen=True)
class Ended:
    """A command that has ended. On a terminal all it printed is in `out`."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


class ForkServer:
    """A process in which the imports are paid, and that forks for each command."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("fork_server.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.answer() == "ready"

    def order(self, **order: Any) -> int:
        """Starts a command; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self.answer())

    def answer(self) -> str:
        """The server's next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """Ends it, and whatever it waits for."""
        self._process.kill()
        self._process.communicate()


class CommandLine:
    """`pulumi-anchorbrowser` in one environment."""

    def __init__(self, server: ForkServer, folder: Path, env: Mapping[str, str]) -> None:
        self._server, self.folder, self.env = server, folder, dict(env)
        self._running: int | None = None

    def run(self, *args: str, stdin: str = "") -> Ended:
        """As a script: no terminal anywhere."""
        files = [self.folder / name for name in ("stdin", "stdout", "stderr")]
        files[0].write_text(stdin, encoding="utf-8")
        self.order(args, files=[str(path) for path in files], terminal=None)
        code = self.end()
        ended = Ended(code, files[1].read_text(encoding="utf-8"), files[2].read_text(encoding="utf-8"))
        assert "Traceback" not in ended.err, ended.err
        return ended

    def open(self, *args: str, columns: int = 160) -> Terminal:
        """As a person: on a terminal, and still running."""
        return Terminal(self, args, columns)

    def order(self, args: tuple[str, ...], **how: Any) -> int:
        """Starts a command; its process id."""
        self._running = self._server.order(args=list(args), env=self.env, cwd=str(self.folder), **how)
        return self._running

    def end(self) -> int:
        """Waits for the end of the command; its exit code."""
        code = int(self._server.answer())
        self._running = None
        return code

    def close(self) -> None:
        """Ends a command that a failed test has left running."""
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._running, signal.SIGKILL)
            self.end()


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, commands: CommandLine, args: tuple[str, ...], columns: int) -> None:
        self._commands = commands
        self._master, slave = pty.openpty()
        commands.env |= {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "50"}
        self.pid = commands.order(args, terminal=os.ttyname(slave), files=None)
        self._slave = slave
        self._printed = b""

    @property
    def text(self) -> str:
        """What a person has read so far."""
        return _ESCAPES.sub("", self._printed.decode(errors="replace"))

    def await_text(self, wanted: str) -> None:
        """Waits until this was printed."""
        until = time.monotonic() + SECONDS
        while wanted not in self.text:
            is_over = not _runs(self.pid) or time.monotonic() > until
            assert self._read() or not is_over, f"it did not print {wanted!r}, but:\n{self.text}"

    def type(self, keys: str) -> None:
        """Types."""
        os.write(self._master, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.type("\x03")

    def ended(self) -> Ended:
        """Waits for its end."""
        # A terminal that nobody reads would stop who writes to it.
        while _runs(self.pid):
            self._read()
        code = self._commands.end()
        while self._read():
            pass
        os.close(self._slave)
        os.close(self._master)
        assert "Traceback" not in self.text, self.text
        return Ended(code, self.text)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 0.1)[0]:
            return False
        self._printed += os.read(self._master, 65536)
        return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
