"""The command line on a terminal: the question, the bar, Ctrl-C."""

from __future__ import annotations

import json
import re
import signal

import pytest
from cli.batches import OWNER, Team
from cli.driving import FULL, CommandLine, Terminal, ended, needs_a_full_device, start
from stages import wait_until

from pulumi_anchorbrowser.simulator import Fault, Simulator

SWEEP = ("sweep", "--owner", OWNER)
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def test_the_plan_is_shown_and_a_yes_carries_it_out(cli: CommandLine, team: Team) -> None:
    batches = team.start_many(3)
    terminal = cli.open(*SWEEP)
    terminal.await_text("Delete 3 batches (3 sessions requested)? [y/N]")
    assert all(batch in terminal.text for batch in batches)
    assert "Plan: delete 3 batches (3 sessions requested): " in terminal.text
    assert team.changes == []
    terminal.type("y\n")
    done = terminal.ended()
    assert done.code == 0
    assert "3/3" in done.out
    assert "Result: deleted 3 batches, 3 sessions deleted\n" in done.out
    assert team.there == set()


def test_protection_is_read_again_after_the_question(cli: CommandLine, team: Team) -> None:
    kept, batch = team.start(), team.start()
    terminal = cli.open(*SWEEP)
    terminal.await_text("[y/N]")
    team.protect(kept)
    terminal.type("y\n")
    done = terminal.ended()
    assert (done.code, team.there) == (0, {kept})
    assert team.changes == [f"DELETE {batch}"]
    assert re.search(rf"{kept}\s+skipped \(a session is tagged 'pulumi-protect'\)", done.out)
    assert "deleted 1 batch, 2 sessions deleted, 1 skipped" in done.out


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_a_no_or_just_return_stops_nothing(cli: CommandLine, team: Team, answer: str) -> None:
    terminal = cli.open("delete", team.start())
    terminal.await_text("[y/N]")
    terminal.type(answer)
    done = terminal.ended()
    assert (done.code, team.changes) == (3, [])
    assert "Nothing was done." in done.out


@pytest.mark.parametrize("key", ["^C", "^D"])
def test_ctrl_c_and_ctrl_d_at_the_question_stop_nothing(cli: CommandLine, team: Team, key: str) -> None:
    terminal = cli.open("cancel", team.start())
    terminal.await_text("[y/N]")
    terminal.interrupt() if key == "^C" else terminal.type("\x04")
    done = terminal.ended()
    assert (done.code, team.changes) == (130, [])
    assert "Nothing was done." in done.out


def test_with_yes_nothing_is_asked(cli: CommandLine, team: Team) -> None:
    done = cli.open("delete", team.start(), "--yes").ended()
    assert (done.code, team.there) == (0, set())
    assert "[y/N]" not in done.out


def test_a_batch_id_is_never_cut_on_a_narrow_terminal(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    assert batch in cli.open("list", columns=60).ended().out


def test_a_long_look_shows_how_far_it_is(cli: CommandLine, team: Team, sim: Simulator) -> None:
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "1"
    team.start_many(3)
    sim.faults.add(Fault("latency", method="GET", path="*/status", nth=2, seconds=1))
    done = cli.open("list").ended()
    assert "looked at 1 of 3 batches" in done.out
    assert done.code == 0


# Ctrl-C


def interrupted_while_reading(cli: CommandLine, sim: Simulator, *args: str) -> Terminal:
    """Press Ctrl-C while the second of many look-ups waits for its response."""
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "1"
    sim.faults.add(Fault("no_reply", path="*/status", nth=2))
    terminal = cli.open(*args)
    wait_until(lambda: len(sim.requests_of("GET", "/v1/sessions")) == 2, "the second look-up is sent")
    terminal.interrupt()
    return terminal


@pytest.mark.parametrize("args", [(*SWEEP, "--yes"), ("list",)])
def test_ctrl_c_while_a_command_reads_ends_it_at_once(
    cli: CommandLine, team: Team, sim: Simulator, args: tuple[str, ...]
) -> None:
    team.start_many(12)
    terminal = interrupted_while_reading(cli, sim, *args)
    done = terminal.ended()
    assert done.code == 130
    # On a busy machine the thread of the status line may draw once more before the process is gone.
    assert "\nInterrupted.\n" in done.out
    assert len(sim.requests_of("GET", "/v1/sessions")) == 2, "no look-up follows, and none is waited for"
    assert team.changes == []
    assert terminal.raw.rfind(SHOW_CURSOR) > terminal.raw.rfind(HIDE_CURSOR) >= 0


def test_ctrl_c_finishes_calls_in_flight_and_names_what_was_not_begun(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "2"
    batches = set(team.start_many(20))
    sim.faults.add(Fault("latency", method="DELETE", nth=4, times=None, seconds=1))
    terminal = cli.open(*SWEEP, "--yes")
    wait_until(lambda: len(team.changes) >= 4, "the fourth batch is being deleted")
    terminal.interrupt()
    terminal.await_text("Finishing calls in flight; starting no new ones. Press Ctrl-C again to quit now.")
    done = terminal.ended()
    assert done.code == 130
    deleted = {change.removeprefix("DELETE ") for change in team.changes}
    assert batches - team.there == deleted, "what was begun was finished"
    left = set(re.findall(r"(\S{36})\s+not begun", done.out))
    # A batch that was deleted, and not looked at again to confirm that, is reported as interrupted.
    unfinished = set(re.findall(r"(\S{36})\s+interrupted", done.out))
    assert left <= team.there <= left | unfinished
    assert left | unfinished | deleted == batches
    assert 4 <= len(deleted) < 20
    assert f", {len(deleted)} sessions deleted, " in done.out.rpartition("Result: ")[2]
    assert f"{len(left)} not begun" in done.out.rpartition("Result: ")[2]
    assert cli.run("receipts", "--json", "--last").json["totals"]["deleted_sessions"] == len(deleted)


def test_a_second_ctrl_c_quits_at_once(cli: CommandLine, team: Team, sim: Simulator) -> None:
    batch = team.start()
    sim.faults.add(Fault("no_reply", method="DELETE"))
    terminal = cli.open("delete", batch, "--yes")
    wait_until(lambda: bool(team.changes), "the DELETE is sent")
    terminal.interrupt()
    terminal.await_text("Press Ctrl-C again to quit now.")
    terminal.interrupt()
    done = terminal.ended()
    assert done.code == 130
    assert "Quit. Calls in flight have a receipt without an outcome" in done.out
    assert terminal.raw.rfind(SHOW_CURSOR) > terminal.raw.rfind(HIDE_CURSOR) >= 0
    assert cli.run("receipts", "--json").json["receipts"][0]["outcome"] is None


@needs_a_full_device
def test_a_cancelled_job_reports_also_where_stderr_cannot_be_written(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "1"
    team.start_many(20)
    sim.faults.add(Fault("latency", method="DELETE", nth=2, times=None, seconds=1))
    with FULL.open("w") as full:
        process = start([*SWEEP, "--yes", "--json"], cli.env, stderr=full)
        wait_until(lambda: len(team.changes) >= 2, "the second batch is being deleted")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    document = json.loads(out)
    assert (process.returncode, document["state"]) == (130, "interrupted")
    assert 0 < len(document["not_begun"]) < 20


def test_a_cancelled_job_reports_like_ctrl_c(cli: CommandLine, team: Team, sim: Simulator) -> None:
    """A program of its own, with pipes: SIGTERM, and JSON on stdout nevertheless."""
    cli.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "1"
    team.start_many(20)
    sim.faults.add(Fault("latency", method="DELETE", nth=2, times=None, seconds=1))
    process = start([*SWEEP, "--yes", "--json"], cli.env)
    assert process.stderr is not None
    assert "[1/20] deleting" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert (done.code, done.json["state"]) == (130, "interrupted")
    unfinished = {one["batch_id"] for one in done.json["results"] if one["outcome"] == "interrupted"}
    assert set(done.json["not_begun"]) <= team.there <= {*done.json["not_begun"], *unfinished}
    assert 0 < len(done.json["not_begun"]) < 20
    assert "Finishing calls in flight" in done.err
