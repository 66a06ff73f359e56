"""`sweep`, as a script gives it: what is meant, what is left alone, what is refused."""

from __future__ import annotations

import pytest
from cli.batches import OTHER_OWNER, OWNER, Team
from cli.driving import CommandLine

from pulumi_anchorbrowser.simulator import Fault, Simulator

HOUR = 3600


def test_a_sweep_takes_what_meets_every_criterion_and_nothing_else(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    old = team.start()
    kept = {
        team.start(owner=OTHER_OWNER),
        team.start(owner=None),
        team.start(tags=("pulumi-protect",)),
        team.start(tags=("keep",)),
        excluded := team.start(),
    }
    sim.advance(25 * HOUR)  # an hour ago
    kept.add(team.start())
    options = ["--older-than", "24h", "--exclude", excluded, "--exclude-tag", "keep"]
    ended = cli.run("sweep", "--owner", OWNER, *options, "--yes", "--json")
    assert (ended.code, ended.json["state"]) == (0, "done")
    assert team.changes == [f"DELETE {old}"]
    assert team.there == kept
    assert {one["kind"] for one in ended.json["left_alone"]} == {"protected", "excluded"}


def test_of_500_batches_exactly_the_137_that_match_are_gone(cli: CommandLine, team: Team) -> None:
    meant = set(team.start_many(137))
    others = set(team.start_many(363, owner=OTHER_OWNER))
    refused = cli.run("sweep", "--owner", OWNER, "--yes")
    assert (refused.code, team.changes) == (5, [])
    assert "137 batches match, and --limit is 100" in refused.err
    assert cli.run("sweep", "--owner", OWNER, "--yes", "--limit", "137").code == 0
    assert {change.removeprefix("DELETE ") for change in team.changes} == meant
    assert (len(team.changes), team.there) == (137, others)


def test_everything_is_refused_unless_it_is_allowed(cli: CommandLine, team: Team) -> None:
    team.start(), team.start(owner=None)
    refused = cli.run("sweep", "--owner", "any", "--yes")
    assert (refused.code, refused.out, team.sim.requests) == (5, "", [])
    assert "--allow-all" in refused.err
    assert cli.run("sweep", "--owner", "any", "--allow-all", "--yes").code == 0
    assert team.there == set()


def test_after_faults_the_same_again_takes_the_rest(cli: CommandLine, team: Team, sim: Simulator) -> None:
    batches = team.start_many(6)
    sim.faults.add(Fault("status", method="DELETE", status=403, nth=3, times=3))
    ended = cli.run("sweep", "--owner", OWNER, "--yes", "--json")
    assert ended.code == 4
    assert {one["batch_id"] for one in ended.json["failures"]} == team.there
    assert (ended.json["totals"]["cleaned_batches"], ended.json["totals"]["failed_batches"]) == (3, 3)
    assert cli.run("sweep", "--owner", OWNER, "--yes").code == 0
    assert (team.there, len(batches)) == (set(), 6)


def test_with_nothing_to_do_it_says_so(cli: CommandLine, team: Team) -> None:
    team.start(owner=None)
    ended = cli.run("sweep", "--owner", OWNER)
    assert (ended.code, ended.out, team.changes) == (0, "Plan: nothing to do\n", [])
    assert cli.run("sweep", "--owner", OWNER, "--json").json["state"] == "nothing"


@pytest.mark.parametrize("action", ["cancel", "end_sessions"])
def test_the_other_actions_keep_the_data(cli: CommandLine, team: Team, action: str) -> None:
    batch = team.start()
    assert cli.run("sweep", "--owner", OWNER, "--action", action, "--yes").code == 0
    assert (team.running, team.there) == (set(), {batch})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--owner ORG/PROJECT/STACK"),
        (["--owner", "this"], "the command line runs in no stack"),
        (["--owner", "dev"], "--owner: should be"),
        (["--owner", OWNER, "--older-than", "soon"], "--older-than: should be a duration"),
        (["--owner", OWNER, "--older-than", "2h", "--newer-than", "1h"], "raise newer_than"),
        (["--owner", OWNER, "--status", "runing"], "'runing' is not one of"),
        (["--owner", OWNER, "--tag", "a,b"], "--tag: "),
        (["--owner", OWNER, "--limit", "0"], "--limit"),
        (["--owner", OWNER, "--exclude", "x"], "not a batch id"),
    ],
)
def test_a_wrong_option_is_a_usage_error_that_names_it(
    cli: CommandLine, team: Team, options: list[str], said: str
) -> None:
    ended = cli.run("sweep", *options, "--yes")
    assert (ended.code, ended.out, team.sim.requests) == (2, "", [])
    assert said in ended.err
