"""`receipts`: what did that destroy do?"""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.batches import OTHER_OWNER, OWNER, Team
from cli.driving import CommandLine
from scenarios.one_stack import OneStack, browsers
from stages import RehearsalStage

from pulumi_anchorbrowser.receipts import Receipts, Subject
from pulumi_anchorbrowser.receipts.report import ReceiptsReport


def store(cli: CommandLine) -> Receipts:
    return Receipts(Path(cli.env["ANCHORBROWSER_RECEIPTS"]))


def record(receipts: Receipts, owner: str, batch_id: str, deleted: int, note: str | None = None) -> None:
    number = receipts.intend("delete", Subject(owner, f"urn::a::b::{owner[-3:]}", "c", "a", batch_id))
    receipts.close(number, "done", deleted_sessions=deleted, failed_deletions=0, note=note)


def test_it_says_what_a_destroy_did(
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
    assert cli.run("receipts").out.endswith("2 calls, 1 batch started, 3 sessions deleted\n")
    assert "| organization/demo/dev | browsers | delete |" in cli.run("receipts", "--markdown").out


def test_it_is_narrowed_by_stack_run_batch_and_time(cli: CommandLine) -> None:
    first, second = store(cli), store(cli)
    batches = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
    record(first, OWNER, batches[0], 1)
    record(first, OTHER_OWNER, batches[1], 20)
    record(second, OWNER, batches[2], 300)

    def deleted(*options: str) -> int:
        return int(cli.run("receipts", "--json", *options).json["totals"]["deleted_sessions"] or 0)

    assert deleted() == 321
    assert deleted("--owner", OWNER) == 301
    assert deleted("--run", first.run) == deleted("--run", first.run[:8]) == 21
    assert deleted("--last") == 300
    assert deleted("--last", "--owner", OTHER_OWNER) == 20
    assert deleted("--batch", batches[1]) == 20
    assert (deleted("--since", "1h"), deleted("--since", "0s")) == (321, 0)


def test_a_note_cannot_break_the_markdown(cli: CommandLine) -> None:
    receipts = store(cli)
    record(receipts, OWNER, "b", 1, note="a | b\n<script> \\")
    markdown = cli.run("receipts", "--markdown").out
    assert markdown == ReceiptsReport(receipts.all()).to_markdown() + "\n"
    assert markdown.endswith("| a \\| b &lt;script> \\\\ |\n")
    assert markdown.startswith("### AnchorBrowser: what was done\n\n1 call,")


def test_a_count_that_was_never_said_is_null_and_not_zero(cli: CommandLine) -> None:
    receipts = store(cli)
    receipts.intend("delete", Subject(OWNER, "", "c", "a", "b"))
    totals = cli.run("receipts", "--json").json["totals"]
    assert (totals["deleted_sessions"], totals["unknown_calls"]) == (None, 1)
    assert "no outcome" in cli.run("receipts").out


def test_a_refused_cancel_whose_sessions_were_ended_instead_is_no_failure(cli: CommandLine) -> None:
    receipts = store(cli)
    ended, given_up = (Subject(OWNER, "", "c", "a", batch) for batch in ("ended", "given-up"))
    for subject in (ended, given_up):
        receipts.close(receipts.intend("cancel", subject), "refused", http_status=409)
    receipts.close(receipts.intend("end_sessions", ended), "done", ended_sessions=3)
    expected = "3 sessions ended, 2 refused, 1 of the refused done in another way\n"
    assert cli.run("receipts").out.endswith(expected)
    later_run = store(cli)
    later_run.close(later_run.intend("delete", given_up), "done")
    assert cli.run("receipts").out.endswith(expected)


def test_deletions_that_failed_at_first_and_not_in_the_end_are_none(cli: CommandLine) -> None:
    receipts = store(cli)
    for deleted, failed in ((3, 2), (2, 0)):
        number = receipts.intend("delete", Subject(OWNER, "", "c", "a", "b"))
        receipts.close(number, "done", deleted_sessions=deleted, failed_deletions=failed)
    totals = cli.run("receipts", "--json").json["totals"]
    assert (totals["deleted_sessions"], totals["failed_deletions"]) == (5, 0)


@pytest.mark.parametrize(
    ("place", "options", "code", "said"),
    [
        ("off", [], 1, "turned off"),
        ("/dev/null/x", [], 1, "cannot be used"),
        (None, ["--json", "--markdown"], 2, "not both"),
        (None, ["--since", "soon"], 2, "--since"),
    ],
)
def test_what_cannot_be_told_is_one_line(
    cli: CommandLine, place: str | None, options: list[str], code: int, said: str
) -> None:
    if place is not None:
        cli.env["ANCHORBROWSER_RECEIPTS"] = place
    ended = cli.run("receipts", *options)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_it_asks_the_api_for_nothing_and_needs_no_key(cli: CommandLine, team: Team) -> None:
    del cli.env["ANCHORBROWSER_API_KEY"]
    assert cli.run("receipts").code == 0
    assert team.sim.requests == []
