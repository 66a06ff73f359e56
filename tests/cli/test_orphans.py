"""`orphans`: what a state does not know, told apart, and deleted only where it is surely nobody's."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.batches import KEY, MISSING, OTHER_OWNER, OWNER, Team
from cli.driving import CommandLine
from crashes.killed_runs import KillableStack, KillableStage
from scenarios.one_stack import OneStack, browsers
from stages import NO_ENGINE, RehearsalStage, engine_is_here, standing_api
from stages.cli import clean_environment

from pulumi_anchorbrowser.simulator import Fault, Simulator

CLAIM = "c1a1" * 6
URN = "urn:pulumi:dev::demo::pulumi-python:dynamic/anchorbrowser:Batch::browsers"
STACK_URN = "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API at this moment: interrupted creates are looked for by their time."""
    with standing_api({KEY: "our-team"}) as running:
        yield running


def resource(batch_id: str, **more: Any) -> dict[str, Any]:
    inputs = {"claim": "c0", "owner": OWNER, "count": 2}
    return {"urn": URN, "id": batch_id, "inputs": inputs, "outputs": {**inputs, "batch_id": batch_id}, **more}


def state_file(cli: CommandLine, *known: str, pending: bool = True, stack: bool = True) -> str:
    """A state that knows these batches, and has a create whose end it never saw."""
    operation = {"type": "creating", "resource": {"urn": URN, "inputs": {"claim": CLAIM, "owner": OWNER}}}
    resources = [{"urn": STACK_URN, "type": "pulumi:pulumi:Stack"}] if stack else []
    deployment = {
        "resources": [*resources, *map(resource, known)],
        "pending_operations": [operation] if pending else [],
    }
    path = cli.folder / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": deployment}), encoding="utf-8")
    return str(path)


def test_each_kind_is_told_and_only_the_interrupted_ones_are_deleted(cli: CommandLine, team: Team) -> None:
    known, interrupted, unknown = team.start(claim="c0"), team.start(claim=CLAIM), team.start(claim="c2")
    protected = team.start(tags=("pulumi-protect",))
    team.start(owner=OTHER_OWNER), team.start(owner=None)
    state = state_file(cli, known)
    everything = team.there

    found = cli.run("orphans", "--state", state, "--json")
    assert found.code == 0
    assert {(o["batch_id"], o["kind"]) for o in found.json["orphans"]} == {
        (interrupted, "interrupted"),
        (unknown, "unknown"),
    }
    assert [one["batch_id"] for one in found.json["left_alone"]] == [protected]
    assert cli.run("orphans", "--state", state, "--exit-code").code == 6
    planned = cli.run("orphans", "--state", state, "--delete")
    assert (planned.code, team.changes) == (3, [])
    assert "make sure that there is none of this stack" in planned.err

    deleted = cli.run("orphans", "--state", state, "--delete", "--yes", "--json")
    assert (deleted.code, deleted.json["change"]["state"]) == (0, "done")
    assert team.changes == [f"DELETE {interrupted}"]
    assert team.there == everything - {interrupted}
    assert cli.run("orphans", "--state", state, "--delete", unknown, "--yes").code == 0
    assert team.there == everything - {interrupted, unknown}
    left = cli.run("orphans", "--state", state, "--json").json
    assert (left["orphans"], [one["claim"] for one in left["claims"]]) == ([], [CLAIM])


def test_an_id_that_is_no_orphan_is_refused(cli: CommandLine, team: Team) -> None:
    known, protected = team.start(), team.start(tags=("pulumi-protect",))
    state = state_file(cli, known, pending=False)
    for batch in (known, protected, MISSING, team.start(owner=OTHER_OWNER)):
        ended = cli.run("orphans", "--state", state, "--delete", batch, "--yes")
        assert (ended.code, team.changes) == (1, [])
        assert f"not an orphan of this stack that can be deleted: {batch}" in ended.err


def test_a_replaced_batch_that_is_still_to_be_deleted_is_known(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    path = Path(state_file(cli, pending=False))
    state = json.loads(path.read_text(encoding="utf-8"))
    state["deployment"]["resources"].append(resource(batch, delete=True))
    path.write_text(json.dumps(state), encoding="utf-8")
    assert cli.run("orphans", "--state", str(path), "--json").json["orphans"] == []


def test_the_file_of_a_diy_backend_is_read_as_well(cli: CommandLine, team: Team) -> None:
    known = team.start()
    path = Path(state_file(cli, known, pending=False))
    deployment = json.loads(path.read_text(encoding="utf-8"))["deployment"]
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "x", "latest": deployment}}), encoding="utf-8")
    found = cli.run("orphans", "--state", str(path), "--json").json
    assert (found["orphans"], found["owners"]) == ([], [OWNER])


def test_an_owner_that_the_state_is_not_of_is_refused(cli: CommandLine, team: Team) -> None:
    team.start(owner=OTHER_OWNER)
    ended = cli.run("orphans", "--state", state_file(cli), "--owner", OTHER_OWNER)
    assert (ended.code, team.sim.requests) == (2, [])
    assert "This is the state of demo/dev, not of organization/demo/prod" in ended.err


def test_an_empty_state_needs_an_owner(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    state = state_file(cli, pending=False, stack=False)
    assert cli.run("orphans", "--state", state).code == 2
    found = cli.run("orphans", "--state", state, "--owner", OWNER, "--json").json
    assert [(o["batch_id"], o["kind"]) for o in found["orphans"]] == [(batch, "unknown")]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("{", "not an exported state"), ("[1]", "it has no deployment")]
)
def test_a_file_that_is_no_state_is_one_line(cli: CommandLine, content: str | None, said: str) -> None:
    path = cli.folder / "some.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    ended = cli.run("orphans", "--state", str(path))
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_without_a_cli_or_a_stack_it_says_what_to_give(cli: CommandLine) -> None:
    cli.env["PATH"] = str(cli.folder)
    ended = cli.run("orphans")
    assert (ended.code, ended.out) == (1, "")
    assert "There is no Pulumi CLI on the PATH" in ended.err
    assert "--state" in ended.err


def test_a_batch_id_without_delete_is_a_usage_error(cli: CommandLine) -> None:
    assert cli.run("orphans", MISSING).code == 2


def test_what_a_killed_host_leaves_is_found_by_its_receipt(
    cli: CommandLine, team: Team, rehearsal_stage: RehearsalStage, tmp_path: Path
) -> None:
    stack = OneStack(rehearsal_stage, team.sim, tmp_path / "receipts.sqlite3")
    stack.up({"first": {"count": 1}})
    first = str(rehearsal_stage.resource_outputs("first")["batch_id"])
    others = {first, team.start(owner=None), team.start(owner=OTHER_OWNER), team.start()}
    team.sim.faults.add(Fault(method="POST", after=lambda _: rehearsal_stage.rehearsal.kill_host()))
    stack.up({"first": {"count": 1}, **browsers(count=2)}, expect_failure=True)
    [orphan] = team.there - others
    state = cli.folder / "state.json"
    state.write_text(json.dumps(rehearsal_stage.export()), encoding="utf-8")

    found = cli.run("orphans", "--state", str(state), "--json").json
    [interrupted] = [one for one in found["orphans"] if one["kind"] == "interrupted"]
    assert (interrupted["batch_id"], interrupted["found_in"]) == (orphan, ["receipts"])
    assert cli.run("orphans", "--state", str(state), "--delete", "--yes").code == 0
    assert team.there == others
    with sqlite3.connect(tmp_path / "receipts.sqlite3") as receipts:
        rows = receipts.execute("SELECT outcome FROM receipts WHERE operation = 'create' ORDER BY id").fetchall()
    assert rows == [("done",), ("settled",)]


@pytest.mark.engine
@pytest.mark.parametrize("found_in", [["state", "receipts"], ["state"]], ids=["this-machine", "another-machine"])
def test_an_up_that_was_killed_after_its_post(
    cli: CommandLine, team: Team, tmp_path: Path, found_in: list[str]
) -> None:
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = KillableStage(tmp_path / "engine-stage")
    try:
        stack = KillableStack(stage, team.sim, tmp_path / "receipts.sqlite3")
        stack.wants({"first": {"count": 1}})
        stack.same_again("up")
        others = {*team.there, team.start(owner=None), team.start(owner=OTHER_OWNER)}
        stack.wants({"first": {"count": 1}, **browsers(count=2)})
        stack.killed("up", 1, "after")
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

        stack.same_again("up")
        assert len(team.there) == len(others) + 1
        stack.same_again("destroy")
        assert stack.live_ids() == set()
    finally:
        stage.close()
