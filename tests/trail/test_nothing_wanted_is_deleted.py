"""Whatever Pulumi is asked to do with a stack, no batch that a state has is deleted without being asked for.

Every test begins with an interrupted create: a replacement of `a` was killed and taken back, so that the state's
pending operations name the URN of a batch that is wanted.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crashes.killed_runs import KillableStage
from trail.machines import CLEANUP
from trail.wanted import WantedStack, nightly

from pulumi_anchorbrowser.simulator import Fault, Simulator

ONLY_WITH_A_CLEANUP = pytest.mark.parametrize("wanted", [True], indirect=True)


def test_a_targeted_change_of_one_batch_leaves_the_other_one_running(wanted: WantedStack) -> None:
    left = wanted.begin()
    changed = wanted.resources | {"a": nightly(2, on_destroy="cancel"), "b": nightly(5)}
    wanted.goes_to(changed, "--target", wanted.urn("a"))
    wanted.still_has("a", "b")
    assert left not in wanted.running()
    wanted.ends()


@pytest.mark.engine_decides
@ONLY_WITH_A_CLEANUP
def test_a_targeted_replacement_of_a_cleanup_leaves_the_batches_of_its_stack_running(wanted: WantedStack) -> None:
    wanted.begin()
    result = wanted.goes_to(wanted.resources, "--target-replace", wanted.urn("left"))
    assert result.changes == {"replace": 1, "delete-replaced": 1}
    assert [line for line in result.messages("info") if "3 skipped (own)" in line]
    wanted.still_has("a", "b")
    wanted.ends()


@ONLY_WITH_A_CLEANUP
@pytest.mark.parametrize("way", ["target", "exclude"])
def test_a_cleanup_that_is_taken_out_in_a_partial_up_leaves_the_batches_of_its_stack_running(
    wanted: WantedStack, way: str
) -> None:
    wanted.begin()
    named = wanted.urn("left" if way == "target" else "a")
    result = wanted.goes_to(wanted.without("left"), f"--{way}", named)
    assert result.changes == {"delete": 1}
    wanted.still_has("a", "b")
    wanted.ends()


@pytest.mark.parametrize("way", ["--target-replace", "--replace", "taint"])
def test_a_replacement_that_the_user_asks_for_replaces_that_batch_alone(wanted: WantedStack, way: str) -> None:
    left = wanted.begin()
    urn, former = wanted.urn("a"), wanted.ids["a"]
    if way == "taint":
        wanted.stage.run("state", "taint", urn, "--yes")
    wanted.goes_to(wanted.resources, *([] if way == "taint" else [way, urn]))
    wanted.still_has("b")
    wanted.everything_that_runs_is_in_the_state()
    assert not {left, former} & wanted.running()
    wanted.ends()


@pytest.mark.parametrize("flags", [["--exclude-protected"], ["--exclude", "a"], ["--target", "b"]])
def test_a_destroy_of_a_part_leaves_the_rest_running(wanted: WantedStack, flags: list[str]) -> None:
    left = wanted.begin()
    is_protected = "--exclude-protected" in flags
    if is_protected:
        wanted.stage.run("state", "protect", wanted.urn("a"), "--yes")
    wanted.same_again("destroy", [wanted.urn(flag) if flag in wanted.ids else flag for flag in flags])
    assert "b" not in wanted.names()
    assert left not in wanted.running()
    wanted.still_has("a")
    wanted.everything_that_runs_is_in_the_state()
    if is_protected:
        wanted.stage.run("state", "unprotect", wanted.urn("a"), "--yes")
    wanted.ends()


@pytest.mark.parametrize("way", ["a new name", "an alias", "state rename"])
def test_a_renamed_batch_and_a_new_batch_of_the_old_name_both_run(wanted: WantedStack, way: str) -> None:
    wanted.begin()
    former = wanted.ids["a"]
    if way == "state rename":
        wanted.stage.run("state", "rename", wanted.urn("a"), "c", "--yes")
    renamed = wanted.resources["a"] | ({"options": {"aliases": ["a"]}} if way == "an alias" else {})
    wanted.goes_to(wanted.without("a") | {"c": renamed})
    wanted.still_has("b")
    assert (wanted.id_of("c") == former) == (way != "a new name")
    wanted.ids["c"] = wanted.id_of("c")
    wanted.goes_to(wanted.without("c") | {"c": wanted.resources["c"] | {"options": {}}, "a": nightly(4)})
    wanted.still_has("b", "c")
    wanted.everything_that_runs_is_in_the_state()
    wanted.ends()


def test_a_batch_that_was_moved_to_another_stack_outlives_the_destroy_of_the_first(wanted: WantedStack) -> None:
    left = wanted.begin()
    other = wanted.beside("prod")
    other.wants({"a": nightly(2)})
    wanted.stage.run_raw("state", "move", "--source", "dev", "--dest", "prod", "--yes", wanted.urn("a"))
    other.ids["a"] = wanted.ids["a"]
    wanted.goes_to(wanted.without("a"))
    wanted.same_again("destroy")
    assert wanted.running() == {wanted.ids["a"]}
    assert left not in wanted.running()
    other.goes_to({"a": nightly(2)})
    other.still_has("a")
    other.ends()


@pytest.mark.engine_decides
@ONLY_WITH_A_CLEANUP
def test_after_a_stack_rename_neither_the_stack_nor_a_new_one_of_the_old_name_deletes_the_others_batch(
    wanted: WantedStack,
) -> None:
    left = wanted.begin()
    wanted.stage.run("stack", "rename", "prod")
    wanted.stage.stack = "prod"
    new = wanted.beside("dev")
    new.goes_to({"a": {"count": 1}} | CLEANUP)
    new_id = new.id_of("a")
    wanted.still_has("a", "b")
    new.same_again("destroy")
    wanted.still_has("a", "b")
    assert new_id not in wanted.running()

    new.goes_to({"a": {"count": 1}, "b": {"count": 3}} | CLEANUP)
    wanted.same_again("up")
    wanted.still_has("a", "b")
    wanted.same_again("destroy")
    new.everything_that_runs_is_in_the_state()
    assert len(new.running()) == 2
    assert left not in new.running()
    new.ends()


@pytest.mark.parametrize("as_it_is", [False, True])
def test_a_copied_state_is_destroyed_with_its_batches_and_no_call_is_made_twice(
    wanted: WantedStack, tmp_path: Path, as_it_is: bool
) -> None:
    """The copy has the batches too, so that its destroy deletes them; the interrupted create stays the first one's."""
    left = wanted.begin()
    copied = json.dumps(wanted.stage.export())
    if not as_it_is:
        copied = copied.replace("urn:pulumi:dev::", "urn:pulumi:two::").replace("::demo-dev", "::demo-two")
    (tmp_path / "copy.json").write_text(copied, encoding="utf-8")
    copy = wanted.beside("two")
    copy.wants(wanted.resources)
    copy.stage.run("stack", "import", "--file", str(tmp_path / "copy.json"), *(["--force"] if as_it_is else []))
    copy.same_again("destroy")
    of_the_copy = copy.calls
    assert {f"DELETE {one}" for one in wanted.ids.values()} <= set(of_the_copy)
    # Its URNs are those of the first stack, where they were not changed.
    assert (left in wanted.running()) == (not as_it_is)
    wanted.same_again("destroy")
    assert wanted.names() == wanted.running() == set()
    assert [*of_the_copy, *wanted.calls].count(f"DELETE {left}") == 1


@contextmanager
def held_create(stack: WantedStack, resources: dict[str, dict[str, Any]]) -> Iterator[None]:
    """An `up` whose create the API has handled, and which gets its response when the block ends."""
    arrived, released = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        arrived.set()
        released.wait(300)

    stack.wants(resources)
    stack.sim.faults.add(Fault(method="POST", after=hold))
    command = stack.stage.start("up")
    try:
        assert arrived.wait(150), command.text
        yield
    finally:
        released.set()
        result = stack.stage.finished(command)
    assert not result.failed, result.text


@pytest.mark.engine_decides
@ONLY_WITH_A_CLEANUP
def test_two_developers_with_stacks_of_one_name_in_local_backends_leave_each_others_batches_running(
    wanted: WantedStack, tmp_path: Path
) -> None:
    """They share the machine, and so its receipts, which is the worst case."""
    left = wanted.begin()
    stage = KillableStage(tmp_path / "engine-stage" / "second")
    second = WantedStack(stage, wanted.sim, wanted.receipts, with_cleanup=True)
    second.starts()
    wanted.still_has("a", "b")
    with held_create(second, second.resources | {"c": nightly(4)}):
        wanted.same_again("destroy")
        assert left not in wanted.running()
    second.ids["c"] = second.id_of("c")
    second.still_has("a", "b", "c")
    wanted.starts()
    second.same_again("destroy")
    wanted.everything_that_runs_is_in_the_state()
    wanted.ends()
    stage.close()


@pytest.mark.parametrize("retained_by", ["itself", "its parent", "a transform"])
def test_a_batch_that_pulumi_retains_runs_on_after_the_destroy(
    wanted: WantedStack, sim: Simulator, retained_by: str
) -> None:
    retain = {"retain_on_delete": True}
    options: dict[str, dict[str, Any]] = {"itself": retain, "its parent": {"parent": retain}, "a transform": {}}
    wanted.resources["a"]["options"] = options[retained_by]
    wanted.stage.config(retained=str(retained_by == "a transform").lower())
    left = wanted.begin()
    wanted.goes_to(wanted.without("a"))
    wanted.still_has("b")
    assert wanted.is_whole(wanted.ids["a"])
    wanted.same_again("destroy")
    assert wanted.names() == set()
    kept = {"a", "b"} if retained_by == "a transform" else {"a"}
    # No provider is called where everything is retained, so that nobody looks for what an interrupted create left.
    assert wanted.running() == {wanted.ids[name] for name in kept} | ({left} if len(kept) > 1 else set())
    for name in kept:
        sim.delete(wanted.ids[name])


RETAINED_AFTER_THE_CLEANUP = """
import pulumi
from pulumi_anchorbrowser import Batch, BatchCleanup

left = BatchCleanup("left", select={"tags": ["nightly"]})
options = pulumi.ResourceOptions(retain_on_delete=True, depends_on=[left])
Batch("a", count=2, configuration={"session": {"tags": ["nightly"]}}, opts=options)
"""


@ONLY_WITH_A_CLEANUP
def test_a_batch_that_pulumi_retains_outlives_the_cleanup_of_a_stack_that_was_renamed(
    wanted: WantedStack, sim: Simulator
) -> None:
    """The state no longer has it when the cleanup runs, and its tags have the stack's former name."""
    wanted.stage.write_program(RETAINED_AFTER_THE_CLEANUP)
    wanted.same_again("up")
    kept = wanted.id_of("a")
    wanted.stage.run("stack", "rename", "prod")
    wanted.stage.stack = "prod"
    wanted.same_again("up")
    result = wanted.same_again("destroy")
    assert wanted.names() == set()
    assert [line for line in result.messages("info") if "1 skipped (own)" in line]
    assert wanted.is_whole(kept)
    sim.delete(kept)


def test_a_destroy_that_failed_half_way_is_run_again_or_taken_back(wanted: WantedStack, sim: Simulator) -> None:
    left = wanted.begin()
    failing = Fault("status", status=503, method="DELETE", path=f"/v1/batch-sessions/{wanted.ids['b']}", times=None)
    for _ in range(2):
        sim.faults.add(failing)
        assert wanted.stage.finished(wanted.stage.start("destroy")).failed
        assert "b" in wanted.names()
        assert left not in wanted.running()
        wanted.still_has("b")
        wanted.everything_that_runs_is_in_the_state()
        sim.faults.clear()
        wanted.same_again("up")
        wanted.still_has("b")
        wanted.everything_that_runs_is_in_the_state()
    wanted.ends()


def test_a_batch_that_was_taken_out_of_the_state_runs_on(wanted: WantedStack, sim: Simulator) -> None:
    left = wanted.begin()
    wanted.stage.run("state", "remove", wanted.urn("a"), "--yes")
    wanted.goes_to(wanted.without("a"))
    wanted.same_again("destroy")
    assert wanted.running() == {wanted.ids["a"]}
    assert left not in wanted.running()
    sim.delete(wanted.ids["a"])
