"""What a change of the program does to a batch: another batch, a change of the state alone, or a refusal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from scenarios.one_stack import COUNT, OneStack, browsers, started_outside
from stages.base import find_resource

from pulumi_anchorbrowser.simulator import Simulator

STARTED_WITH: list[dict[str, Any]] = [
    {"count": 5},
    {"count": 3, "metadata": {"job": "weekly"}},
    {"count": 3, "configuration": {"session": {"tags": ["weekly"]}}},
]


@pytest.mark.engine_decides
def test_another_count_makes_a_new_batch_before_the_old_one_is_deleted(stack: OneStack, sim: Simulator) -> None:
    old = stack.up(browsers(count=3)).outputs["browsers"]
    result = stack.up(browsers(count=5))
    new = result.outputs["browsers"]
    assert result.changes == {"replace": 1, "delete-replaced": 1}
    assert stack.calls == ["POST", f"DELETE {old['batch_id']}"]
    assert new["claim"] != old["claim"]
    assert {session.batch_id for session in sim.live_sessions()} == {new["batch_id"]}
    assert len(sim.live_sessions()) == 5
    stack.destroy()
    assert stack.calls == [f"DELETE {new['batch_id']}"]


def test_other_metadata_or_another_configuration_makes_a_new_batch_too(stack: OneStack, sim: Simulator) -> None:
    first = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    second = stack.up(browsers(**STARTED_WITH[1])).outputs["browsers"]["batch_id"]
    assert stack.calls == ["POST", f"DELETE {first}"]
    third = stack.up(browsers(**STARTED_WITH[2])).outputs["browsers"]["batch_id"]
    assert stack.calls == ["POST", f"DELETE {second}"]
    assert {session.batch_id for session in sim.live_sessions("weekly")} == {third}


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_another_count_of_a_stopped_batch_is_saved_and_calls_nothing(stack: OneStack, status: str) -> None:
    batch = stack.start_half()
    stack.up(browsers(count=COUNT, status=status))
    result = stack.up(browsers(status=status, **{**STARTED_WITH[2], "count": 7}))
    assert result.changes == {"update": 1}
    assert stack.requests == []
    made = result.outputs["browsers"]
    assert (made["count"], made["configuration"], made["batch_id"]) == (7, {"session": {"tags": ["weekly"]}}, batch)
    assert f"changed count, configuration was saved and has no effect: the batch is {status}" in result.messages("info")
    assert made[f"{status}_sessions"] == 5
    assert stack.has_nothing_to_do()
    stack.destroy()


def test_to_cancel_and_change_the_count_at_once_starts_nothing(stack: OneStack, sim: Simulator) -> None:
    batch = stack.start_half()
    result = stack.up(browsers(count=7, status="cancelled"))
    assert stack.calls == [f"PATCH {batch}"]
    assert result.changes == {"update": 1}
    assert sim.live_sessions() == []


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_back_to_active_is_a_new_batch_where_it_was_started_here(stack: OneStack, sim: Simulator, status: str) -> None:
    old = stack.start_half()
    stack.up(browsers(count=COUNT, status=status))
    result = stack.up(browsers(count=COUNT))
    assert result.changes == {"replace": 1, "delete-replaced": 1}
    assert stack.calls == ["POST", *([f"DELETE {old}"] if status == "cancelled" else [])]
    made = result.outputs["browsers"]
    assert (made["status"], made.get("cancelled_sessions"), made.get("deleted_sessions")) == ("active", None, None)
    assert {session.batch_id for session in sim.live_sessions()} == {made["batch_id"]}
    stack.destroy()
    assert stack.calls == [f"DELETE {made['batch_id']}"]


def test_back_to_active_is_refused_for_an_adopted_batch(stack: OneStack, sim: Simulator) -> None:
    batch = started_outside(sim, creation_seconds=200.0)
    stack.up(browsers(batch_id=batch, status="cancelled"))
    refused = stack.up(browsers(batch_id=batch), expect_failure=True)
    assert stack.requests == []
    [error] = [line for line in refused.messages("error") if "resource 'browsers'" in line]
    assert "property status" in error
    assert f"batch {batch} is cancelled and cannot be made active again" in error
    assert stack.stage.resource_outputs("browsers")["status"] == "cancelled"


def test_a_change_from_deleted_to_cancelled_is_saved_and_calls_nothing(stack: OneStack) -> None:
    stack.up(browsers(count=3))
    stack.up(browsers(count=3, status="deleted"))
    result = stack.up(browsers(count=3, status="cancelled"))
    assert result.changes == {"update": 1}
    assert stack.requests == []
    made = result.outputs["browsers"]
    assert (made["status"], made["live_status"], made["deleted_sessions"]) == ("cancelled", "deleted", 3)
    assert made.get("cancelled_sessions") is None
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.requests == []


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_a_new_batch_that_is_not_to_run_is_never_started(stack: OneStack, sim: Simulator, status: str) -> None:
    result = stack.up(browsers(count=3, status=status))
    assert stack.requests == []
    made = result.outputs["browsers"]
    assert made["live_status"] == "deleted"
    assert [made.get(count) for count in ("cancelled_sessions", "deleted_sessions", "total_requests")] == [None] * 3
    [warning] = result.messages("warning")
    assert f"started no batch, because status is '{status}'" in warning
    assert stack.has_nothing_to_do()
    stack.refresh()
    assert stack.requests == []

    started = stack.up(browsers(count=3))
    assert (started.changes, stack.calls) == ({"replace": 1, "delete-replaced": 1}, ["POST"])
    assert len(sim.live_sessions()) == 3
    stack.destroy()


def test_a_default_is_an_output_whether_it_was_said_or_not(stack: OneStack) -> None:
    stack.up(browsers(count=3))
    made = find_resource(stack.stage.export(), "browsers")
    assert made["inputs"].keys().isdisjoint({"if_completed", "on_missing"}), "the engine writes inputs at every step"
    assert [made["outputs"][name] for name in ("on_destroy", "if_completed", "on_missing")] == [
        "delete",
        "end_sessions",
        "keep",
    ]
    assert stack.up(browsers(count=3, on_destroy="delete", on_missing="keep")).changes == {}
    assert stack.up(browsers(count=3, on_destroy="cancel")).changes == {"update": 1}
    result = stack.up(browsers(count=3))
    assert result.changes == {"update": 1}, "what is said no more is the default again"
    assert result.outputs["browsers"]["on_destroy"] == "delete"
    assert stack.requests == []
    stack.destroy()


@pytest.mark.parametrize(("name", "default", "other"), [
    ("on_destroy", "delete", "cancel"),
    ("status", "active", "cancelled"),
])  # fmt: skip
def test_a_preview_shows_from_what_to_what_browsers_and_their_data_go(
    engine_stack: OneStack, name: str, default: str, other: str
) -> None:
    engine_stack.up(browsers(count=3))
    engine_stack.wants(browsers(count=3, **{name: other}))
    shown = engine_stack.stage.run("preview", "--diff")
    assert re.search(f'~ {name} +: "{default}" => "{other}"', shown), shown
    engine_stack.destroy()
