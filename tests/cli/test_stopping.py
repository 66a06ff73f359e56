"""`cancel` and `delete`, as a script runs them."""

from __future__ import annotations

import pytest
from cli.batches import MISSING, PROTECT, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Fault, Simulator


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_without_a_terminal_and_without_yes_a_command_only_plans(cli: CommandLine, team: Team, verb: str) -> None:
    batch = team.start()
    ended = cli.run(verb, batch)
    assert ended.code == 3
    assert batch in ended.out
    assert f"Plan: {verb} 1 batch (2 sessions requested): {batch}\n" in ended.out
    assert ended.err == "Nothing was done: there is no terminal to ask on. Give --yes to continue without asking.\n"
    assert cli.run(verb, batch, "--json").json["state"] == "planned"
    assert team.changes == []


def test_a_dry_run_only_plans_and_succeeds(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    ended = cli.run("delete", batch, "--dry-run", "--yes", "--json")
    assert (ended.code, ended.json["state"], ended.json["results"]) == (0, "dry_run", [])
    assert [one["batch_id"] for one in ended.json["planned"]] == [batch]
    assert team.changes == []


def test_a_delete_removes_the_named_batches_and_no_other(cli: CommandLine, team: Team) -> None:
    first, second, third = (team.start() for _ in range(3))
    ended = cli.run("delete", first, second, "--yes")
    assert ended.code == 0
    assert sorted(team.changes) == sorted([f"DELETE {first}", f"DELETE {second}"])
    assert team.there == {third}
    assert ended.out.endswith("Result: deleted 2 batches, 4 sessions deleted\n")
    assert f"deleting {first}: done (2 deleted)" in ended.err


def test_a_cancel_stops_the_browsers_and_reports_the_count(cli: CommandLine, team: Team, sim: Simulator) -> None:
    sim.settings.creation_seconds = 100
    batch = team.start(count=10)
    sim.advance(60)
    running = len(sim.batches[batch].running())
    ended = cli.run("cancel", batch, "--yes", "--json")
    assert (ended.code, ended.json["state"]) == (0, "done")
    assert ended.json["totals"]["cancelled_sessions"] == running > 0
    assert (ended.json["totals"]["still_running"], team.changes, team.running) == (0, [f"PATCH {batch}"], set())
    again = cli.run("cancel", batch, "--yes")
    assert again.code == 0
    assert "it is already cancelled" in again.out


@pytest.mark.parametrize(
    ("if_completed", "code", "running", "there"),
    [("end_sessions", 0, False, True), ("delete", 0, False, False), ("accept", 0, True, True), ("fail", 4, True, True)],
)
def test_if_completed_decides_what_a_refused_cancel_does(
    cli: CommandLine, team: Team, if_completed: str, code: int, running: bool, there: bool
) -> None:
    batch = team.start()
    ended = cli.run("cancel", batch, "--yes", "--if-completed", if_completed)
    assert ended.code == code, ended
    assert (batch in team.running, batch in team.there) == (running, there)


def test_an_unknown_id_is_reported_and_the_others_are_deleted(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    ended = cli.run("delete", MISSING, batch, "--yes", "--json")
    assert ended.code == 4
    assert [(o["batch_id"], o["kind"]) for o in ended.json["skipped"]] == [(MISSING, "unknown")]
    assert team.there == set()


def test_one_failure_does_not_stop_the_rest(cli: CommandLine, team: Team, sim: Simulator) -> None:
    bad, good = team.start(), team.start()
    sim.faults.add(Fault("status", method="DELETE", path=f"*{bad}", status=403, times=None))
    ended = cli.run("delete", bad, good, "--yes")
    assert ended.code == 4
    assert team.there == {bad}
    assert f"{bad}  FAILED" in ended.out
    assert "HTTP 403" in ended.out


def test_a_protected_batch_needs_force_and_the_command_says_so(cli: CommandLine, team: Team) -> None:
    batch = team.start(tags=(PROTECT,))
    ended = cli.run("delete", batch, "--yes")
    assert (ended.code, team.changes) == (4, [])
    assert "Plan: nothing to do; 1 skipped (protected)\n" in ended.out
    assert ended.err == "Give --force to stop a batch that is protected, or whose protection cannot be determined.\n"
    forced = cli.run("delete", batch, "--yes", "--force")
    assert (forced.code, team.there) == (0, set())
    assert "--force" not in forced.err


def test_a_batch_without_a_session_yet_needs_force(cli: CommandLine, team: Team, sim: Simulator) -> None:
    sim.settings.creation_seconds = 1e6
    batch = team.start(count=1000)
    refused = cli.run("cancel", batch, "--yes")
    assert refused.code == 4
    assert "--force" in refused.err
    assert cli.run("cancel", batch, "--yes", "--force").code == 0
    sim.advance(1e7)
    assert team.running == set()


@pytest.mark.parametrize("args", [["delete"], ["delete", "all"], ["cancel", "--if-completed", "x"], ["nonsense"], []])
def test_wrong_usage_is_an_error_and_calls_nothing(cli: CommandLine, team: Team, args: list[str]) -> None:
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
        ("ANCHORBROWSER_RECEIPTS", "receipts.sqlite3", "receipts.sqlite3 is not an absolute path"),
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
