"""docs/cli.md: what every command prints and ends with is what is written there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli.batches import MISSING, OWNER, Team
from cli.driving import CommandLine
from cli.test_orphans import CLAIM, state_file

from pulumi_anchorbrowser.cli.app import app
from pulumi_anchorbrowser.cli.exits import ExitCode
from pulumi_anchorbrowser.simulator import Fault

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
DOCUMENTS = {one["command"]: one for one in map(json.loads, re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))}


def differences(documented: Any, printed: Any, where: str = "") -> list[str]:
    """Where the shapes differ: fields, and kinds of values. A null is of every kind, an empty list of every item."""
    if documented is None or printed is None:
        return []
    if type(documented) is not type(printed):
        return [f"{where}: {printed!r} is no {type(documented).__name__}"]
    if isinstance(documented, dict):
        odd = [f"{where}: {name}" for name in documented.keys() ^ printed.keys()]
        both = documented.keys() & printed.keys()
        return odd + [d for name in both for d in differences(documented[name], printed[name], f"{where}.{name}")]
    if isinstance(documented, list):
        return [found for item in printed for found in differences(documented[0], item, f"{where}[]")]
    return []


def check(command: str, printed: dict[str, Any], *full: str) -> None:
    """Asserts that it has the documented shape, and that the lists named are not empty, so that they show theirs."""
    documented = {**DOCUMENTS.get(command, DOCUMENTS["cancel"]), "command": command}
    assert differences(documented, printed) == []
    assert printed["command"] == command
    assert [name for name in full if not printed[name]] == []


def test_every_command_prints_the_documented_json(cli: CommandLine, team: Team) -> None:
    protected, batch = team.start(tags=("pulumi-protect",)), team.start(claim="c1")
    check("doctor", cli.run("doctor", "--json").json, "checks")
    check("list", cli.run("list", "--json").json, "batches")
    check("list", cli.run("list", "--owners", "--json").json, "batches")
    cancelled = cli.run("cancel", batch, protected, "--if-completed", "accept", "--yes", "--json").json
    check("cancel", cancelled, "planned", "left_alone", "results")
    check("show", cli.run("show", batch, "--json").json, "sessions", "receipts", "tags")
    team.sim.faults.add(Fault("status", method="DELETE", status=403))
    check("delete", cli.run("delete", batch, MISSING, "--yes", "--json").json, "left_alone", "results", "failures")
    check("sweep", cli.run("sweep", "--owner", OWNER, "--json").json, "planned", "left_alone")
    check("sweep", cli.run("sweep", "--owner", OWNER, "--yes", "--json").json, "results")
    check("receipts", cli.run("receipts", "--json").json, "receipts")


def test_orphans_print_the_documented_json(cli: CommandLine, team: Team) -> None:
    team.start(tags=("pulumi-protect",))
    state = state_file(cli, pending=True)
    check("orphans", cli.run("orphans", "--state", state, "--json").json, "claims", "left_alone")
    team.start(claim=CLAIM)
    found = cli.run("orphans", "--state", state, "--delete", "--yes", "--json").json
    check("orphans", found, "orphans", "left_alone")
    check("delete", {"schema": 1, "command": "delete", **found["change"]}, "planned", "results")


def test_every_exit_code_and_every_command_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)} == {int(one) for one in ExitCode}
    assert set(re.findall(r"^\| `(\w+)[ A-Z_.]*` \|", TEXT, re.MULTILINE)) - {"ANCHORBROWSER_API_KEY"} >= set(
        app.commands
    )


@pytest.mark.parametrize("command", sorted(app.commands))
def test_every_command_has_help(cli: CommandLine, command: str) -> None:
    ended = cli.run(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: pulumi-anchorbrowser {command}")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion_script(cli: CommandLine, shell: str) -> None:
    ended = cli.run("completion", shell)
    assert ended.code == 0
    assert "_PULUMI_ANCHORBROWSER_COMPLETE" in ended.out
    assert cli.run("completion", "tcsh").code == 2


def test_bash_takes_the_script_and_what_it_asks_for_is_answered(cli: CommandLine) -> None:
    script = cli.run("completion", "bash").out
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")
    for words, wanted in (("pulumi-anchorbrowser or", "orphans"), ("pulumi-anchorbrowser sweep --act", "--action")):
        cli.env |= {
            "_PULUMI_ANCHORBROWSER_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        assert cli.run().out.splitlines() == [f"plain,{wanted}"]
