"""`list` and `show`: what there is, and whether it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cli.batches import KEY, MISSING, OTHER_OWNER, OWNER, PROTECT, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Fault, Simulator

HOUR = 3600
STATUSES = "/v1/sessions/all/status"


def null_items(body: Any) -> None:
    body["data"]["items"] = None


def one_item_less(body: Any) -> None:
    del body["data"]["items"][0]


def an_odd_item(body: Any) -> None:
    body["data"]["items"][0]["session_id"] = "odd"


def listed(cli: CommandLine, *options: str) -> list[str]:
    ended = cli.run("list", *options, "--json")
    assert ended.code == 0, ended.err
    return [one["batch_id"] for one in ended.json["batches"]]


def test_each_filter_narrows_the_list(cli: CommandLine, team: Team, sim: Simulator) -> None:
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
    assert set(listed(cli, "--owner", "any")) == {old, other, nobodys, new}
    assert listed(cli, "--tag", "nightly") == [old]
    assert listed(cli, "--newer-than", "2h") == [new]
    assert set(listed(cli, "--older-than", "86400")) == {old, other, nobodys}
    assert listed(cli, "--status", "cancelled") == [new]
    assert listed(cli, "--status", "cancelled", "--status", "pending") == [new]
    assert team.changes == []


def test_ages_are_counted_by_the_clock_of_the_api(cli: CommandLine, team: Team, sim: Simulator) -> None:
    batch = team.start()
    assert listed(cli, "--older-than", "1h") == [], "by this machine's clock the batch is a day old"
    sim.advance(2 * HOUR)
    assert listed(cli, "--older-than", "1h") == [batch]


def test_more_than_a_page_is_listed(cli: CommandLine, team: Team) -> None:
    batches = team.start_many(101)
    ended = cli.run("list", "--quick")
    assert {line.split()[0] for line in ended.out.splitlines()[1:]} == set(batches)
    assert ended.err == "101 batches\n"
    assert {request.path for request in team.sim.requests} == {"/v1/batch-sessions"}


def test_running_says_how_many_browsers_of_a_batch_run(cli: CommandLine, team: Team, sim: Simulator) -> None:
    ended_batch, runs = team.start(count=3), team.start(count=3)
    sim.stop_sessions(ended_batch)
    sim.stop_sessions(runs, 1)
    rows = {one["batch_id"]: one for one in cli.run("list", "--json").json["batches"]}
    assert [(rows[one]["status"], rows[one]["running"]) for one in (ended_batch, runs)] == [
        ("completed", 0),
        ("completed", 2),
    ]
    quick = cli.run("list", "--quick", "--json").json["batches"]
    assert {one["running"] for one in quick} == {None}
    shown = cli.run("show", runs, "--json").json
    assert shown["running"] == 2
    assert sorted(one["status_now"] for one in shown["sessions"]) == ["completed", "running", "running"]
    assert {one["status"] for one in shown["sessions"]} == {"completed"}
    assert cli.run("show", ended_batch, "--json").json["running"] == 0


def test_a_status_word_that_this_release_does_not_know_counts_as_unknown(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    batch = team.start()
    sim.settings.running_word = "hibernating"
    assert cli.run("list", "--json").json["batches"][0]["running"] is None
    shown = cli.run("show", batch, "--json").json
    assert (shown["running"], shown["sessions"][0]["status_now"]) == (None, "hibernating")


def test_the_list_names_owners_and_protection(cli: CommandLine, team: Team) -> None:
    team.start(tags=(PROTECT,))
    assert f"{OWNER} (protected)" in cli.run("list").out
    [row] = cli.run("list", "--json").json["batches"]
    assert (row["owner"], row["protected"]) == (OWNER, True)
    [quick] = cli.run("list", "--quick", "--json").json["batches"]
    assert (quick["owner"], quick["protected"]) == (None, None)
    assert "OWNER" not in cli.run("list", "--quick").out
    refused = cli.run("list", "--quick", "--owner", OWNER)
    assert (refused.code, refused.out) == (2, "")
    assert "--owner and --tag match the tags of sessions" in refused.err


def test_an_odd_row_and_a_batch_that_goes_meanwhile_do_not_spoil_the_list(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    gone, batch = team.start(), team.start()
    rows = Fault("edited", path="/v1/batch-sessions", edit=lambda body: body["data"]["batches"].extend([{}, {}]))
    look = Fault("status", path=STATUSES, when=lambda r: gone in str(r.query), status=404)
    sim.faults.add(rows, look)
    ended = cli.run("list", "--json")
    assert ended.code == 0, ended.err
    assert {one["batch_id"] for one in ended.json["batches"]} == {gone, batch}
    assert "skipped 2 rows of the batch list" in ended.err
    assert look.struck == 1


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("status", status=500), "HTTP 500"),
        (Fault("edited", edit=null_items), "the response (HTTP 200) has missing or invalid fields: items"),
        (Fault("edited", edit=one_item_less), "the API lists 1 and reports 2"),
        (Fault("edited", edit=an_odd_item), "the API lists 1 session without a usable id"),
    ],
)
def test_sessions_that_cannot_all_be_read_are_unknown_and_the_other_batches_are_listed(
    cli: CommandLine, team: Team, sim: Simulator, fault: Fault, why: str
) -> None:
    unknown, known = team.start(), team.start()
    fault = replace(fault, path=STATUSES, when=lambda request: request.query.get("batch_id") == unknown, times=None)
    sim.faults.add(fault)
    listed = cli.run("list", "--json")
    assert {one["batch_id"]: (one["running"], one["protected"]) for one in listed.json["batches"]} == {
        unknown: (None, None),
        known: (2, False),
    }
    assert listed.err.startswith(f"Warning: could not read all sessions of 1 batch: {unknown} ({why}")
    assert (listed.code, listed.err.count("\n")) == (4, 1)
    shown = cli.run("show", unknown, "--json")
    assert (shown.code, shown.json["running"], shown.json["protected"]) == (4, None, None)
    assert f"{unknown} ({why}" in shown.err


def test_a_batch_whose_sessions_are_unknown_is_listed_whatever_tags_are_wanted(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    unknown, other = team.start(), team.start(owner=OTHER_OWNER)
    sim.faults.add(Fault("status", path=STATUSES, when=lambda r: unknown in str(r.query), status=500))
    ended = cli.run("list", "--owner", OTHER_OWNER)
    assert ended.code == 4
    assert {line.split()[0] for line in ended.out.splitlines()[1:]} == {unknown, other}


def test_protection_that_is_seen_is_shown_though_other_sessions_are_unknown(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    batch = team.start(tags=(PROTECT,))
    sim.faults.add(Fault("edited", path=STATUSES, edit=one_item_less))
    [row] = cli.run("list", "--json").json["batches"]
    assert (row["batch_id"], row["running"], row["protected"]) == (batch, None, True)


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


def test_sessions_that_the_api_leaves_out_of_a_batch_are_shown_all_the_same(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    sim.settings.batch_sessions = "left_out"
    batch = team.start()
    shown = cli.run("show", batch, "--json").json
    assert [(one["status"], one["status_now"]) for one in shown["sessions"]] == [(None, "running")] * 2
    assert {one["session_id"] for one in shown["sessions"]} == {one.session_id for one in sim.live_sessions()}


@pytest.mark.parametrize("get_after_delete", ["404", "empty"])
def test_of_a_batch_that_is_gone_the_receipts_are_shown(
    cli: CommandLine, team: Team, sim: Simulator, get_after_delete: str
) -> None:
    sim.settings.get_after_delete = get_after_delete  # type: ignore[assignment]
    batch = team.start()
    assert cli.run("delete", batch, "--yes").code == 0
    shown = cli.run("show", batch, "--json")
    assert (shown.code, shown.json["exists"], shown.json["status"], shown.json["running"]) == (0, False, None, None)
    assert [one["deleted_sessions"] for one in shown.json["receipts"]] == [2]
    assert "exists    no\n" in cli.run("show", batch).out


def test_a_batch_that_nobody_knows_is_an_error(cli: CommandLine) -> None:
    unknown = cli.run("show", MISSING)
    assert (unknown.code, unknown.out) == (1, "")
    assert "HTTP 404" in unknown.err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_command_shows_the_key_or_a_url_of_a_session(cli: CommandLine, team: Team, form: list[str]) -> None:
    first, second, third = team.start(), team.start(), team.start()
    commands = (
        ("list",), ("show", first), ("doctor",), ("cancel", first, "--yes"), ("delete", second, "--yes"),
        ("sweep", "--owner", OWNER, "--out", "plan.json"), ("sweep", "--plan", "plan.json", "--yes"), ("receipts",),
        ("show", third),
    )  # fmt: skip
    printed = ""
    for command in commands:
        ended = cli.run(*command, *form)
        printed += ended.out + ended.err
    printed += (cli.folder / "plan.json").read_text(encoding="utf-8")
    assert third in printed
    assert KEY not in printed
    assert "simulator.invalid" not in printed, "the host of all session URLs"
    assert "wss:" not in printed


def test_text_from_a_server_cannot_command_the_terminal(cli: CommandLine, team: Team) -> None:
    team.start(tags=("nightly", "\x1b]0;owned\x07\x1b[2J"))
    [batch] = team.there
    assert "\x1b" not in cli.run("show", batch).out
