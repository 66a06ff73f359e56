"""The command line itself."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import pulumi_anchorbrowser

MAIN = "from pulumi_anchorbrowser.cli import main; main()"


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_commands(flag: str) -> None:
    done = run(MAIN, flag)
    assert done.returncode == 0
    assert re.search("simulate +Serve a simulated AnchorBrowser API", done.stdout)
    assert "..." not in done.stdout.partition("Commands:")[2], "no line is cut"


def test_help_does_not_load_what_only_a_command_needs() -> None:
    look = "import atexit, sys; atexit.register(lambda: print('loaded:', 'fastapi' in sys.modules)); "
    assert "loaded: False" in run(look + MAIN, "simulate", "--help").stdout


def test_version_is_the_packages_own() -> None:
    assert run(MAIN, "--version").stdout == f"pulumi-anchorbrowser, version {pulumi_anchorbrowser.__version__}\n"


def test_a_missing_cli_extra_is_one_line_that_names_it() -> None:
    done = run("import sys; sys.modules['click'] = None; " + MAIN)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("Error: the command line needs the extra `cli`: pip install 'pulumi-anchorbrowser[cli]'\n")
