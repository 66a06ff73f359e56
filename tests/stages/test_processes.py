"""Test processes start programs and never fork: a fork has none of gRPC's threads and all of its locks."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages import wait_until
from stages.cli import QUICK_PIP, Command

ROOT = Path(__file__).resolve().parents[2]
# With one of these `subprocess` forks; without them the kernel starts the program at once.
FORKING_ARGUMENTS = {"user", "group", "extra_groups", "preexec_fn"}
FORKING_CALLS = {"os.fork", "os.forkpty", "pty.fork", "multiprocessing.Process", "multiprocessing.Pool"}
# Programs of their own, with one thread, that fork for each command that they run.
PROGRAMS = {"tests/cli/fork_server.py"}


def forks_in(source: str) -> Iterator[str]:
    """Yield what forks in a source text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in FORKING_CALLS:
                yield name
            if name.startswith("subprocess."):
                yield from (f"{name}({one.arg}=)" for one in node.keywords if one.arg in FORKING_ARGUMENTS)


def test_no_test_and_no_bench_forks() -> None:
    sources = [path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    names = {path: path.relative_to(ROOT).as_posix() for path in sources}
    found = {names[path]: list(forks_in(path.read_text(encoding="utf-8"))) for path in sources}
    assert {name: forks for name, forks in found.items() if forks and name not in PROGRAMS} == {}


def test_what_forks_is_found() -> None:
    source = "subprocess.run(command, user='nobody')\nos.fork()\nsubprocess.Popen(command, start_new_session=True)"
    assert list(forks_in(source)) == ["subprocess.run(user=)", "os.fork"]


def test_a_wait_ends_with_a_message_that_names_what_did_not_happen() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.05 s in vain: the moon falls"):
        wait_until(lambda: False, "the moon falls", seconds=0.05)
    wait_until(lambda: True, "nothing", seconds=0)


def test_no_process_is_left_right_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "pulumi").write_text("#!/bin/sh\nsleep 60 & sleep 60 & sleep 60 & echo begun\nwait\n", encoding="utf-8")
    (tmp_path / "pulumi").chmod(0o755)
    env = {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    for number in range(5):
        command = Command(["up"], cwd=tmp_path, env=env, output=tmp_path / f"{number}.txt")
        command.await_text("begun")
        assert len(command.pids()) == 4
        command.kill_all()
        assert command.pids() == []


@pytest.mark.long
def test_the_quick_pip_answers_what_pip_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed() -> list[tuple[str, str]]:
        command = [sys.executable, "-m", "pip", "list", "--format", "json"]
        packages = json.loads(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)
        return [(one["name"], one["version"]) for one in packages]

    def shown(*arguments: str) -> str:
        command = [sys.executable, "-m", "pip", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    before, version, help_text = listed(), shown("--version").split()[:2], shown("show", "--help")
    monkeypatch.setenv("PYTHONPATH", str(QUICK_PIP))
    assert listed() == before
    assert shown("--version").split()[:2] == version
    assert str(QUICK_PIP) in shown("--version")
    assert shown("show", "--help") == help_text
