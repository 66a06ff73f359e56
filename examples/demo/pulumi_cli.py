"""Finds a Pulumi CLI that can run Python programs, or installs one into the project's own folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LANGUAGE_HOST = "pulumi-language-python"
REACH_SECONDS = 8
INSTALL_SECONDS = 300

# The installer's own download has no time limit, and a name look-up cannot be given one: each runs in a process.
REACH = "import urllib.request; urllib.request.urlopen('https://get.pulumi.com/install.sh', timeout=5).read(1)"
INSTALL = "import sys; from pulumi.automation import PulumiCommand; PulumiCommand.install(root=sys.argv[1])"


class Found(NamedTuple):
    """A CLI that can be used (empty where there is none), its version, and a sentence that says which it is."""

    command: str
    version: str
    told: str


def find(folder: Path) -> Found:
    """Return the CLI on the PATH, else the one in `folder`, else a new one, installed there."""
    own = folder / "bin" / "pulumi"
    on_path = shutil.which("pulumi")
    if on_path is None and not own.exists():
        print(f"No Pulumi CLI on the PATH: trying to install one into {folder.name}/", flush=True)
        failure = install(folder)
        if failure:
            return Found("", "", f"No Pulumi CLI could be installed ({failure}), so this is a rehearsal.")
    return examined(on_path or str(own))


def examined(command: str) -> Found:
    """Return whether this CLI runs and has the language host that Python programs need."""
    code, said = run_limited([command, "version"], REACH_SECONDS)
    if code:
        return Found("", "", f"The Pulumi CLI at {command} does not run ({said}), so this is a rehearsal.")
    beside = [Path(command).parent / LANGUAGE_HOST, Path(command).resolve().parent / LANGUAGE_HOST]
    if not any(path.exists() for path in beside) and shutil.which(LANGUAGE_HOST) is None:
        return Found("", "", f"The Pulumi CLI at {command} has no {LANGUAGE_HOST} beside it, so this is a rehearsal.")
    return Found(command, said, f"Using Pulumi CLI {said} ({command})")


def install(folder: Path) -> str:
    """Install the CLI with Pulumi's own installer. Return why that failed; empty where it did not."""
    code, said = run_limited([sys.executable, "-c", REACH], REACH_SECONDS)
    if code:
        return f"get.pulumi.com: {said}"
    code, said = run_limited([sys.executable, "-c", INSTALL, str(folder)], INSTALL_SECONDS)
    return said if code else ""


def run_limited(command: Sequence[str], seconds: float) -> tuple[int, str]:
    """Run a command for at most `seconds`. Return its exit code and the last line that it printed."""
    process = subprocess.Popen(  # noqa: S603  # commands of our own making
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # With everything that it started: an installer is a shell script that runs others.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return 1, f"no response within {seconds:g} s"
    lines = printed.strip().splitlines() or ["no output"]
    return process.returncode, lines[-1]
