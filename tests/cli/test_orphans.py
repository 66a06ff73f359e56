"""`orphans`: batches that a state does not have, and which of them are deleted."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cli.batches import KEY, MISSING, OTHER_OWNER, OWNER, PROTECT, Team
from cli.driving import CommandLine
from crashes.killed_runs import KillableStack, KillableStage
from scenarios.one_stack import OneStack, browsers
from stages import NO_ENGINE, EngineStage, RehearsalStage, engine_is_here, standing_api
from stages.cli import clean_environment

from pulumi_anchorbrowser.lifecycle import new_claim
from pulumi_anchorbrowser.receipts import Receipts, Subject, new_run
from pulumi_anchorbrowser.simulator import Fault, Simulator

CLAIM = "c1a1" * 6
URN = "urn:pulumi:dev::demo::pulumi-python:dynamic/anchorbrowser:Batch::browsers"
STACK_URN = "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API at this moment: interrupted creates are looked for by their time."""
    with standing_api({KEY: "our-team"}) as running:
        yield running


def resource(batch_id: str, claim: str = "c0", **more: Any) -> dict[str, Any]:
    inputs = {"claim": claim, "owner": OWNER, "count": 2}
    return {"urn": URN, "id": batch_id, "inputs": inputs, "outputs": {**inputs, "batch_id": batch_id}, **more}


def state_file(cli: CommandLine, *known: str, pending: bool = True, stack: bool = True) -> str:
    """Write a state that has these batches, and a pending create. Return its place."""
    operation = {"type": "creating", "resource": {"urn": URN, "inputs": {"claim": CLAIM, "owner": OWNER}}}
    resources = [{"urn": STACK_URN, "type": "pulumi:pulumi:Stack"}] if stack else []
    deployment = {
        "resources": [*resources, *map(resource, known)],
        "pending_operations": [operation] if pending else [],
    }
    path = cli.folder / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": deployment}), encoding="utf-8")
    return str(path)


def record_lost_create(cli: CommandLine, claim: str, *, urn: str = URN, owner: str = OWNER) -> int:
    """Write the receipt of a create whose response was lost. Return its number."""
    receipts = Receipts(Path(cli.env["ANCHORBROWSER_RECEIPTS"]))
    number = receipts.begin("create", Subject(owner, urn, claim, "account", count=2))
    receipts.end(number, "unknown", was_lost=True)
    receipts.close()
    return number


def found_by(cli: CommandLine, state: str, *options: str) -> dict[str, tuple[str, list[str]]]:
    """Return the kind of each orphan, and where its create was found."""
    ended = cli.run("orphans", "--state", state, "--json", *options)
    assert ended.code == 0, ended.err
    return {one["batch_id"]: (one["kind"], one["found_in"]) for one in ended.json["orphans"]}


def left_without_batch(cli: CommandLine, team: Team, sim: Simulator) -> tuple[str, str]:
    """Leave a session of a lost create whose batch is deleted. Return its claim, and the file of a state without it."""
    # Of a younger claim, the API might list the batch yet.
    claim = new_claim(datetime.now(timezone.utc) - timedelta(hours=2), "11111")
    record_lost_create(cli, claim)
    sim.settings.surviving_sessions, sim.settings.survive = 1, ("delete",)
    sim.delete(team.start(claim=claim))
    return claim, state_file(cli, pending=False)


def test_sessions_that_run_without_their_batch_are_counted_and_ended_by_the_command_that_is_named(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    claim, state = left_without_batch(cli, team, sim)
    (create,) = cli.run("orphans", "--state", state, "--owner", OWNER, "--json").json["claims"]
    assert (create["claim"], create["running_sessions"]) == (claim, 1)
    shown = cli.run("orphans", "--state", state, "--owner", OWNER)
    command = shown.err.partition("pulumi-anchorbrowser ")[2].partition(".")[0].replace("CLAIM", claim)
    assert command.startswith("sweep ")
    assert cli.run(*command.split(), "--yes").code == 0
    assert sim.live_sessions() == []


# Kinds


def test_interrupted_creates_are_known_by_the_state_and_by_receipts_and_all_others_are_unknown(
    cli: CommandLine, team: Team
) -> None:
    known, by_state, by_receipt, unknown = (team.start(claim=claim) for claim in ("c0", CLAIM, "c2", "c3"))
    record_lost_create(cli, "c0")  # Settled: the state has it.
    record_lost_create(cli, "c2")
    team.start(owner=OTHER_OWNER), team.start(owner=None)
    state = state_file(cli, known)
    assert found_by(cli, state) == {
        by_state: ("interrupted", ["state"]),
        by_receipt: ("interrupted", ["receipts"]),
        unknown: ("unknown", []),
    }
    record_lost_create(cli, CLAIM)
    assert found_by(cli, state)[by_state] == ("interrupted", ["state", "receipts"])
    assert cli.run("orphans", "--state", state, "--exit-code").code == 6
    assert team.changes == []


def test_what_a_running_up_of_this_machine_has_started_is_no_orphan(cli: CommandLine, team: Team) -> None:
    left, starting, started = (team.start(claim=claim) for claim in ("c1", CLAIM, "c2"))
    record_lost_create(cli, "c1")
    # This process stands for the provider host of the run.
    receipts = Receipts(Path(cli.env["ANCHORBROWSER_RECEIPTS"]), new_run())
    receipts.begin("create", Subject(OWNER, URN, CLAIM, "account", count=2))
    done = receipts.begin("create", Subject(OWNER, URN, "c2", "account", count=2))
    receipts.end(done, "done", batch_id=started)
    receipts.close()
    state = state_file(cli)
    assert found_by(cli, state) == {left: ("interrupted", ["receipts"])}
    cli.run("orphans", "--state", state, "--delete", "--yes")
    assert team.running == {starting, started}


def test_only_interrupted_orphans_are_deleted_and_an_unknown_one_by_its_id(cli: CommandLine, team: Team) -> None:
    known, by_state, by_receipt, unknown = (team.start(claim=claim) for claim in ("c0", CLAIM, "c2", "c3"))
    record_lost_create(cli, "c2")
    protected = team.start(tags=(PROTECT,))
    state = state_file(cli, known)
    everything = team.there
    planned = cli.run("orphans", "--state", state, "--delete")
    assert (planned.code, team.changes) == (3, [])
    assert "A running `pulumi up` looks the same. Make sure none is in progress for this stack." in planned.err

    deleted = cli.run("orphans", "--state", state, "--delete", "--yes", "--json")
    assert (deleted.code, deleted.json["change"]["state"]) == (0, "done")
    assert [one["batch_id"] for one in deleted.json["skipped"]] == [protected]
    assert "`pulumi refresh --clear-pending-creates` ends Pulumi's own warning" in deleted.err
    assert sorted(team.changes) == sorted([f"DELETE {by_state}", f"DELETE {by_receipt}"])
    assert team.there == everything - {by_state, by_receipt}
    assert cli.run("orphans", "--state", state, "--delete", unknown, "--yes").code == 0
    assert team.there == {known, protected}
    left = cli.run("orphans", "--state", state, "--json").json
    assert (left["orphans"], left["claims"]) == ([], []), "both creates are settled, and the state still has one"
    assert cli.run("orphans", "--state", state, "--delete", "--yes", "--json").json["change"]["state"] == "nothing"


def test_sessions_under_an_unknown_word_are_not_counted_as_none_that_run(
    cli: CommandLine, team: Team, sim: Simulator
) -> None:
    _, state = left_without_batch(cli, team, sim)
    sim.settings.running_word = "hibernating"
    (create,) = cli.run("orphans", "--state", state, "--owner", OWNER, "--json").json["claims"]
    assert create["running_sessions"] is None
    assert "Sessions run, or may run" in cli.run("orphans", "--state", state, "--owner", OWNER).err


@pytest.mark.parametrize("options", [[], ["--exit-code"], ["--delete", "--yes"]])
def test_a_batch_that_cannot_be_read_is_a_failure(
    cli: CommandLine, team: Team, sim: Simulator, options: list[str]
) -> None:
    unread = team.start(claim="c1")
    fault = Fault("status", status=400, method="GET", times=None, when=lambda one: one.query.get("batch_id") == unread)
    sim.faults.add(fault)
    ended = cli.run("orphans", "--state", state_file(cli), "--json", *options)
    assert (ended.code, [one["kind"] for one in ended.json["skipped"]]) == (4, ["unreadable"])


def test_a_deletion_that_is_not_confirmed_settles_no_create(cli: CommandLine, team: Team, sim: Simulator) -> None:
    record_lost_create(cli, "c2")
    team.start(claim="c2")
    sim.settings.surviving_sessions, sim.settings.survive = 1, ("delete",)
    unlisted = Fault("status", status=403, path="/v1/sessions/all/status", times=None, when=lambda _: not team.there)
    sim.faults.add(unlisted)
    state = state_file(cli, pending=False)
    deleted = cli.run("orphans", "--state", state, "--delete", "--yes", "--owner", OWNER, "--json")
    assert [one["still_running"] for one in deleted.json["change"]["results"]] == [None]
    sim.faults.clear()
    left = cli.run("orphans", "--state", state, "--owner", OWNER, "--json").json
    assert [one["claim"] for one in left["claims"]] == ["c2"]


def test_a_claim_whose_batch_is_listed_elsewhere_is_not_listed_as_one_without_a_batch(
    cli: CommandLine, team: Team
) -> None:
    skipped, renamed = team.start(claim=CLAIM, tags=(PROTECT,)), team.start(claim="c2", owner=OTHER_OWNER)
    known = team.start(claim="c0", owner=OTHER_OWNER)
    for claim in ("c0", "c2", "c3"):
        record_lost_create(cli, claim)
    found = cli.run("orphans", "--state", state_file(cli, known), "--json").json
    assert [one["batch_id"] for one in found["skipped"]] == [skipped]
    assert [(one["batch_id"], one["kind"], one["owner"]) for one in found["orphans"]] == [
        (renamed, "interrupted", OTHER_OWNER)
    ]
    assert [one["claim"] for one in found["claims"]] == ["c3"]
    assert cli.run("orphans", "--state", state_file(cli, known), "--delete", "--yes").code == 0
    assert team.there == {skipped, known}


def test_a_create_of_another_stack_of_this_name_is_not_taken_for_one_of_this_stack(
    cli: CommandLine, team: Team
) -> None:
    """After `pulumi stack rename`, batches keep the old name, which a new stack may have by now."""
    theirs = team.start(claim="c2")
    record_lost_create(cli, "c2", urn=URN.replace("dev", "old"))
    state = state_file(cli, team.start(claim="c0"), pending=False)
    assert found_by(cli, state) == {theirs: ("unknown", [])}


def test_protection_of_an_orphan_is_read_again_before_it_is_deleted(cli: CommandLine, team: Team) -> None:
    orphan = team.start(claim=CLAIM)
    terminal = cli.open("orphans", "--state", state_file(cli), "--delete")
    terminal.await_text("[y/N]")
    team.protect(orphan)
    terminal.type("y\n")
    assert (terminal.ended().code, team.changes) == (0, [])


def test_an_id_that_is_no_orphan_is_refused(cli: CommandLine, team: Team) -> None:
    known, protected = team.start(), team.start(tags=(PROTECT,))
    state = state_file(cli, known, pending=False)
    for batch in (known, protected, MISSING, team.start(owner=OTHER_OWNER)):
        ended = cli.run("orphans", "--state", state, "--delete", batch, "--yes")
        assert (ended.code, team.changes) == (1, [])
        assert f"Nothing was done: not an orphan of this stack, or skipped: {batch}." in ended.err


# States


def test_a_replaced_batch_that_is_still_to_be_deleted_is_no_orphan(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    path = Path(state_file(cli, pending=False))
    state = json.loads(path.read_text(encoding="utf-8"))
    state["deployment"]["resources"].append(resource(batch, delete=True))
    path.write_text(json.dumps(state), encoding="utf-8")
    assert found_by(cli, str(path)) == {}


def test_the_file_of_a_diy_backend_is_read_as_well(cli: CommandLine, team: Team) -> None:
    known = team.start()
    path = Path(state_file(cli, known, pending=False))
    deployment = json.loads(path.read_text(encoding="utf-8"))["deployment"]
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "x", "latest": deployment}}), encoding="utf-8")
    found = cli.run("orphans", "--state", str(path), "--json").json
    assert (found["orphans"], found["owners"]) == ([], [OWNER])


def test_a_state_of_another_stack_is_refused(cli: CommandLine, team: Team) -> None:
    team.start(owner=OTHER_OWNER)
    ended = cli.run("orphans", "--state", state_file(cli), "--owner", OTHER_OWNER)
    assert (ended.code, team.sim.requests) == (2, [])
    assert "This is the state of demo/dev, not of organization/demo/prod" in ended.err


def test_an_empty_state_needs_an_owner(cli: CommandLine, team: Team) -> None:
    batch, interrupted = team.start(), team.start(claim="c2")
    record_lost_create(cli, "c2")
    state = state_file(cli, pending=False, stack=False)
    refused = cli.run("orphans", "--state", state)
    assert refused.code == 2
    assert "give --owner ORG/PROJECT/STACK" in refused.err
    assert found_by(cli, state, "--owner", OWNER) == {
        batch: ("unknown", []),
        interrupted: ("interrupted", ["receipts"]),
    }


@pytest.mark.engine
@pytest.mark.engine_decides
def test_an_empty_stack_of_the_cli_needs_no_owner(cli: CommandLine, team: Team, engine_stage: EngineStage) -> None:
    engine_stage.config(color="red")
    batch = team.start()
    cli.env = clean_environment(engine_stage.home, engine_stage.backend) | cli.env
    found = cli.run("orphans", "--cwd", str(engine_stage.project_dir), "--stack", "dev", "--json")
    assert found.code == 0, found.err
    assert [one["batch_id"] for one in found.json["orphans"]] == [batch]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("{", "is not an exported state"), ("[1]", "it has no deployment")]
)
def test_a_file_that_is_no_state_is_one_line(cli: CommandLine, content: str | None, said: str) -> None:
    path = cli.folder / "some.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    ended = cli.run("orphans", "--state", str(path))
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_without_a_cli_the_error_names_the_options(cli: CommandLine) -> None:
    cli.env["PATH"] = str(cli.folder)
    ended = cli.run("orphans")
    assert (ended.code, ended.out) == (1, "")
    assert "Could not run the Pulumi CLI" in ended.err
    assert "--state" in ended.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([MISSING], "BATCH_ID is for --delete"),
        (["--state", "state.json", "--stack", "dev"], "--state reads a file, so --stack and --cwd have no effect"),
        (["--owner", "this"], "Write the stack's full name"),
    ],
)
def test_options_that_make_no_sense_are_a_usage_error(cli: CommandLine, args: list[str], said: str) -> None:
    ended = cli.run("orphans", *args)
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())


# Killed runs


def test_the_batch_of_a_killed_host_is_found_by_its_receipt(
    cli: CommandLine, team: Team, rehearsal_stage: RehearsalStage, tmp_path: Path
) -> None:
    stack = OneStack(rehearsal_stage, team.sim, tmp_path / "receipts.sqlite3")
    stack.up({"first": {"count": 1}})
    first = str(rehearsal_stage.resource_outputs("first")["batch_id"])
    others = {first, team.start(owner=None), team.start(owner=OTHER_OWNER), team.start()}
    killing = Fault(method="POST", after=lambda _: rehearsal_stage.rehearsal.kill_host(alone=True))
    team.sim.faults.add(killing)
    stack.up({"first": {"count": 1}, **browsers(count=2)}, expect_failure=True)
    [orphan] = team.there - others
    state = cli.folder / "state.json"
    state.write_text(json.dumps(rehearsal_stage.export()), encoding="utf-8")

    kinds = found_by(cli, str(state))
    assert {batch: found for batch, found in kinds.items() if found[0] == "interrupted"} == {
        orphan: ("interrupted", ["receipts"])
    }
    assert cli.run("orphans", "--state", str(state), "--delete", "--yes").code == 0
    assert team.there == others
    with sqlite3.connect(tmp_path / "receipts.sqlite3") as receipts:
        rows = receipts.execute("SELECT outcome FROM receipts WHERE operation = 'create' ORDER BY id").fetchall()
    assert rows == [("done",), ("settled",)]


@pytest.mark.engine
@pytest.mark.parametrize(
    "found_in",
    [
        pytest.param(["state", "receipts"], marks=pytest.mark.long, id="this-machine"),
        pytest.param(["state"], marks=pytest.mark.engine_decides, id="another-machine"),
    ],
)
def test_the_batch_of_a_killed_up_is_found_and_deleted(
    cli: CommandLine, team: Team, tmp_path: Path, found_in: list[str]
) -> None:
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = KillableStage(tmp_path / "engine-stage")
    try:
        stack = KillableStack(stage, team.sim, tmp_path / "receipts.sqlite3")
        others = {team.start(owner=None), team.start(owner=OTHER_OWNER)}
        stack.wants(browsers(count=2))
        stack.killed("up", 1, "after", method="POST")
        if "receipts" not in found_in:
            stack.forget_receipts()
        [orphan] = team.there - others
        backend = tmp_path / "engine-stage" / "backend"
        cli.env = clean_environment(stage.home, backend) | stage.env | {"HOME": os.environ.get("HOME", "/")}
        where = ["--cwd", str(stage.project_dir), "--stack", "dev"]

        found = cli.run("orphans", *where, "--json").json
        assert [(o["batch_id"], o["kind"], o["found_in"]) for o in found["orphans"]] == [
            (orphan, "interrupted", found_in)
        ]
        team.sim.clear_requests()
        assert cli.run("orphans", *where, "--delete", "--yes").code == 0
        assert team.changes == [f"DELETE {orphan}"]
        assert team.there == others
    finally:
        stage.close()
