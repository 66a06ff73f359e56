"""What a failed run reports, and what it leaves in the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from rehearsal.shelf import Thing, calls, things

from pulumi_anchorbrowser.rehearsal import Rehearsal, RehearsalError


@pytest.fixture
def wishes() -> dict[str, dict[str, Any]]:
    """The things the program asks for, by label; a test changes them between runs."""
    return {"lamp": {}}


@pytest.fixture
def stage(tmp_path: Path, wishes: dict[str, dict[str, Any]]) -> Iterator[Rehearsal]:
    """A rehearsal of a program that asks for the wishes, one after the other."""

    def program() -> None:
        last: list[pulumi.Resource] = []
        for label, props in wishes.items():
            last = [Thing(label, tmp_path, pulumi.ResourceOptions(depends_on=last), **props)]

    with Rehearsal(program, project="demo") as rehearsal:
        yield rehearsal


def failure(run: Callable[[], Any]) -> RehearsalError:
    with pytest.raises(RehearsalError) as caught:
        run()
    return caught.value


def test_a_refused_check_lists_every_property_and_reason(stage: Rehearsal, wishes: Any, tmp_path: Path) -> None:
    wishes["lamp"] = {"size": 0, "weight": -2}
    error = failure(stage.up)
    kind = "pulumi-python:dynamic:Resource resource 'lamp'"
    assert error.messages == [
        f"{kind}: property size value {{0}} has a problem: size must be positive",
        f"{kind}: property weight value {{-2}} has a problem: weight must be positive",
    ]
    assert error.messages[0] in str(error)
    assert error.messages[1] in str(error)
    assert (stage.resources, calls(tmp_path)) == ({}, [("check", "lamp")])


def test_a_failed_create_is_not_in_the_state_and_stops_what_comes_after(
    stage: Rehearsal, wishes: Any, tmp_path: Path
) -> None:
    wishes.update({"bad": {"fail": ["create"]}, "later": {}})
    error = failure(stage.up)

    [problem] = error.problems
    assert problem.urn.endswith("::bad")
    assert problem.message.startswith("Traceback")
    assert problem.message.rstrip().endswith("RuntimeError: the shelf refused to create bad")
    assert [resource.name for resource in stage.resources.values()] == ["lamp"]
    assert error.result.counts == {"create": 1}
    assert ("check", "later") not in calls(tmp_path)

    wishes["bad"] = {}
    assert stage.up().counts == {"same": 1, "create": 2}


def test_a_failed_run_deletes_nothing_that_the_program_dropped(stage: Rehearsal, wishes: Any, tmp_path: Path) -> None:
    stage.up()
    del wishes["lamp"]
    wishes["bad"] = {"fail": ["create"]}
    failure(stage.up)
    assert [resource.name for resource in stage.resources.values()] == ["lamp"]
    assert calls(tmp_path, "delete") == []


def test_a_failed_update_keeps_the_old_outputs_and_inputs(stage: Rehearsal, wishes: Any) -> None:
    stage.up()
    before = stage.resource("lamp")
    wishes["lamp"] = {"size": 4, "fail": ["update"]}
    failure(stage.up)
    assert stage.resource("lamp") == before

    wishes["lamp"] = {"size": 4}
    assert stage.up().counts == {"update": 1}


def test_a_failed_delete_keeps_the_resource(stage: Rehearsal, wishes: Any, tmp_path: Path) -> None:
    wishes["stuck"] = {"fail": ["delete"]}
    stage.up()
    error = failure(stage.destroy)
    assert "the shelf refused to delete stuck" in error.messages[0]
    assert [resource.name for resource in stage.resources.values()] == ["lamp", "stuck"]
    assert len(things(tmp_path)) == 2


def test_a_replaced_resource_that_cannot_be_deleted_is_tried_again_by_the_next_run(
    stage: Rehearsal, wishes: Any, tmp_path: Path
) -> None:
    wishes["lamp"] = {"fail": ["delete"]}
    stage.up()
    old = stage.resource("lamp")
    wishes["lamp"] = {"kind": "jar"}
    failure(stage.up)
    new = stage.resource("lamp")
    assert new.id != old.id
    assert stage.state.condemned == [old]

    calls_before = len(calls(tmp_path, "delete"))
    failure(stage.up)
    assert len(calls(tmp_path, "delete")) == calls_before + 1
    assert stage.resource("lamp") == new
    assert len(stage.state.condemned) == 1


def test_a_failed_read_keeps_the_resource(stage: Rehearsal, wishes: Any) -> None:
    wishes["lamp"] = {"fail": ["read"]}
    stage.up()
    before = stage.resources
    assert "the shelf refused to read lamp" in failure(stage.refresh).messages[0]
    assert stage.resources == before
    assert "the shelf refused to read lamp" in failure(lambda: stage.up(refresh=True)).messages[0]


def test_a_program_that_raises_is_reported_and_keeps_what_it_had_made(tmp_path: Path) -> None:
    def program() -> None:
        Thing("lamp", tmp_path)
        raise LookupError("no such shelf")

    with Rehearsal(program, project="demo") as stage:
        error = failure(stage.up)
        assert error.messages[0].startswith("Program failed with an unhandled exception:")
        assert "LookupError: no such shelf" in error.messages[0]
        assert [resource.name for resource in stage.resources.values()] == ["lamp"]
        stage.program = lambda: Thing("lamp", tmp_path)
        assert stage.up().counts == {"same": 1}


def test_an_apply_that_raises_is_reported(tmp_path: Path) -> None:
    def burst(_size: int) -> None:
        raise LookupError("no such size")

    with Rehearsal(lambda: pulumi.export("x", Thing("lamp", tmp_path).size.apply(burst)), project="demo") as stage:
        assert "no such size" in failure(stage.up).messages[0]


def test_a_run_error_is_reported_as_the_cli_does_without_a_traceback() -> None:
    def program() -> None:
        raise pulumi.RunError("please set a shelf")

    with Rehearsal(program) as stage:
        assert failure(stage.up).messages == ["please set a shelf"]


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    def program() -> None:
        Thing("lamp", tmp_path)
        Thing("lamp", tmp_path)

    with Rehearsal(program) as stage:
        assert "Duplicate resource URN" in str(failure(stage.up))
        assert len(things(tmp_path)) == 1


def test_a_program_that_does_not_end_times_out() -> None:
    import threading

    release = threading.Event()
    with Rehearsal(lambda: bool(release.wait(20)) and None, timeout=0.3) as stage:
        assert failure(stage.up).messages == ["the program did not end within 0.3 s"]
        release.set()


def test_a_host_that_crashes_in_a_call_fails_the_run_and_the_next_run_succeeds(tmp_path: Path, wishes: Any) -> None:
    wishes.update({"second": {}})

    def program() -> None:
        first = Thing("first", tmp_path)
        Thing("second", tmp_path, size=first.size)

    def crash(method: str, urn: str) -> None:
        if (method, urn.split("::")[-1]) == ("create", "second"):
            stage.kill_host()

    with Rehearsal(program, project="demo", on_call=crash) as stage:
        error = failure(stage.up)
        assert [problem.urn.split("::")[-1] for problem in error.problems] == ["second"]
        assert [resource.name for resource in stage.resources.values()] == ["first"]
        stage.on_call = None
        assert stage.up().counts == {"same": 1, "create": 1}


def test_a_run_continues_on_a_host_restarted_between_two_calls(tmp_path: Path) -> None:
    def restart(method: str, _urn: str) -> None:
        if method == "create":
            stage.restart_host()

    with Rehearsal(lambda: Thing("lamp", tmp_path), config={"shelf:owner": "me"}, on_call=restart) as stage:
        assert stage.up().counts == {"create": 1}
        assert stage.resource("lamp").outputs["owner"] == "me"
