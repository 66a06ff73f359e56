"""The Pulumi CLI as a process: a clean environment, a time limit on every call, and nothing left running."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .waiting import wait_until

NO_ENGINE = "no Pulumi CLI (with its Python language host) on PATH"
DEFAULT_SECONDS = 150.0
QUICK_PIP = Path(__file__).parent / "quick_pip"


def engine_is_here() -> bool:
    """Whether the CLI and the language host it needs can be found."""
    return all(shutil.which(name) for name in ("pulumi", "pulumi-language-python"))


def clean_environment(home: Path, backend: Path) -> dict[str, str]:
    """Return this process's environment without what would make a run differ from machine to machine.

    PULUMI_*, ANCHORBROWSER_* and proxy variables are left out; the tests' own Python comes first on PATH, so that the
    language host uses it; the backend is a folder, and PULUMI_HOME the stage's own. Pip answers quickly.
    """
    kept = {name: value for name, value in os.environ.items() if not is_foreign(name)}
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests",
        "PULUMI_DEBUG_COMMANDS": "true",  # makes --event-log known
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": os.pathsep.join([str(QUICK_PIP), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def is_foreign(name: str) -> bool:
    """Whether a variable of the surrounding environment must not reach a stage."""
    return name.startswith(("PULUMI_", "ANCHORBROWSER_")) or name.lower().endswith("_proxy")


class Command:
    """One running `pulumi` command in a session of its own, with its output going to a file.

    `popen` is the process. Whoever starts one calls `wait` or `kill_all`, and nothing of it is left.
    """

    def __init__(self, args: Sequence[str], *, cwd: Path, env: dict[str, str], output: Path, stdin: str = "") -> None:
        self.args, self._output, self._is_over = list(args), output, False
        with output.open("wb") as sink:
            self.popen = subprocess.Popen(
                ["pulumi", *args, "--non-interactive"],
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert self.popen.stdin is not None
        with self.popen.stdin as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(stdin.encode())

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def await_text(self, wanted: str, seconds: float = 60.0) -> None:
        """Waits until this was printed; an AssertionError when it is not in time, or the command ended without it."""
        try:
            wait_until(lambda: wanted in self.text or self.popen.poll() is not None, f"{wanted!r} is printed", seconds)
            assert wanted in self.text, f"pulumi {self.args[0]} ended without {wanted!r}"
        except AssertionError as error:
            self.kill_all()
            raise AssertionError(f"{error}; it printed:\n{self.text}") from None

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the foreground process group, as a terminal sends it; the CLI's plugins have their own."""
        self._signal_group(signal.SIGINT)

    def kill(self) -> None:
        """kill -9 of the CLI and its process group; plugins may go on (see `kill_all`)."""
        self._signal_group(signal.SIGKILL)
        self.popen.wait(10)

    def kill_all(self) -> None:
        """kill -9 of every process that this command started, as a machine that loses power does.

        Returns when the kernel has ended them all, which takes a moment after the signal.
        """
        if self._is_over:
            # The kernel may have given the process id to somebody else by now.
            return
        self._signal_group(signal.SIGKILL)
        wait_until(self._is_dead, f"kill -9 ends every process of pulumi {self.args[0]}")
        self.popen.wait(10)
        self._is_over = True

    def _is_dead(self) -> bool:
        left = self.pids()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    def pids(self) -> list[int]:
        """The processes of this command that still run: all of its session, which plugins do not leave."""
        return [pid for pid in _all_pids() if _session_of(pid) == self.popen.pid and not _is_zombie(pid)]

    def wait(self, seconds: float = DEFAULT_SECONDS) -> int:
        """The exit code. An AssertionError with the output when it takes longer; then everything is killed."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            text = self.text
            raise AssertionError(f"pulumi {self.args[0]} took more than {seconds:g} s; it printed:\n{text}") from None
        finally:
            self.kill_all()

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


def _all_pids() -> Iterable[int]:
    if Path("/proc/self").exists():
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, timeout=10, check=True)
    return [int(word) for word in listed.stdout.split()]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
