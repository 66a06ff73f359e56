"""`cancel` and `delete`, as a script gives them."""

from __future__ import annotations

import pytest
from cli.batches import MISSING, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Fault, Simulator


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_without_a_terminal_and_without_yes_it_only_plans(cli: CommandLine, team: Team, verb: str) -> None:
    batch = team.start()
    ended = cli.run(verb, batch)
    assert ended.code == 3
    assert batch in ended.out
    assert f"Plan: {verb} 1 batch with 2 sessions" in ended.out
    assert "Give --yes" in ended.err
    assert cli.run(verb, batch, "--json").json["state"] == "planned"
    assert team.changes == []


def test_a_dry_run_is_a_plan_that_was_asked_for(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    ended = cli.run("delete", batch, "--dry-run", "--yes", "--json")
    assert (ended.code, ended.json["state"], ended.json["results"]) == (0, "dry_run", [])
    assert [one["batch_id"] for one in ended.json["planned"]] == [batch]
    assert team.changes == []


def test_deleting_removes_those_that_are_named_and_no_other(cli: CommandLine, team: Team) -> None:
    first, second, third = (team.start() for _ in range(3))
    ended = cli.run("delete", first, second, "--yes")
    assert ended.code == 0
    assert sorted(team.changes) == sorted([f"DELETE {first}", f"DELETE {second}"])
    assert team.there == {third}
    assert "Result: 2 of 2 batches cleaned up, 4 sessions deleted, 0 failed" in ended.out
    assert f"delete {first}: done (2 deleted)" in ended.err


def test_cancelling_stops_the_browsers_and_tells_the_count(cli: CommandLine, team: Team, sim: Simulator) -> None:
    sim.settings.creation_seconds = 100
    batch = team.start(count=10)
    sim.advance(60)
    running = len(sim.batches[batch].running())
    ended = cli.run("cancel", batch, "--yes", "--json")
    assert (ended.code, ended.json["state"]) == (0, "done")
    assert ended.json["totals"]["cancelled_sessions"] == running > 0
    assert team.changes == [f"PATCH {batch}"]
    assert team.running == set()
    again = cli.run("cancel", batch, "--yes")
    assert again.code == 0
    assert "it is cancelled already" in again.out


@pytest.mark.parametrize(
    ("if_completed", "code", "running", "there"),
    [("end_sessions", 0, False, True), ("delete", 0, False, False), ("accept", 0, True, True), ("fail", 4, True, True)],
)
def test_a_completed_batch_is_treated_as_was_chosen(
    cli: CommandLine, team: Team, if_completed: str, code: int, running: bool, there: bool
) -> None:
    batch = team.start()
    ended = cli.run("cancel", batch, "--yes", "--if-completed", if_completed)
    assert ended.code == code, ended
    assert (batch in team.running, batch in team.there) == (running, there)


def test_an_unknown_id_is_told_and_the_others_are_done(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    ended = cli.run("delete", MISSING, batch, "--yes", "--json")
    assert ended.code == 4
    assert [(o["batch_id"], o["kind"]) for o in ended.json["left_alone"]] == [(MISSING, "unknown")]
    assert team.there == set()


def test_one_that_fails_does_not_stop_the_rest(cli: CommandLine, team: Team, sim: Simulator) -> None:
    bad, good = team.start(), team.start()
    sim.faults.add(Fault("status", method="DELETE", path=f"*{bad}", status=403, times=None))
    ended = cli.run("delete", bad, good, "--yes")
    assert ended.code == 4
    assert team.there == {bad}
    assert f"{bad}  FAILED" in ended.out
    assert "HTTP 403" in ended.out


def test_a_protected_batch_needs_force(cli: CommandLine, team: Team) -> None:
    batch = team.start(tags=("pulumi-protect",))
    ended = cli.run("delete", batch, "--yes")
    assert (ended.code, team.changes) == (4, [])
    assert "its sessions are tagged 'pulumi-protect'" in ended.out
    assert cli.run("delete", batch, "--yes", "--force").code == 0
    assert team.there == set()


def test_a_batch_without_a_session_yet_can_be_stopped_by_force(cli: CommandLine, team: Team, sim: Simulator) -> None:
    sim.settings.creation_seconds = 1e6
    batch = team.start(count=1000)
    assert cli.run("cancel", batch, "--yes").code == 4
    assert cli.run("cancel", batch, "--yes", "--force").code == 0
    sim.advance(1e7)
    assert team.running == set()


@pytest.mark.parametrize("args", [["delete"], ["delete", "all"], ["cancel", "--if-completed", "x"], ["nonsense"], []])
def test_what_makes_no_sense_is_a_usage_error(cli: CommandLine, team: Team, args: list[str]) -> None:
    ended = cli.run(*args)
    assert (ended.code, ended.out, team.sim.requests) == (2, "", [])
    assert "Usage:" in ended.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ANCHORBROWSER_API_KEY", "", "There is no AnchorBrowser API key. Set ANCHORBROWSER_API_KEY"),
        ("ANCHORBROWSER_API_KEY", "sk-a-wrong-key", "HTTP 401"),
        ("ANCHORBROWSER_BASE_URL", "http://127.0.0.1:9", "Could not read batch"),
        ("ANCHORBROWSER_BASE_URL", "ftp://x", "ANCHORBROWSER_BASE_URL cannot be used"),
        ("ANCHORBROWSER_MAX_RETRIES", "many", "ANCHORBROWSER_MAX_RETRIES cannot be used"),
    ],
)
def test_an_expected_failure_is_one_line(cli: CommandLine, name: str, value: str, said: str) -> None:
    cli.env[name] = value
    ended = cli.run("show", MISSING, "--json")
    assert (ended.code, ended.out) == (1, "")
    [line] = ended.err.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert "sk-" not in line


def test_receipts_that_cannot_be_written_do_not_stop_a_delete(cli: CommandLine, team: Team) -> None:
    cli.env["ANCHORBROWSER_RECEIPTS"] = "/dev/null/receipts"
    batch = team.start()
    ended = cli.run("delete", batch, "--yes")
    assert ended.code == 0
    assert "Warning:" in ended.err
    assert team.there == set()
