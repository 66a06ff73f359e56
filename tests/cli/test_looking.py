"""`list` and `show`: what there is."""

from __future__ import annotations

import pytest
from cli.batches import KEY, MISSING, OTHER_OWNER, OWNER, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Simulator

HOUR = 3600


def listed(cli: CommandLine, *options: str) -> list[str]:
    ended = cli.run("list", *options, "--json")
    assert ended.code == 0, ended.err
    return [one["batch_id"] for one in ended.json["batches"]]


def test_the_list_is_narrowed_by_each_filter(cli: CommandLine, team: Team, sim: Simulator) -> None:
    old = team.start(tags=("nightly",))
    other = team.start(owner=OTHER_OWNER)
    nobodys = team.start(owner=None)
    sim.advance(25 * HOUR)
    sim.settings.creation_seconds = 100
    new = team.start()
    sim.advance(60)
    sim.cancel(new)
    assert set(listed(cli)) == {old, other, nobodys, new}
    assert listed(cli)[0] == new, "the newest first"
    assert set(listed(cli, "--owner", OWNER)) == {old, new}
    assert listed(cli, "--tag", "nightly") == [old]
    assert listed(cli, "--newer-than", "2h") == [new]
    assert set(listed(cli, "--older-than", "24h")) == {old, other, nobodys}
    assert listed(cli, "--status", "cancelled") == [new]
    assert listed(cli, "--status", "cancelled", "--status", "pending") == [new]
    assert team.changes == []


def test_more_than_a_page_is_listed(cli: CommandLine, team: Team) -> None:
    batches = team.start_many(120)
    assert set(listed(cli)) == set(batches)


def test_owners_are_looked_up_on_request(cli: CommandLine, team: Team) -> None:
    team.start(tags=("pulumi-protect",))
    [quick] = cli.run("list", "--json").json["batches"]
    assert (quick["owner"], quick["protected"]) == (None, None)
    [looked_up] = cli.run("list", "--owners", "--json").json["batches"]
    assert (looked_up["owner"], looked_up["protected"]) == (OWNER, True)
    assert f"{OWNER} (protected)" in cli.run("list", "--owners").out


def test_a_batch_is_shown_with_its_sessions_tags_and_receipts(cli: CommandLine, team: Team, sim: Simulator) -> None:
    sim.settings.failing_sessions = 1
    batch = team.start(count=3, claim="c1", tags=("nightly",))
    assert cli.run("cancel", batch, "--yes").code == 0
    shown = cli.run("show", batch.upper(), "--json").json
    assert (shown["batch_id"], shown["status"], shown["owner"], shown["claim"]) == (batch, "completed", OWNER, "c1")
    assert [session["status"] for session in shown["sessions"]].count("failed") == 1
    assert shown["tags"] == ["nightly", "pulumi", "pulumi-claim:c1", f"pulumi-owner:{OWNER}"]
    assert [one["operation"] for one in shown["receipts"]] == ["cancel", "end_sessions"]
    printed = cli.run("show", batch).out
    assert all(str(session["session_id"] or "failed") in printed for session in shown["sessions"])


def test_of_a_batch_that_is_gone_the_receipts_are_shown(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    assert cli.run("delete", batch, "--yes").code == 0
    shown = cli.run("show", batch, "--json")
    assert (shown.code, shown.json["is_known"], shown.json["status"]) == (0, False, None)
    assert [one["deleted_sessions"] for one in shown.json["receipts"]] == [2]
    unknown = cli.run("show", MISSING)
    assert (unknown.code, unknown.out) == (1, "")
    assert "HTTP 404" in unknown.err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_command_shows_the_key_or_a_url_of_a_session(cli: CommandLine, team: Team, form: list[str]) -> None:
    first, second = team.start(), team.start()
    commands = (
        ("list", "--owners"), ("show", first), ("doctor",), ("cancel", first, "--yes"),
        ("delete", second, "--yes"), ("sweep", "--owner", OWNER, "--yes"), ("receipts",), ("show", second),
    )  # fmt: skip
    for command in commands:
        ended = cli.run(*command, *form)
        printed = ended.out + ended.err
        assert KEY not in printed
        assert "simulator.invalid" not in printed, "the host of all session URLs"
        assert "wss:" not in printed


def test_what_a_server_says_cannot_command_the_terminal(cli: CommandLine, team: Team) -> None:
    team.start(tags=("nightly", "\x1b]0;owned\x07\x1b[2J"))
    [batch] = team.there
    assert "\x1b" not in cli.run("show", batch).out
