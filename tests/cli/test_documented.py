"""docs/cli.md: what every command prints and exits with is what is written there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
from cli.batches import MISSING, OWNER, PROTECT, Team
from cli.driving import CommandLine
from cli.test_orphans import CLAIM, state_file

from pulumi_anchorbrowser.cleanup import matching, report
from pulumi_anchorbrowser.cli.app import app
from pulumi_anchorbrowser.cli.changing import ChangeState
from pulumi_anchorbrowser.cli.exits import ExitCode
from pulumi_anchorbrowser.receipts import Ending
from pulumi_anchorbrowser.simulator import Fault

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
DOCUMENTS = {one["command"]: one for one in map(json.loads, re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))}


def differences(documented: Any, printed: Any, where: str = "") -> list[str]:
    """Return where the shapes differ: fields, and kinds of values.

    A null is of every kind, an empty list of every item. Items of a list may have one of several documented shapes.
    """
    if documented is None or printed is None:
        return []
    if type(documented) is not type(printed):
        return [f"{where}: {printed!r} is no {type(documented).__name__}"]
    if isinstance(documented, dict):
        odd = [f"{where}: {name}" for name in documented.keys() ^ printed.keys()]
        both = documented.keys() & printed.keys()
        return odd + [d for name in both for d in differences(documented[name], printed[name], f"{where}.{name}")]
    if isinstance(documented, list):
        return [found for item in printed for found in min((differences(d, item, where) for d in documented), key=len)]
    return []


def check(command: str, printed: dict[str, Any], *full: str) -> None:
    """Assert that it has the documented shape, and that the lists named here have items, so that they show theirs."""
    documented = {**DOCUMENTS.get(command, DOCUMENTS["cancel"]), "command": command}
    assert differences(documented, printed) == []
    assert printed["command"] == command
    assert [name for name in full if not printed[name]] == []


def test_a_difference_between_documented_and_printed_json_is_found() -> None:
    documented = {"a": [{"b": 1, "c": None}]}
    assert differences(documented, {"a": [{"b": 2, "c": "x"}, {"b": 3, "c": 1}]}) == []
    for printed in ({"a": [{"b": 2}]}, {"a": [{"b": "2", "c": 1}]}, {"a": {}}, {}, {"a": [], "d": 1}):
        assert differences(documented, printed) != []


def test_every_command_prints_the_documented_json(cli: CommandLine, team: Team) -> None:
    protected, batch = team.start(tags=(PROTECT,)), team.start(claim="c1")
    check("doctor", cli.run("doctor", "--json").json, "checks")
    check("list", cli.run("list", "--json").json, "batches")
    check("list", cli.run("list", "--quick", "--json").json, "batches")
    cancelled = cli.run("cancel", batch, protected, "--if-completed", "accept", "--yes", "--json").json
    check("cancel", cancelled, "planned", "skipped", "results")
    check("show", cli.run("show", batch, "--json").json, "sessions", "receipts", "tags")
    team.sim.faults.add(Fault("status", method="DELETE", status=403))
    check("delete", cli.run("delete", batch, MISSING, "--yes", "--json").json, "skipped", "results", "failures")
    team.sim.start_session(tags=[f"pulumi-owner:{OWNER}"])
    check("sweep", cli.run("sweep", "--owner", OWNER, "--json").json, "planned", "skipped")
    swept = cli.run("sweep", "--owner", OWNER, "--what", "all", "--yes", "--json").json
    check("sweep", swept, "results")
    assert [bool(one.get("session_id")) for one in swept["planned"]] == [False, True]
    check("receipts", cli.run("receipts", "--json").json, "receipts")


def test_orphans_print_the_documented_json(cli: CommandLine, team: Team) -> None:
    team.start(tags=(PROTECT,))
    state = state_file(cli, pending=True)
    check("orphans", cli.run("orphans", "--state", state, "--json").json, "claims", "skipped")
    team.start(claim=CLAIM)
    found = cli.run("orphans", "--state", state, "--delete", "--yes", "--json").json
    check("orphans", found, "orphans", "skipped")
    check("delete", {"schema": 1, "command": "delete", **found["change"]}, "planned", "results")


def test_every_exit_code_every_command_and_every_word_of_the_json_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)} == {int(one) for one in ExitCode}
    named = set(re.findall(r"^\| `(\w+)[ A-Z_.]*` \|", TEXT, re.MULTILINE))
    assert named - {"ANCHORBROWSER_API_KEY"} >= set(app.commands)
    words = (ChangeState, matching.Reason, report.CleanupOutcome, Ending)
    assert [word for kind in words for word in get_args(kind) if f"`{word}`" not in TEXT] == []


@pytest.mark.parametrize("command", sorted(app.commands))
def test_every_command_has_help(cli: CommandLine, command: str) -> None:
    ended = cli.run(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: pulumi-anchorbrowser {command}")
    options = re.split(r"\n  -", ended.out.partition("Options:")[2])[1:]
    assert options
    # An option and its value are two words, and what follows says what the option does.
    assert [option for option in options if len(option.split()) < 3] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion_script(cli: CommandLine, shell: str) -> None:
    ended = cli.run("completion", shell)
    assert ended.code == 0
    assert "_PULUMI_ANCHORBROWSER_COMPLETE" in ended.out
    assert cli.run("completion", "tcsh").code == 2


def test_bash_accepts_the_script_and_gets_completions(cli: CommandLine) -> None:
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
