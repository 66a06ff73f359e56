"""`sweep`, as a script runs it: what is stopped, what is skipped, what is refused, and plans that are saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.batches import OTHER_OWNER, OWNER, PROTECT, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Fault, Simulator

HOUR = 3600


def test_a_sweep_stops_what_meets_every_criterion_and_nothing_else(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    old = team.start()
    kept = {
        team.start(owner=OTHER_OWNER),
        team.start(owner=None),
        team.start(tags=(PROTECT,)),
        team.start(tags=("keep",)),
        excluded := team.start(),
    }
    sim.advance(25 * HOUR)  # an hour ago
    kept.add(team.start())
    options = ["--older-than", "86400", "--exclude", excluded, "--exclude-tag", "keep"]
    ended = cli.run("sweep", "--owner", OWNER, *options, "--yes", "--json")
    assert (ended.code, ended.json["state"]) == (0, "done")
    assert team.changes == [f"DELETE {old}"]
    assert team.there == kept
    assert sorted(one["kind"] for one in ended.json["skipped"]) == ["excluded", "excluded", "protected"]


def test_more_than_the_limit_is_refused_with_the_number(cli: CommandLine, team: Team) -> None:
    matching, others = set(team.start_many(7)), set(team.start_many(3, owner=OTHER_OWNER))
    for how in (["--yes"], ["--dry-run"], ["--out", "plan.json"]):
        refused = cli.run("sweep", "--owner", OWNER, "--limit", "6", *how)
        assert (refused.code, team.changes) == (5, [])
        assert "7 matches found, and --limit is 6. Narrow the selection, or give --limit 7" in refused.err
    assert not (cli.folder / "plan.json").exists()
    assert cli.run("sweep", "--owner", OWNER, "--yes", "--limit", "7").code == 0
    assert {change.removeprefix("DELETE ") for change in team.changes} == matching
    assert (len(team.changes), team.there) == (7, others)


def test_a_selection_of_everything_is_refused_unless_it_is_allowed(cli: CommandLine, team: Team) -> None:
    team.start(), team.start(owner=None)
    refused = cli.run("sweep", "--owner", "any", "--yes")
    assert (refused.code, refused.out, team.sim.requests) == (5, "", [])
    assert "--allow-all" in refused.err
    assert cli.run("sweep", "--owner", "any", "--allow-all", "--yes").code == 0
    assert team.there == set()


def test_after_failures_the_same_command_stops_the_rest(cli: CommandLine, team: Team, sim: Simulator) -> None:
    team.start_many(6)
    sim.faults.add(Fault("status", method="DELETE", status=403, nth=3, times=3))
    ended = cli.run("sweep", "--owner", OWNER, "--yes", "--json")
    assert ended.code == 4
    assert {one["batch_id"] for one in ended.json["failures"]} == team.there
    assert (ended.json["totals"]["cleaned_batches"], ended.json["totals"]["failed_batches"]) == (3, 3)
    assert cli.run("sweep", "--owner", OWNER, "--yes").code == 0
    assert team.there == set()


def test_with_nothing_to_do_a_sweep_says_so(cli: CommandLine, team: Team) -> None:
    team.start(owner=None)
    ended = cli.run("sweep", "--owner", OWNER)
    assert (ended.code, ended.out, team.changes) == (0, "Plan: nothing to do\n", [])
    assert cli.run("sweep", "--owner", OWNER, "--json").json["state"] == "nothing"


@pytest.mark.parametrize("action", ["cancel", "end_sessions"])
def test_the_other_actions_keep_the_data(cli: CommandLine, team: Team, action: str) -> None:
    batch = team.start()
    assert cli.run("sweep", "--owner", OWNER, "--action", action, "--yes").code == 0
    assert (team.running, team.there) == (set(), {batch})


def test_single_sessions_are_ended_where_what_says_so(cli: CommandLine, team: Team, sim: Simulator) -> None:
    batch = team.start(tags=("ci",))
    single, other = sim.start_session(tags=["ci"]), sim.start_session()
    shown = cli.run("sweep", "--owner", "any", "--tag", "ci", "--what", "sessions", "--dry-run")
    assert "Plan: end 1 single session: " + single in shown.out
    assert batch not in shown.out
    ended = cli.run("sweep", "--owner", "any", "--tag", "ci", "--what", "all", "--yes", "--json")
    assert [one.get("session_id") for one in ended.json["planned"]] == [None, single]
    assert (ended.code, team.there) == (0, set())
    assert [one.session_id for one in sim.live_sessions()] == [other]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--owner ORG/PROJECT/STACK, or --owner any"),
        (["--owner", "this"], "the command line runs in no stack. Write the stack's full name, ORG/PROJECT/STACK"),
        (["--owner", "dev"], "must be the stack's full name, ORG/PROJECT/STACK"),
        (["--owner", OWNER, "--older-than", "soon"], "--older-than: must be a duration"),
        (["--owner", OWNER, "--older-than", "2h", "--newer-than", "1h"], "older_than must be less than newer_than"),
        (["--owner", OWNER, "--status", "runing"], "'runing' is not one of"),
        (["--owner", OWNER, "--tag", "a,b"], "--tag: "),
        (["--owner", OWNER, "--exclude-tag", "a,b"], "--exclude-tag: "),
        (["--owner", OWNER, "--limit", "0"], "--limit"),
        (["--owner", OWNER, "--exclude", "x"], "must be a batch id"),
        (["--owner", OWNER, "--what", "sessions", "--status", "failed"], "statuses and batch_ids select batches"),
        (["--plan", "plan.json", "--owner", OWNER], "--plan carries out a plan as it is"),
        (["--plan", "plan.json", "--action", "cancel"], "--plan carries out a plan as it is"),
        (["--plan", "plan.json", "--out", "other.json"], "--plan carries out a plan as it is"),
    ],
)
def test_a_wrong_option_is_a_usage_error_that_names_it(
    cli: CommandLine, team: Team, options: list[str], said: str
) -> None:
    ended = cli.run("sweep", *options, "--yes")
    assert (ended.code, ended.out, team.sim.requests) == (2, "", [])
    assert said in " ".join(ended.err.split())


# Saved plans


def planned(cli: CommandLine, *options: str) -> Path:
    """Write a plan. Return its file."""
    ended = cli.run("sweep", "--owner", OWNER, *options, "--out", "plan.json")
    assert (ended.code, ended.err.splitlines()[-1]) == (
        0,
        "Wrote the plan to plan.json. Carry it out with `pulumi-anchorbrowser sweep --plan plan.json`.",
    )
    return cli.folder / "plan.json"


def test_a_saved_plan_stops_exactly_what_it_names(cli: CommandLine, team: Team) -> None:
    named, gone = set(team.start_many(3)), team.start()
    planned(cli)
    assert team.changes == []
    late = set(team.start_many(2))
    team.protect(protected := min(named))
    team.sim.delete(gone)
    asked = cli.run("sweep", "--plan", "plan.json")
    assert (asked.code, team.changes) == (3, [])
    assert all(batch in asked.out for batch in named)
    ended = cli.run("sweep", "--plan", "plan.json", "--yes", "--json")
    assert ended.code == 0
    assert sorted(team.changes) == sorted(f"DELETE {batch}" for batch in named - {protected})
    assert team.there == late | {protected}
    assert {one["batch_id"]: one["outcome"] for one in ended.json["results"]} == {
        **dict.fromkeys(named, "done"),
        protected: "skipped",
        gone: "gone",
    }


def test_a_saved_plan_has_no_limit_unless_one_is_given(cli: CommandLine, team: Team) -> None:
    team.start_many(4)
    planned(cli)
    refused = cli.run("sweep", "--plan", "plan.json", "--yes", "--limit", "3")
    assert (refused.code, team.changes) == (5, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"action": "cancel"}, "its digest does not match, so it was changed after it was written"),
        ({"version": 99}, "it has format version 99, and this release reads 1"),
    ],
)
def test_a_changed_plan_is_refused(cli: CommandLine, team: Team, change: dict[str, Any], said: str) -> None:
    team.start()
    place = planned(cli)
    document = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps({**document, **change}), encoding="utf-8")
    ended = cli.run("sweep", "--plan", "plan.json", "--yes")
    assert (ended.code, ended.out, team.changes) == (1, "", [])
    assert f"Error: Nothing was done: the plan cannot be used: {said}. Write a new plan." in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "Could not read plan.json: No such file"), ("{", "plan.json is not a plan."), ("[]", "it is not a plan")],
)
def test_a_file_that_is_no_plan_is_one_line(cli: CommandLine, team: Team, content: str | None, said: str) -> None:
    if content is not None:
        (cli.folder / "plan.json").write_text(content, encoding="utf-8")
    ended = cli.run("sweep", "--plan", "plan.json", "--yes")
    assert (ended.code, ended.out, team.sim.requests) == (1, "", [])
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_plan_that_cannot_be_written_is_an_error(cli: CommandLine, team: Team) -> None:
    team.start()
    ended = cli.run("sweep", "--owner", OWNER, "--out", "none/plan.json")
    assert ended.code == 1
    assert ended.err == "Error: Could not write none/plan.json: No such file or directory.\n"
