"""Shell blocks: which commands stand in them, and how they are run as a reader would run them."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from docs.pages import ROOT, Block
from stages.cli import clean_environment

KEY = "simulated-key"
_SEPARATORS = {"&&", "||", ";", "|", "&", "\n"}
# `make setup` and `pip install` make the environment in which the tests already run; they need an index.
_NEUTRAL = "set -eo pipefail\nmake() { :; }\npip() { :; }\n"


def script_of(block: Block) -> str:
    """What a reader types: of a console block, the lines after the prompt."""
    if block.language == "bash":
        return block.text
    return "".join(f"{line[2:]}\n" for line in block.text.splitlines() if line.startswith("$ "))


def commands_of(script: str) -> list[list[str]]:
    """The simple commands of a script, without assignments before them."""
    found: list[list[str]] = [[]]
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        for word in [*words, "\n"]:
            if word in _SEPARATORS:
                found.append([])
            else:
                found[-1].append(word)
    return [words for words in map(_without_assignments, found) if words]


def _without_assignments(words: list[str]) -> list[str]:
    while words and words[0].split("=")[0].isidentifier() and "=" in words[0]:
        words = words[1:]
    return [] if words[:1] == ["export"] else words


class Reader:
    """Somebody with a clone, who types what a page says. The backend is a folder; every question is answered."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self.clone = folder / "clone"
        self._lay_out()
        (folder / "backend").mkdir()
        self.env = clean_environment(folder / "home", folder / "backend") | {
            "ANCHORBROWSER_API_KEY": KEY,
            "ANCHORBROWSER_BASE_URL": api_url,
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "HOME": str(folder),
            "NUMBER": "12",
            "PULUMI_SKIP_CONFIRMATIONS": "true",
        }

    def types(self, script: str, page: str = "README.md") -> subprocess.CompletedProcess[str]:
        """The script, run by bash in the folder that the page is about; nothing of it runs on afterwards."""
        folder = (self.clone / page).parent
        started = subprocess.Popen(
            ["bash", "-c", _NEUTRAL + _with_free_port(script)],
            cwd=folder if folder.is_dir() else self.clone,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            assert started.stdin is not None
            started.stdin.write(f"{KEY}\n")
            started.stdin.close()
            started.stdin = None
            code = started.wait(360)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
        printed, _ = started.communicate()
        return subprocess.CompletedProcess(script, code, printed)

    def _lay_out(self) -> None:
        for project in [ROOT / "Pulumi.yaml", *sorted((ROOT / "examples").glob("*/Pulumi.yaml"))]:
            folder = self.clone / project.parent.relative_to(ROOT)
            folder.mkdir(parents=True)
            shutil.copy(project, folder)
            if (project.parent / "__main__.py").exists():
                shutil.copy(project.parent / "__main__.py", folder)
        (self.clone / ".venv").symlink_to(sys.prefix, target_is_directory=True)


def _with_free_port(script: str) -> str:
    """Port 8800 may be taken on a machine that runs several tests at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return script.replace("8800", str(probe.getsockname()[1]))
