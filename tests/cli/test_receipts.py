"""`receipts`: what did that destroy do?"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cli.batches import OTHER_OWNER, OWNER, Team
from cli.driving import CommandLine
from click.testing import CliRunner
from scenarios.one_stack import OneStack, browsers
from stages import RehearsalStage

from pulumi_anchorbrowser.cli.receipts import receipts as command
from pulumi_anchorbrowser.receipts import Receipts, Subject
from pulumi_anchorbrowser.receipts.report import ReceiptsReport

BATCHES = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]


def store(cli: CommandLine) -> Receipts:
    return Receipts(Path(cli.env["ANCHORBROWSER_RECEIPTS"]))


def record(receipts: Receipts, owner: str, batch_id: str, deleted: int, note: str | None = None) -> None:
    number = receipts.begin("delete", Subject(owner, f"urn::a::b::{owner[-3:]}", "c", "a", batch_id))
    receipts.end(number, "done", deleted_sessions=deleted, failed_deletions=0, note=note)


def deleted(cli: CommandLine, *options: str) -> int:
    return int(cli.run("receipts", "--json", *options).json["totals"]["deleted_sessions"] or 0)


def test_receipts_report_what_a_destroy_did(
    cli: CommandLine, team: Team, rehearsal_stage: RehearsalStage, tmp_path: Path
) -> None:
    stack = OneStack(rehearsal_stage, team.sim, tmp_path / "receipts.sqlite3")
    stack.up(browsers(count=3))
    batch = rehearsal_stage.resource_outputs("browsers")["batch_id"]
    stack.run(rehearsal_stage.destroy)
    last = cli.run("receipts", "--last", "--json").json
    assert [(o["operation"], o["resource"], o["batch_id"], o["owner"]) for o in last["receipts"]] == [
        ("delete", "browsers", batch, OWNER)
    ]
    assert last["totals"]["deleted_sessions"] == len(team.sim.batches[batch].removed) == 3
    summary = "2 calls, 1 batch started (3 sessions requested), 3 sessions stopped (3 deleted)\n"
    assert cli.run("receipts").out.endswith(summary)
    assert "| organization/demo/dev | browsers | delete |" in cli.run("receipts", "--markdown").out


def test_options_filter_receipts_by_stack_run_batch_and_age(cli: CommandLine) -> None:
    first, second = store(cli), store(cli)
    record(first, OWNER, BATCHES[0], 1)
    record(first, OTHER_OWNER, BATCHES[1], 20)
    record(second, OWNER, BATCHES[2], 300)

    assert deleted(cli) == 321
    assert deleted(cli, "--owner", OWNER) == 301
    assert deleted(cli, "--run", first.run) == deleted(cli, "--run", first.run[:8]) == 21
    assert deleted(cli, "--last") == 300
    assert deleted(cli, "--last", "--owner", OTHER_OWNER) == 20
    assert deleted(cli, "--batch", BATCHES[1]) == 20
    assert (deleted(cli, "--since", "1h"), deleted(cli, "--since", "0s")) == (321, 0)
    nothing = cli.run("receipts", "--owner", OTHER_OWNER, "--run", second.run)
    assert (nothing.code, nothing.err) == (0, "No receipts match.\n")
    assert nothing.out.endswith("0 calls\n")


def test_the_last_run_is_followed_by_a_note_of_a_run_of_its_stack_that_may_be_of_the_same_command(
    cli: CommandLine,
) -> None:
    hook, host, another = store(cli), store(cli), store(cli)
    record(another, OTHER_OWNER, BATCHES[0], 1)
    record(hook, OWNER, BATCHES[1], 20)
    record(host, OWNER, BATCHES[2], 300)
    noted = cli.run("receipts", "--last", "--json")
    assert noted.json["totals"]["deleted_sessions"] == 300
    assert f"Another run of {OWNER} made 1 call in the 5 minutes before" in noted.err
    options = noted.err.partition("`pulumi-anchorbrowser receipts ")[2].partition("`")[0].split()
    assert deleted(cli, *options) == 320

    assert cli.run("receipts", "--last", "--owner", OTHER_OWNER).err == ""
    assert cli.run("receipts", "--owner", OWNER).err == ""


def test_a_run_of_long_before_the_last_one_is_not_noted(cli: CommandLine) -> None:
    receipts = store(cli)
    record(receipts, OWNER, BATCHES[0], 1)
    with closing(sqlite3.connect(cli.env["ANCHORBROWSER_RECEIPTS"])) as file, file:
        file.execute("UPDATE receipts SET intended_at = '2025-01-01T00:00:00+00:00'")
    record(store(cli), OWNER, BATCHES[1], 20)
    assert cli.run("receipts", "--last").err == ""


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--owner", "organization/demo/dve", f"There are receipts of: {OWNER}, {OTHER_OWNER}."),
        ("--run", "0123", "--run: no receipt matches 0123."),
        ("--batch", BATCHES[2], f"--batch: no receipt matches {BATCHES[2]}."),
    ],
)
@pytest.mark.parametrize("how", [[], ["--json"], ["--markdown"], ["--last"]])
def test_a_name_that_no_receipt_has_is_an_error_and_not_0_calls(
    cli: CommandLine, option: str, value: str, said: str, how: list[str]
) -> None:
    record(store(cli), OWNER, BATCHES[0], 1)
    record(store(cli), OTHER_OWNER, BATCHES[1], 1)
    ended = cli.run("receipts", option, value, *how)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: {option}: no receipt matches {value}.")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_note_cannot_break_the_markdown(cli: CommandLine) -> None:
    receipts = store(cli)
    record(receipts, OWNER, "b", 1, note="a | b\n<script> \\")
    markdown = cli.run("receipts", "--markdown").out
    assert markdown == ReceiptsReport(receipts.all()).to_markdown() + "\n"
    assert markdown.endswith("| a \\| b &lt;script> \\\\ |\n")
    assert markdown.startswith("### AnchorBrowser: what was done\n\n1 call,")


def test_a_count_that_was_never_said_is_null_and_not_zero(cli: CommandLine) -> None:
    receipts = store(cli)
    receipts.begin("delete", Subject(OWNER, "", "c", "a", "b"))
    totals = cli.run("receipts", "--json").json["totals"]
    assert (totals["deleted_sessions"], totals["stopped_sessions"], totals["unknown_calls"]) == (None, None, 1)
    assert "no known end" in cli.run("receipts").out


def test_a_delete_of_a_batch_that_was_gone_is_no_refusal(cli: CommandLine) -> None:
    receipts = store(cli)
    receipts.end(receipts.begin("delete", Subject(OWNER, "", "c", "a", "b")), "gone", http_status=404)
    out = cli.run("receipts").out
    assert out.endswith("1 call, 1 already gone\n")
    assert "refused" not in out


@pytest.mark.parametrize(
    ("place", "options", "code", "said"),
    [
        ("off", [], 1, "turned off"),
        ("/dev/null/x", [], 1, "/dev/null is a file, not a folder"),
        ("receipts.sqlite3", [], 1, "is not an absolute path"),
        (None, ["--json", "--markdown"], 2, "not both"),
        (None, ["--since", "1h", "--from", "2025-11-22"], 2, "not both"),
        (None, ["--since", "soon"], 2, "--since"),
        (None, ["--from", "22.11.2025"], 2, "must be a date such as 2025-11-22"),
        (None, ["--until", "9999-12-31"], 2, "must be a date such as 2025-11-22"),
    ],
)
def test_an_unusable_option_or_place_is_an_error(
    cli: CommandLine, place: str | None, options: list[str], code: int, said: str
) -> None:
    if place is not None:
        cli.env["ANCHORBROWSER_RECEIPTS"] = place
    ended = cli.run("receipts", *options)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_receipts_call_no_api_need_no_key_and_create_no_file(cli: CommandLine, team: Team, tmp_path: Path) -> None:
    del cli.env["ANCHORBROWSER_API_KEY"]
    place = tmp_path / "none" / "receipts.sqlite3"
    cli.env["ANCHORBROWSER_RECEIPTS"] = str(place)
    ended = cli.run("receipts", "--owner", OWNER)
    assert (ended.code, ended.err) == (0, f"There are no receipts yet: {place} does not exist.\n")
    assert ended.out.endswith("0 calls\n")
    assert not place.parent.exists()
    assert team.sim.requests == []


# Files


def test_the_receipts_of_several_runners_are_merged_in_the_order_of_time(cli: CommandLine, tmp_path: Path) -> None:
    record(store(cli), OWNER, BATCHES[2], 1000)
    runners = [Receipts(tmp_path / f"runner-{number}.sqlite3") for number in range(2)]
    for batch, number in ((0, 0), (1, 1), (2, 0)):
        record(runners[number], OWNER, BATCHES[batch], 10**batch)
    files = [option for runner in runners for option in ("--file", str(runner.place))]
    document = cli.run("receipts", "--json", *files, *files[:2]).json
    assert [one["batch_id"] for one in document["receipts"]] == BATCHES
    assert [one["run"] for one in document["receipts"]] == [runners[0].run, runners[1].run, runners[0].run]
    assert document["totals"]["deleted_sessions"] == 111
    assert deleted(cli, *files, "--last") == 101
    assert deleted(cli, *files[:2]) == 101
    cli.env["ANCHORBROWSER_RECEIPTS"] = "off"
    assert deleted(cli, *files) == 111


def test_a_file_is_found_from_the_folder_in_which_the_command_runs(cli: CommandLine) -> None:
    record(Receipts(cli.folder / "artifact.sqlite3"), OWNER, BATCHES[0], 7)
    assert deleted(cli, "--file", "artifact.sqlite3") == 7


@pytest.mark.parametrize("content", [None, "These are my notes.\n" * 100])
def test_a_file_without_receipts_is_an_error(cli: CommandLine, tmp_path: Path, content: str | None) -> None:
    place = tmp_path / "other.sqlite3"
    if content is not None:
        place.write_text(content)
    ended = cli.run("receipts", "--file", str(place))
    assert (ended.code, ended.out) == (1, "")
    assert ("does not exist" if content is None else "not an SQLite database") in ended.err
    assert "ANCHORBROWSER_RECEIPTS" not in ended.err
    assert place.exists() is (content is not None)


# Dates


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose time zone is an hour ahead of UTC in winter and two in summer."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(place: Path, *moments: str) -> None:
    """Write a receipt for each of these moments."""
    receipts = Receipts(place)
    for moment in moments:
        number = receipts.begin("delete", Subject(OWNER, "", "c", "a", "b"))
        receipts.end(number, "done", note=moment)
        with closing(sqlite3.connect(place)) as connection, connection:
            connection.execute("UPDATE receipts SET intended_at = ? WHERE id = ?", (moment, number))
    receipts.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "abcdef"),
        (["--from", "2025-11-22"], "bcdef"),
        (["--until", "2025-11-22"], "abcde"),
        (["--from", "2025-11-22", "--until", "2025-11-22"], "bcde"),
        (["--until", "2025-11-21"], "a"),
        (["--from", "2025-11-22T12:00"], "cdef"),
        (["--from", "2025-11-22 12:00:00"], "cdef"),
        (["--from", "2025-11-22T11:00:00Z"], "cdef"),
        (["--from", "2025-11-22T05:00:00-06:00"], "cdef"),
        (["--until", "2025-11-22T12:00"], "ab"),
        (["--from", "2025-11-22T11:00:00.5Z", "--until", "2025-11-22T22:59:59Z"], "d"),
        (["--from", "2025-11-23T00:00:01"], ""),
    ],
)
@pytest.mark.usefixtures("in_berlin")
def test_dates_are_days_of_the_machines_time_zone(tmp_path: Path, options: list[str], expected: str) -> None:
    place = tmp_path / "receipts.sqlite3"
    moments = {
        "a": "2025-11-21T22:59:59+00:00",
        "b": "2025-11-21T23:00:00+00:00",
        "c": "2025-11-22T11:00:00+00:00",
        "d": "2025-11-22T11:30:00+00:00",
        "e": "2025-11-22T22:59:59.999999+00:00",
        "f": "2025-11-22T23:00:00+00:00",
    }
    at(place, *moments.values())
    result = CliRunner().invoke(command, ["--file", str(place), "--markdown", *options])
    assert result.exit_code == 0, result.output
    assert "".join(name for name, moment in moments.items() if f"| {moment} |" in result.stdout) == expected


@pytest.mark.usefixtures("in_berlin")
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "receipts.sqlite3"
    at(place, "2025-10-25T22:00:00+00:00", "2025-10-26T22:59:00+00:00", "2025-10-26T23:00:00+00:00")
    day = ["--from", "2025-10-26", "--until", "2025-10-26"]
    result = CliRunner().invoke(command, ["--file", str(place), *day])
    assert result.stdout.endswith("2 calls\n")
