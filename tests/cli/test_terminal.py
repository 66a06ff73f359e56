"""The command line on a terminal: the question, the bar, Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest
from cli.batches import OWNER, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Fault, Simulator

SWEEP = ("sweep", "--owner", OWNER)


def test_the_plan_is_shown_and_a_yes_carries_it_out(cli: CommandLine, team: Team) -> None:
    batches = team.start_many(3)
    terminal = cli.open(*SWEEP)
    terminal.await_text("delete 3 batches? [y/N]")
    assert all(batch in terminal.text for batch in batches)
    assert "Plan: delete 3 batches with 3 sessions" in terminal.text
    assert team.changes == []
    terminal.type("y\n")
    ended = terminal.ended()
    assert ended.code == 0
    assert "3/3" in ended.out
    assert "Result: 3 of 3 batches cleaned up, 3 sessions deleted, 0 failed" in ended.out
    assert team.there == set()


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_a_no_or_just_return_leaves_everything(cli: CommandLine, team: Team, answer: str) -> None:
    batch = team.start()
    terminal = cli.open("delete", batch)
    terminal.await_text("[y/N]")
    terminal.type(answer)
    ended = terminal.ended()
    assert (ended.code, team.changes) == (3, [])
    assert "Nothing was done." in ended.out


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_at_the_question_leave_everything(cli: CommandLine, team: Team, key: str) -> None:
    terminal = cli.open("cancel", team.start())
    terminal.await_text("[y/N]")
    terminal.type(key)
    ended = terminal.ended()
    assert (ended.code, team.changes) == (130, [])
    assert "Nothing was done." in ended.out


def test_with_yes_nobody_is_asked(cli: CommandLine, team: Team) -> None:
    ended = cli.open("delete", team.start(), "--yes").ended()
    assert (ended.code, team.there) == (0, set())
    assert "[y/N]" not in ended.out


def test_a_batch_id_is_never_cut_on_a_narrow_terminal(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    assert batch in cli.open("list", columns=60).ended().out


def test_ctrl_c_ends_the_calls_in_flight_and_says_what_is_left(cli: CommandLine, team: Team, sim: Simulator) -> None:
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "2"
    batches = set(team.start_many(40))
    sim.faults.add(Fault("latency", method="DELETE", times=None, seconds=0.2))
    terminal = cli.open(*SWEEP, "--yes")
    terminal.await_text("4/40")
    terminal.interrupt()
    terminal.await_text("Interrupted: the calls in flight are ending")
    ended = terminal.ended()
    assert ended.code == 130
    asked = {change.removeprefix("DELETE ") for change in team.changes}
    assert batches - team.there == asked, "what was begun was ended"
    left = set(re.findall(r"(\S{36})\s+not begun", ended.out))
    assert left == team.there == batches - asked
    assert 4 <= len(asked) < 40
    assert f"Result: {len(asked)} of 40 batches cleaned up, {len(asked)} sessions deleted, {len(left)} not begun" in (
        ended.out
    )
    assert cli.run("receipts", "--json", "--last").json["totals"]["deleted_sessions"] == len(asked)


def test_a_second_ctrl_c_ends_at_once(cli: CommandLine, team: Team, sim: Simulator) -> None:
    batch = team.start()
    sim.faults.add(Fault("no_reply", method="DELETE"))
    terminal = cli.open("delete", batch, "--yes")
    terminal.await_text("0/1")
    while not team.changes:
        terminal.await_text("0/1")
    terminal.interrupt()
    terminal.await_text("Once more to end at once")
    terminal.interrupt()
    ended = terminal.ended()
    assert ended.code == 130
    assert "Ended at once" in ended.out
    assert cli.run("receipts", "--json").json["receipts"][0]["outcome"] is None


def test_ctrl_c_while_it_looks_changes_nothing(cli: CommandLine, team: Team, sim: Simulator) -> None:
    team.start_many(3)
    sim.faults.add(Fault("latency", method="GET", times=None, seconds=1))
    terminal = cli.open(*SWEEP, "--yes")
    while not sim.requests:
        signal.sigtimedwait([], 0.01)
    terminal.interrupt()
    ended = terminal.ended()
    assert (ended.code, team.changes) == (130, [])
    assert "Interrupted." in ended.out


def test_a_cancelled_job_reports_like_ctrl_c(cli: CommandLine, team: Team, sim: Simulator) -> None:
    """A process of its own, with pipes: SIGTERM, and JSON on stdout nevertheless."""
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "1"
    team.start_many(20)
    first = Fault("latency", method="DELETE", times=None, seconds=0.2)
    sim.faults.add(first)
    command = [sys.executable, "-c", "from pulumi_anchorbrowser.cli import main; main()", *SWEEP, "--yes", "--json"]
    process = subprocess.Popen(command, env=cli.env, stdout=-1, stderr=-1, stdin=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    assert "[1/20] delete" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 130
    assert '"state": "interrupted"' in out
    assert "Interrupted" in err
    assert 0 < len(team.there) < 20
