"""What an `up`, a refresh and a destroy do in a rehearsal, seen from the program, the provider and the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from rehearsal.shelf import Thing, calls, owners, things

from pulumi_anchorbrowser.rehearsal import Rehearsal, RehearsalError

Stage = Callable[..., Rehearsal]


@pytest.fixture
def rehearse() -> Iterator[Stage]:
    """Makes rehearsals, and closes them at the end."""
    made: list[Rehearsal] = []

    def make(program: Callable[[], Any], **options: Any) -> Rehearsal:
        made.append(Rehearsal(program, project="demo", **options))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


def test_a_resource_is_created_and_its_outputs_reach_the_program_and_the_state(rehearse: Stage, tmp_path: Path) -> None:
    def program() -> None:
        thing = Thing("lamp", tmp_path, size=3)
        pulumi.export("size", thing.size)
        pulumi.export("id", thing.id)
        pulumi.export("double", thing.size.apply(lambda size: size * 2))

    stage = rehearse(program)
    result = stage.up()

    [id_] = things(tmp_path)
    assert result.outputs == {"size": 3, "id": id_, "double": 6}
    assert result.operations == [("create", "urn:pulumi:dev::demo::pulumi-python:dynamic:Resource::lamp")]
    assert stage.resource("lamp").id == id_
    assert stage.resource("lamp").inputs["stamp"] == stage.resource("lamp").outputs["stamp"] != ""
    assert calls(tmp_path) == [("check", "lamp"), ("create", "lamp")]


def test_two_ups_without_a_change_are_the_same_and_call_nothing_but_check_and_diff(
    rehearse: Stage, tmp_path: Path
) -> None:
    stage = rehearse(lambda: Thing("lamp", tmp_path))
    stage.up()
    before = stage.resource("lamp")

    assert stage.up().counts == {"same": 1}
    assert calls(tmp_path)[2:] == [("check", "lamp"), ("diff", "lamp")]
    assert stage.resource("lamp") == before


def test_a_changed_input_updates_in_place_and_config_may_change_between_runs(rehearse: Stage, tmp_path: Path) -> None:
    stage = rehearse(lambda: Thing("lamp", tmp_path, size=pulumi.Config().require_int("size")), config={"size": "1"})
    stage.up()
    id_ = stage.resource("lamp").id

    stage.config["size"] = "5"
    assert stage.up().counts == {"update": 1}
    assert (stage.resource("lamp").id, stage.resource("lamp").outputs["size"]) == (id_, 5)
    assert (tmp_path / id_).read_text() == "5"


def test_a_replacement_creates_the_new_one_first_with_a_fresh_check_and_deletes_the_old_one_at_the_end(
    rehearse: Stage, tmp_path: Path
) -> None:
    kinds = ["box"]

    def program() -> None:
        lamp = Thing("lamp", tmp_path, kind=kinds[-1])
        Thing("shade", tmp_path, size=lamp.size)

    stage = rehearse(program)
    stage.up()
    old, seen = stage.resource("lamp"), len(calls(tmp_path))

    kinds.append("jar")
    result = stage.up()
    new = stage.resource("lamp")
    assert [operation.kind for operation in result.operations] == ["replace", "same", "delete-replaced"]
    assert calls(tmp_path)[seen:][:4] == [("check", "lamp"), ("diff", "lamp"), ("check", "lamp"), ("create", "lamp")]
    assert calls(tmp_path)[-1] == ("delete", "lamp")
    assert new.id != old.id
    assert new.inputs["stamp"] != old.inputs["stamp"]
    assert old.id not in things(tmp_path)
    assert new.id in things(tmp_path)


def test_delete_before_replace_deletes_the_old_one_first(rehearse: Stage, tmp_path: Path) -> None:
    kinds = ["box"]
    options = pulumi.ResourceOptions(delete_before_replace=True)
    stage = rehearse(lambda: Thing("lamp", tmp_path, options, kind=kinds[-1]))
    stage.up()
    kinds.append("jar")

    assert [operation.kind for operation in stage.up().operations] == ["delete-replaced", "replace"]
    assert calls(tmp_path, "create", "delete") == [("create", "lamp"), ("delete", "lamp"), ("create", "lamp")]


def test_a_replacement_can_be_forced_by_urn(rehearse: Stage, tmp_path: Path) -> None:
    stage = rehearse(lambda: Thing("lamp", tmp_path))
    stage.up()
    old = stage.resource("lamp")

    assert stage.up(replace=[old.urn]).counts == {"replace": 1, "delete-replaced": 1}
    assert stage.resource("lamp").id != old.id


def test_what_the_program_no_longer_has_is_deleted_dependents_before_what_they_depend_on(
    rehearse: Stage, tmp_path: Path
) -> None:
    present = [True]

    def program() -> None:
        if present[-1]:
            base = Thing("base", tmp_path)
            middle = Thing("middle", tmp_path, size=base.size)
            Thing("top", tmp_path, pulumi.ResourceOptions(depends_on=[middle]))
        Thing("other", tmp_path)

    stage = rehearse(program)
    stage.up()
    present.append(False)

    assert stage.up().counts == {"same": 1, "delete": 3}
    assert calls(tmp_path, "delete") == [("delete", "top"), ("delete", "middle"), ("delete", "base")]
    assert [resource.name for resource in stage.resources.values()] == ["other"]


def test_destroy_deletes_everything_dependents_first_and_forgets_the_outputs(rehearse: Stage, tmp_path: Path) -> None:
    def program() -> None:
        base = Thing("base", tmp_path)
        pulumi.export("size", Thing("top", tmp_path, size=base.size).size)

    stage = rehearse(program)
    assert stage.up().outputs == {"size": 1}

    assert stage.destroy().counts == {"delete": 2}
    assert calls(tmp_path, "delete") == [("delete", "top"), ("delete", "base")]
    assert (stage.resources, stage.outputs, things(tmp_path)) == ({}, {}, [])
    assert stage.up().counts == {"create": 2}


def test_refresh_takes_what_was_read_and_drops_what_is_gone(rehearse: Stage, tmp_path: Path) -> None:
    def program() -> None:
        for name in ("kept", "grown", "gone"):
            Thing(name, tmp_path)

    stage = rehearse(program)
    stage.up()
    (tmp_path / stage.resource("grown").id).write_text("9")
    (tmp_path / stage.resource("gone").id).unlink()

    kinds = {operation.urn.split("::")[-1]: operation.kind for operation in stage.refresh().operations}
    assert kinds == {"kept": "read", "grown": "update", "gone": "delete"}
    assert stage.resource("grown").outputs["size"] == stage.resource("grown").inputs["size"] == 9
    assert [resource.name for resource in stage.resources.values() if resource.name == "gone"] == []
    assert stage.up().counts == {"same": 1, "update": 1, "create": 1}


def test_an_up_with_refresh_sees_what_changed_behind_its_back(rehearse: Stage, tmp_path: Path) -> None:
    stage = rehearse(lambda: Thing("lamp", tmp_path))
    stage.up()
    (tmp_path / stage.resource("lamp").id).unlink()

    assert stage.up().counts == {"same": 1}
    assert stage.up(refresh=True).counts == {"delete": 1, "create": 1}


def test_refresh_and_destroy_use_the_config_of_the_last_up(rehearse: Stage, tmp_path: Path) -> None:
    stage = rehearse(lambda: Thing("lamp", tmp_path), config={"shelf:owner": "first"})
    stage.up()
    stage.config["shelf:owner"] = "second"

    stage.refresh()
    stage.up(refresh=True)
    stage.config["shelf:owner"] = "third"
    stage.destroy()
    assert owners(tmp_path, "read") == ["first", "first"]
    assert owners(tmp_path, "diff") == ["second"]
    assert owners(tmp_path, "delete") == ["second"]


def test_config_reaches_provider_and_program_decrypted_and_stays_marked_as_secret(
    rehearse: Stage, tmp_path: Path
) -> None:
    def program() -> None:
        key = pulumi.Config("shelf").require_secret("token")
        thing = Thing("lamp", tmp_path, pulumi.ResourceOptions(additional_secret_outputs=["owner"]), secret_note=key)
        pulumi.export("note", thing.secret_note)
        pulumi.export("owner", thing.owner)
        pulumi.export("size", thing.size)

    stage = rehearse(program, config={"shelf:owner": "me"}, secret_config={"shelf:token": "s3cret"})
    result = stage.up()
    assert result.outputs == {"note": "s3cret", "owner": "me", "size": 1}
    assert result.secret_outputs == {"note", "owner"}
    assert stage.resource("lamp").outputs["token"] == "s3cret"
    assert stage.resource("lamp").secret_inputs == {"secret_note"}


def test_organization_project_and_stack_have_the_given_names(rehearse: Stage) -> None:
    def program() -> None:
        pulumi.export("names", [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()])

    stage = rehearse(program, organization="acme", stack="prod")
    assert stage.up().outputs == {"names": ["acme", "demo", "prod"]}


def test_components_parent_their_children_and_keep_their_outputs(rehearse: Stage, tmp_path: Path) -> None:
    class Shelf(pulumi.ComponentResource):
        def __init__(self) -> None:
            super().__init__("demo:index:Shelf", "shelf")
            thing = Thing("lamp", tmp_path, pulumi.ResourceOptions(parent=self))
            self.register_outputs({"size": thing.size})

    stage = rehearse(Shelf)
    assert stage.up().counts == {"create": 2}
    shelf, lamp = stage.resource("shelf"), stage.resource("lamp")
    assert lamp.urn == "urn:pulumi:dev::demo::demo:index:Shelf$pulumi-python:dynamic:Resource::lamp"
    assert (lamp.parent, shelf.outputs, shelf.custom) == (shelf.urn, {"size": 1}, False)
    assert stage.up().counts == {"same": 2}
    assert [operation.urn for operation in stage.destroy().operations] == [lamp.urn, shelf.urn]


def test_resources_of_other_providers_are_passed_through(rehearse: Stage) -> None:
    def program() -> None:
        bucket = pulumi.CustomResource("aws:s3:Bucket", "logs", {"acl": "private"})
        pulumi.export("id", bucket.id)

    stage = rehearse(program)
    assert stage.up().outputs == {"id": "logs_id"}
    assert stage.resource("logs").outputs == {"acl": "private"}
    assert stage.up().counts == {"same": 1}
    assert stage.destroy().counts == {"delete": 1}


def test_an_alias_finds_the_resource_under_its_old_name(rehearse: Stage, tmp_path: Path) -> None:
    names = [("lamp", None)]

    def program() -> None:
        name, old = names[-1]
        Thing(name, tmp_path, pulumi.ResourceOptions(aliases=[pulumi.Alias(name=old)] if old else None))

    stage = rehearse(program)
    stage.up()
    id_ = stage.resource("lamp").id
    names.append(("lantern", "lamp"))

    assert stage.up().counts == {"same": 1}
    assert [(resource.name, resource.id) for resource in stage.resources.values()] == [("lantern", id_)]


def test_protect_retain_on_delete_and_ignore_changes_are_honoured(rehearse: Stage, tmp_path: Path) -> None:
    options: list[dict[str, Any]] = [{"protect": True, "ignore_changes": ["size"]}]

    def program() -> None:
        Thing("lamp", tmp_path, pulumi.ResourceOptions(**options[-1]), size=len(options))

    stage = rehearse(program)
    stage.up()
    options.append(options[0])
    assert stage.up().counts == {"same": 1}
    with pytest.raises(RehearsalError, match="marked for protection"):
        stage.destroy()
    assert len(stage.resources) == len(things(tmp_path)) == 1

    options.append({"retain_on_delete": True})
    stage.up()
    assert stage.destroy().counts == {"delete": 1}
    assert (stage.resources, calls(tmp_path, "delete"), len(things(tmp_path))) == ({}, [], 1)


def test_many_resources_are_registered_at_once_and_fifty_ups_leave_no_thread_behind(
    rehearse: Stage, tmp_path: Path
) -> None:
    import threading

    def program() -> None:
        for number in range(3):
            Thing(f"thing-{number}", tmp_path)

    stage = rehearse(program, reuse_host=True)
    assert stage.up().counts == {"create": 3}
    before = threading.active_count()
    for _ in range(50):
        assert stage.up().counts == {"same": 3}
    assert threading.active_count() <= before
