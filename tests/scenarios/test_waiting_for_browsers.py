"""`BatchReady`: enough browsers, too few, too late, and a Ctrl-C while it waits."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import pytest
from scenarios.one_stack import COUNT, SECONDS, OneStack, one_error
from stages import EngineStage

from pulumi_anchorbrowser.simulator import Simulator


class Case(NamedTuple):
    """17 of 20 browsers come up at once, the others after `heals` retries (None: never)."""

    min_ready: int | None
    retry_failed: int
    heals: int | None
    ready: int | None  # None: the wait fails
    retried: bool


ENOUGH = [
    Case(min_ready=17, retry_failed=0, heals=None, ready=17, retried=False),
    Case(min_ready=17, retry_failed=3, heals=1, ready=17, retried=False),
    Case(min_ready=18, retry_failed=1, heals=1, ready=20, retried=True),
    Case(min_ready=None, retry_failed=2, heals=2, ready=20, retried=True),
    Case(min_ready=20, retry_failed=3, heals=3, ready=20, retried=True),
]
TOO_FEW = [
    Case(min_ready=18, retry_failed=0, heals=1, ready=None, retried=False),
    Case(min_ready=None, retry_failed=0, heals=1, ready=None, retried=False),
    Case(min_ready=None, retry_failed=3, heals=None, ready=None, retried=True),
]


def told(case: Case) -> str:
    return f"min_ready-{case.min_ready}-retry_failed-{case.retry_failed}-heals-{case.heals}"


def awaited(count: int, **ready: Any) -> dict[str, dict[str, Any]]:
    return {"browsers": {"count": count}, "ready": {"kind": "BatchReady", "batch_id": "@browsers", **ready}}


def wanted_by(case: Case, sim: Simulator) -> dict[str, dict[str, Any]]:
    sim.settings.failing_sessions, sim.settings.retries_to_heal = 3, case.heals
    return awaited(20, min_ready=case.min_ready, retry_failed=case.retry_failed, timeout="1m")


def retry_bodies(sim: Simulator) -> list[Any]:
    return [request.body for request in sim.requests_of("POST") if request.path.endswith("/retry")]


@pytest.mark.parametrize("case", ENOUGH, ids=told)
def test_with_3_of_20_failing_the_wait_ends_once_enough_are_ready(stack: OneStack, sim: Simulator, case: Case) -> None:
    made = stack.up(wanted_by(case, sim)).outputs
    batch, ready = made["browsers"]["batch_id"], made["ready"]
    assert stack.calls == ["POST", *([f"POST {batch}/retry"] if case.retried else [])]
    again = [{"retry_failed_only": True, "max_retries": case.retry_failed}]
    assert retry_bodies(sim) == (again if case.retried else [])
    counts = (ready["completed_requests"], ready["failed_requests"], ready.get("retried_sessions"))
    assert counts == (case.ready, 20 - (case.ready or 0), 3 if case.retried else None)
    assert len(sim.live_sessions()) == case.ready
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


@pytest.mark.parametrize("case", TOO_FEW, ids=told)
def test_with_3_of_20_failing_too_few_is_an_error_and_the_batch_stays_in_the_state(
    stack: OneStack, sim: Simulator, case: Case
) -> None:
    error = one_error(stack.up(wanted_by(case, sim), expect_failure=True))
    assert "17 of 20 browsers ready" in error
    assert f"; {case.min_ready or 20} browsers needed" in error
    assert ("after a retry of 3 sessions" in error) == case.retried
    assert stack.names() == {"browsers"}
    [batch] = sim.batches
    assert stack.calls == ["POST", *([f"POST {batch}/retry"] if case.retried else [])]
    assert len(sim.live_sessions()) == 17
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_after_a_timeout_the_next_up_waits_for_the_same_batch(stack: OneStack, sim: Simulator) -> None:
    sim.settings.creation_seconds = SECONDS
    failed = stack.up(awaited(COUNT, timeout=0.5), expect_failure=True)
    error = one_error(failed)
    assert "was not ready within 0.5 s: 0 of 10 browsers ready" in error
    assert "Run `pulumi up` again to wait longer" in error
    assert any("0 of 10 browsers ready" in line.message for line in failed.status)
    [batch] = sim.batches
    assert stack.stage.resource_outputs("browsers")["batch_id"] == batch

    sim.complete(batch)
    result = stack.up()
    assert result.changes == {"create": 1}
    assert stack.calls == []
    assert result.outputs["ready"]["completed_requests"] == COUNT
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


@pytest.mark.engine_decides
def test_the_wait_reports_its_progress_on_its_own_row(stack: OneStack, sim: Simulator) -> None:
    sim.settings.failing_sessions = 1
    result = stack.up(awaited(3, min_ready=2))
    urn = stack.stage.urn("ready")
    progress = [line.message for line in result.status if line.urn == urn]
    assert progress
    assert progress[-1].startswith("2 of 3 browsers ready (2 needed), 1 failed")


def test_another_timeout_is_an_update_that_calls_nothing(stack: OneStack, sim: Simulator) -> None:
    stack.up(awaited(3, timeout="1m"))
    assert stack.up(awaited(3, timeout="2m")).changes == {"update": 1}
    assert stack.requests == []
    stack.destroy()
    assert len(sim.requests_of("DELETE")) == 1


@pytest.mark.engine_decides
def test_one_ctrl_c_during_a_wait_leaves_the_batch_in_the_state_and_destroy_removes_it(
    engine_stack: OneStack, sim: Simulator
) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    sim.settings.creation_seconds = SECONDS
    engine_stack.wants(awaited(COUNT, timeout="30s"))
    command = stage.start_up()
    await_requests(sim, "GET", 2)
    command.interrupt()
    command.await_text("^C received")
    # The engine lets what is under way come to its end: the wait ends as soon as the browsers are there.
    [batch] = sim.batches
    sim.complete(batch)
    stage.finished(command)

    exported = stage.export()["deployment"]
    assert [r["id"] for r in exported["resources"] if r["urn"].endswith("::browsers")] == [batch]
    assert not exported.get("pending_operations")
    assert len(sim.live_sessions()) == COUNT
    engine_stack.destroy()
    assert engine_stack.calls == [f"DELETE {batch}"]


def await_requests(sim: Simulator, method: str, count: int, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while len(sim.requests_of(method)) < count:
        assert time.monotonic() < until, f"there were not {count} {method} in time"
        time.sleep(0.02)
