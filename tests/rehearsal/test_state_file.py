"""The state that a provider host finds in a run, and the interrupted creates that it keeps over runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from rehearsal.shelf import Thing, calls, shelves, states

from pulumi_anchorbrowser.rehearsal import Rehearsal, RehearsalError


@pytest.fixture
def wishes() -> dict[str, dict[str, Any]]:
    """The things the program asks for, by label; a test changes them between runs."""
    return {"lamp": {}}


@pytest.fixture
def stage(tmp_path: Path, wishes: dict[str, dict[str, Any]]) -> Iterator[Rehearsal]:
    """A rehearsal of a program that asks for the wishes, all at once."""

    def program() -> None:
        for label, props in wishes.items():
            Thing(label, tmp_path, **props)

    with Rehearsal(program, project="demo") as rehearsal:
        yield rehearsal


def pending(state: Any) -> list[tuple[str, str]]:
    """The type and the resource's name of each pending operation."""
    return [(one["type"], one["resource"]["urn"].split("::")[-1]) for one in state["pending_operations"]]


def names(state: Any) -> list[str]:
    return [one["urn"].split("::")[-1] for one in state["resources"]]


def kill_in_create(stage: Rehearsal, **how: bool) -> None:
    """Makes the next create of the rehearsal kill the host, and runs an `up`."""

    def kill(method: str, _urn: str) -> None:
        if method == "create":
            stage.kill_host(**how)

    stage.on_call = kill
    with pytest.raises(RehearsalError):
        stage.up()
    stage.on_call = None


def test_a_host_finds_its_create_pending_with_the_inputs_that_check_returned(stage: Rehearsal, tmp_path: Path) -> None:
    stage.up()
    (state,) = states(tmp_path, "create")
    (operation,) = state["pending_operations"]
    lamp = stage.resource("lamp")
    assert operation["type"] == "creating"
    assert operation["resource"]["urn"] == lamp.urn
    assert operation["resource"]["inputs"] == {
        **lamp.inputs,
        "__provider": operation["resource"]["inputs"]["__provider"],
    }
    assert operation["resource"]["inputs"]["stamp"] == lamp.inputs["stamp"]
    assert not {"id", "outputs"} & set(operation["resource"])
    assert "resources" in state


def test_a_host_finds_what_the_stack_has_and_the_operation_in_flight_at_each_kind_of_call(
    stage: Rehearsal, wishes: Any, tmp_path: Path
) -> None:
    stage.up()
    lamp = stage.resource("lamp")
    wishes["lamp"] = {"size": 2}
    stage.up()
    stage.refresh()
    wishes["shade"] = {}
    stage.up()
    stage.destroy()

    for call, type_ in (("update", "updating"), ("read", "reading")):
        (state,) = states(tmp_path, call)
        assert (names(state), pending(state)) == (["lamp"], [(type_, "lamp")])
        assert state["resources"][0]["id"] == lamp.id
    assert names(states(tmp_path, "create")[1]) == ["lamp"]
    *_, last = states(tmp_path, "delete")
    assert len(last["pending_operations"]) in (1, 2)
    assert {kind for kind, _ in pending(last)} == {"deleting"}


def test_creates_in_flight_at_the_same_time_are_all_pending(stage: Rehearsal, wishes: Any) -> None:
    wishes.update({label: {"company": 3} for label in ("lamp", "shade", "bulb")})
    assert stage.up().counts == {"create": 3}, "each create waited until the host found three"


def test_whatever_is_on_the_shelf_is_a_resource_or_pending_at_every_moment(
    stage: Rehearsal, wishes: Any, tmp_path: Path
) -> None:
    wishes.update({f"thing-{number}": {} for number in range(40)})
    stage.up()
    stamps = {one.id: one.inputs["stamp"] for one in stage.resources.values()}
    for state, there in zip(states(tmp_path, "create"), shelves(tmp_path, "create"), strict=True):
        seen = [*state["resources"], *(one["resource"] for one in state["pending_operations"])]
        assert {stamps[id_] for id_ in there} <= {one["inputs"]["stamp"] for one in seen}


def test_a_replaced_resource_is_marked_until_it_is_deleted(stage: Rehearsal, wishes: Any, tmp_path: Path) -> None:
    stage.up()
    old = stage.resource("lamp").id
    wishes["lamp"] = {"kind": "jar"}
    stage.up()
    (state,) = states(tmp_path, "delete")
    assert [(one["id"] == old, one.get("delete", False)) for one in state["resources"]] == [
        (False, False),
        (True, True),
    ]


def test_a_killed_run_leaves_its_create_pending_over_later_runs_until_it_is_cleared(
    stage: Rehearsal, wishes: Any, tmp_path: Path
) -> None:
    kill_in_create(stage)
    (left,) = stage.state.pending_creates
    assert (left.type, left.resource.name, left.resource.id) == ("creating", "lamp", "")
    assert stage.export()["deployment"]["pending_operations"][0]["resource"]["inputs"]["stamp"]

    stage.up()
    (state,) = states(tmp_path, "create")
    assert pending(state) == [("creating", "lamp"), ("creating", "lamp")]
    old, new = (one["resource"]["inputs"]["stamp"] for one in state["pending_operations"])
    assert (old, new) == (left.resource.inputs["stamp"], stage.resource("lamp").inputs["stamp"])
    stage.refresh()
    wishes.clear()
    stage.up()
    for call in ("read", "delete"):
        (state,) = states(tmp_path, call)
        assert ("creating", "lamp") in pending(state)

    stage.clear_pending_creates()
    wishes["lamp"] = {}
    stage.up()
    assert pending(states(tmp_path, "create")[-1]) == [("creating", "lamp")]
    assert stage.export()["deployment"]["pending_operations"] == []


def test_a_create_that_fails_leaves_nothing_pending(stage: Rehearsal, wishes: Any) -> None:
    wishes["lamp"] = {"fail": ["create"]}
    with pytest.raises(RehearsalError):
        stage.up()
    assert stage.state.pending_creates == []


def test_a_host_that_dies_alone_leaves_nothing_pending_as_with_the_engine(stage: Rehearsal, tmp_path: Path) -> None:
    kill_in_create(stage, alone=True)
    assert stage.state.pending_creates == []
    stage.up()
    assert pending(states(tmp_path, "create")[-1]) == [("creating", "lamp")]


def test_a_killed_update_or_delete_leaves_nothing_pending(stage: Rehearsal, wishes: Any) -> None:
    stage.up()
    stage.on_call = lambda method, _urn: stage.kill_host() if method in ("update", "delete") else None
    wishes["lamp"] = {"size": 2}
    for run in (stage.up, stage.destroy):
        with pytest.raises(RehearsalError):
            run()
    assert stage.state.pending_creates == []


def test_secrets_are_hidden_in_the_state_that_the_host_finds(tmp_path: Path) -> None:
    def program() -> None:
        thing = Thing("lamp", tmp_path, secret_note=pulumi.Output.secret("a-note"), token=None)
        Thing("shade", tmp_path, pulumi.ResourceOptions(depends_on=[thing]))

    with Rehearsal(program, project="demo") as stage:
        stage.up()
        hidden = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
        first, second = states(tmp_path, "create")
        assert first["pending_operations"][0]["resource"]["inputs"]["secret_note"] == hidden
        assert second["resources"][0]["outputs"]["secret_note"] == hidden
        assert "a-note" not in json.dumps([first, second])
        assert "a-note" not in json.dumps(stage.export())
        shown = stage.export(show_secrets=True)["deployment"]["resources"][0]["outputs"]["secret_note"]
        assert shown["plaintext"] == '"a-note"'


def test_a_host_whose_environment_lacks_the_variable_finds_no_state(tmp_path: Path) -> None:
    env = {"ANCHORBROWSER_STATE_FILE": None}
    with Rehearsal(lambda: Thing("lamp", tmp_path), project="demo", env=env) as stage:
        stage.up()
    assert states(tmp_path, "create") == [None]
    assert calls(tmp_path) == [("check", "lamp"), ("create", "lamp")]
