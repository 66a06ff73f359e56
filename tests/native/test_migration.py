"""A stack of the dynamic provider whose program moves to the plugin: nothing is recreated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from native.plugin_stack import PluginStack
from scenarios.one_stack import PROGRAM, OneStack

from pulumi_anchorbrowser.simulator import Simulator

OVER_THE_PLUGIN = PROGRAM.replace(
    "import pulumi_anchorbrowser\n", "import pulumi_anchorbrowser.native as pulumi_anchorbrowser\n"
)
CONFIGURATION = {"session": {"tags": ["nightly"], "timeout": {"max_duration": 20}}}
RESOURCES: dict[str, dict[str, Any]] = {
    "browsers": {"count": 2, "configuration": CONFIGURATION, "metadata": {"run_of": "monday"}},
    "ready": {"kind": "BatchReady", "batch_id": "@browsers"},
    "sweep": {"kind": "BatchCleanup", "select": {"tags": ["never"]}, "when": "destroy"},
}
IN_YAML: dict[str, dict[str, Any]] = {
    "browsers": {
        "count": 2,
        "configuration": {"session": {"tags": ["nightly"], "timeout": {"maxDuration": 20}}},
        "metadata": {"run_of": "monday"},
    },
    "ready": {"kind": "BatchReady", "batchId": "@browsers"},
    "sweep": {"kind": "BatchCleanup", "select": {"tags": ["never"]}, "when": "destroy"},
}


def made_by_the_dynamic_provider(stack: PluginStack, sim: Simulator) -> str:
    """A batch that a Python program has made; its id."""
    stack.stage.write_python(PROGRAM)
    OneStack.wants(stack, RESOURCES)
    stack.up()
    [batch] = sim.batches
    return batch


def to_python(stack: PluginStack) -> None:
    """The same program over the plugin."""
    stack.stage.write_python(OVER_THE_PLUGIN)


def to_yaml(stack: PluginStack) -> None:
    """A YAML program with resources of the same names."""
    stack.wants(IN_YAML)


MOVES: list[Callable[[PluginStack], None]] = [to_python, to_yaml]


def is_over_the_plugin(stack: PluginStack, batch: str) -> None:
    """The state has the same batch, with the names of the plugin."""
    state = stack.state_of("browsers")
    assert (state["id"], state["type"]) == (batch, "anchorbrowser:index:Batch")
    assert "__provider" not in {**state["inputs"], **state["outputs"]}
    assert not [name for name in {**state["inputs"], **state["outputs"]} if "_" in name and not name.startswith("__")]
    assert state["outputs"]["batchId"] == batch
    assert state["outputs"]["metadata"] == {"run_of": "monday"}
    assert state["outputs"]["configuration"]["session"]["timeout"] == {"maxDuration": 20}


@pytest.mark.parametrize("move", MOVES)
def test_an_up_after_the_move_recreates_nothing_and_rewrites_the_outputs(
    stack: PluginStack, sim: Simulator, move: Callable[[PluginStack], None]
) -> None:
    batch = made_by_the_dynamic_provider(stack, sim)
    move(stack)
    moved = stack.up()
    assert set(moved.changes) <= {"update"}
    assert stack.calls == []
    is_over_the_plugin(stack, batch)
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_refresh_after_the_move_is_followed_by_an_up_that_recreates_nothing(
    stack: PluginStack, sim: Simulator
) -> None:
    batch = made_by_the_dynamic_provider(stack, sim)
    to_yaml(stack)
    stack.refresh()
    moved = stack.up()
    assert set(moved.changes) <= {"update"}
    assert stack.calls == []
    is_over_the_plugin(stack, batch)
    assert len(sim.live_sessions()) == 2


def test_a_destroy_right_after_the_move_deletes_the_batch(stack: PluginStack, sim: Simulator) -> None:
    batch = made_by_the_dynamic_provider(stack, sim)
    to_yaml(stack)
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_cancel_in_the_same_up_as_the_move_is_one_patch(stack: PluginStack, sim: Simulator) -> None:
    batch = made_by_the_dynamic_provider(stack, sim)
    stack.up(IN_YAML | {"browsers": {**IN_YAML["browsers"], "status": "cancelled"}})
    assert stack.calls[0] == f"PATCH {batch}"
    assert sim.live_sessions() == []
    assert len(sim.batches) == 1
    is_over_the_plugin(stack, batch)
