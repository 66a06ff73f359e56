"""The log is off unless it is asked for; a log that cannot be written is one warning and changes nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from observability.debug_log import DebugLog
from scenarios.one_stack import OneStack, browsers
from scenarios.test_secrets import URLS, leaks, make_secretive

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.simulator import Simulator

FULL = Path("/dev/full")

STARTED = """
import logging
from pathlib import Path
from pulumi_anchorbrowser import api, logs

before = {name: (logger.level, list(logger.handlers)) for name, logger in logging.root.manager.loggerDict.items()
          if isinstance(logger, logging.Logger)}
root = (logging.root.level, list(logging.root.handlers))
assert "urllib3" in before
logs.start(logs.place_of(), print)
for name, was in before.items():
    logger = logging.getLogger(name)
    if (logger.level, logger.handlers) != was:
        print(name)
assert (logging.root.level, logging.root.handlers) == root
"""


def touched_by_start(log: str) -> list[str]:
    """Return the loggers that starting the log changes, in a process of its own."""
    env = os.environ | {"ANCHORBROWSER_LOG": log}
    done = subprocess.run([sys.executable, "-c", STARTED], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_log_is_off_by_default(stack: OneStack, log: DebugLog, tmp_path: Path) -> None:
    del stack.stage.env["ANCHORBROWSER_LOG"]
    stack.up(browsers(count=1))
    stack.destroy()
    assert not log.place.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b'"event": "request"' in path.read_bytes()] == []


@pytest.mark.parametrize("value", ["", " ", "off", "OFF"])
def test_a_log_that_is_off_changes_no_logger(value: str) -> None:
    assert touched_by_start(value) == []


def test_a_log_that_is_on_changes_no_logger_of_another_library(tmp_path: Path) -> None:
    assert touched_by_start(str(tmp_path / "log")) == ["pulumi_anchorbrowser"]
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_a_path_that_is_not_absolute_is_one_warning_and_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    warnings: list[str] = []
    for _ in range(2):
        logs.start(logs.place_of({logs.VARIABLE: "relative.jsonl"}), warnings.append)
    [warning] = warnings
    assert warning.startswith("ANCHORBROWSER_LOG cannot be used: relative.jsonl is not an absolute path")
    assert "Set it to an absolute path: Pulumi and the command line run in different folders." in warning
    assert list(tmp_path.iterdir()) == []


def test_our_loggers_stand_below_the_packages_own_name() -> None:
    """In a process of its own, since others have loggers too: the vendor's client is `anchorbrowser`."""
    names = run_alone("""
        import importlib, logging, pkgutil, pulumi_anchorbrowser
        for module in pkgutil.walk_packages(pulumi_anchorbrowser.__path__, "pulumi_anchorbrowser."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        print(*(name for name in logging.root.manager.loggerDict if "anchorbrowser" in name))
    """).split()
    assert len(names) > 10
    assert [name for name in names if not name.startswith("pulumi_anchorbrowser")] == []


def run_alone(code: str) -> str:
    """Return what a new process prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("kind", ["folder", "missing", "full"])
def test_a_log_that_cannot_be_written_is_one_warning_and_the_work_goes_on(
    stack: OneStack, sim: Simulator, tmp_path: Path, kind: str
) -> None:
    place = {"folder": tmp_path, "missing": tmp_path / "no" / "log", "full": FULL}[kind]
    if kind == "full" and not FULL.exists():
        pytest.skip("this machine has no /dev/full")
    stack.stage.env["ANCHORBROWSER_LOG"] = str(place)
    warned = stack.up(browsers(count=2)).messages("warning")
    assert [text for text in warned if f"The debug log {place} cannot be written" in text] == warned
    assert len(warned) == 1
    assert len(sim.live_sessions()) == 2
    stack.destroy()


def test_the_log_holds_no_key_no_password_and_no_session_url(stack: OneStack, sim: Simulator, log: DebugLog) -> None:
    stage = make_secretive(stack).stage
    sessions = stack.up().outputs["sessions"]
    assert [session["cdp_url"].startswith(URLS[0]) for session in sessions] == [True, True]
    stage.config(fail="yes")
    stack.up(expect_failure=True)
    stage.config(fail=None, status="cancelled")
    stack.up(refresh=True)
    stack.destroy()
    assert {line["operation"] for line in log.lines("request")} >= {"create", "wait", "read", "update", "delete"}
    assert log.lines("operation", outcome="failed", error="NotAdopted")
    assert leaks(log.place.read_text(encoding="utf-8")) == []
    assert sim.live_sessions() == []
