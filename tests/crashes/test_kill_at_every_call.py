"""kill -9 of everything at every call of the API, before and after it is handled; then the same command again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from crashes.killed_runs import MOMENTS, READY, WITHOUT_CHECKPOINTS, KillableStack, Moment
from crashes.truths import truths
from scenarios.one_stack import COUNT, HALF_TIME, SECONDS, OneStack, browsers

Resources = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    """A run on the way from one program to another, and the calls it makes when nothing disturbs it."""

    name: str
    calls: tuple[str, ...]
    before: Resources | None = None
    wanted: Resources | None = None  # None: it is a destroy
    settings: dict[str, Any] = field(default_factory=dict)
    running: int = 0  # how many browsers run when it begins

    @property
    def verb(self) -> str:
        return "destroy" if self.wanted is None else "up"

    def prepare(self, stack: KillableStack) -> None:
        """Brings the stack to where the operation begins."""
        for name, value in self.settings.items():
            setattr(stack.sim.settings, name, value)
        if self.before is not None:
            stack.up(self.before)
            stack.sim.advance(HALF_TIME)
            assert len(stack.sim.live_sessions()) >= self.running > 0
        if self.wanted is not None:
            stack.wants(self.wanted)


SLOW = {"creation_seconds": SECONDS}
OPERATIONS = [
    Operation("up", ("POST", "GET", "GET"), wanted=browsers(count=2) | READY, settings={"creation_seconds": 40}),
    Operation(
        "up-to-cancelled",
        ("PATCH", "GET"),
        before=browsers(count=COUNT),
        wanted=browsers(count=COUNT, status="cancelled"),
        settings=SLOW,
        running=5,
    ),
    Operation(
        "up-to-cancelled-when-completed",
        ("PATCH", "GET", "DELETE session", "DELETE session", "GET"),
        before=browsers(count=2),
        wanted=browsers(count=2, status="cancelled"),
        running=2,
    ),
    Operation(
        "up-to-deleted",
        ("DELETE", "GET"),
        before=browsers(count=COUNT),
        wanted=browsers(count=COUNT, status="deleted"),
        settings=SLOW,
        running=5,
    ),
    Operation(
        "up-to-deleted-by-halves",
        ("DELETE", "DELETE", "DELETE", "DELETE session", "GET"),
        before=browsers(count=3),
        wanted=browsers(count=3, status="deleted"),
        settings={"failing_deletions": 1},
        running=3,
    ),
    Operation(
        "up-to-replaced",
        ("GET", "POST", "DELETE", "GET"),
        before=browsers(count=2),
        wanted=browsers(count=3),
        running=2,
    ),
    Operation("destroy", ("DELETE", "GET"), before=browsers(count=COUNT), settings=SLOW, running=5),
]
EVERY_CALL = [
    pytest.param(operation, nth, moment, id=f"{operation.name}-{nth}-{call.replace(' ', '-')}-{moment}")
    for operation in OPERATIONS
    for nth, call in enumerate(operation.calls, start=1)
    for moment in MOMENTS
]
STOPS = [operation for operation in OPERATIONS if "POST" not in operation.calls]


def told(stack: OneStack) -> list[str]:
    """Every call of the last command, reads included, without ids."""
    changing = iter(stack.calls)
    return [
        "GET" if r.method == "GET" else " ".join(w for w in next(changing).split() if w in {r.method, "session"})
        for r in stack.requests
    ]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_these_are_all_the_calls_of_a_run_that_nothing_disturbs(stack: KillableStack, operation: Operation) -> None:
    operation.prepare(stack)
    stack.time_goes_by()
    stack.same_again(operation.verb)
    assert told(stack) == list(operation.calls)
    AFTERWARDS[operation.name](stack)


@pytest.mark.parametrize(("operation", "nth", "moment"), EVERY_CALL)
def test_a_run_killed_at_any_call_converges_when_it_is_run_again(
    stack: KillableStack, operation: Operation, nth: int, moment: Moment
) -> None:
    killed_and_run_again(stack, operation, nth, moment)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("operation", STOPS, ids=lambda operation: operation.name)
def test_a_stop_without_checkpoints_converges_too(stack: KillableStack, operation: Operation, moment: Moment) -> None:
    """The engine then writes its state only at the end, so that no later run knows of a create, but of every stop."""
    stack.stage.env.update(WITHOUT_CHECKPOINTS)
    killed_and_run_again(stack, operation, 1, moment)


def killed_and_run_again(stack: KillableStack, operation: Operation, nth: int, moment: Moment) -> None:
    operation.prepare(stack)
    stack.killed(operation.verb, nth, moment)
    assert stack.requests[nth - 1].handled == (moment == "after")
    assert told(stack)[nth - 1] == operation.calls[nth - 1]

    stack.same_again(operation.verb)
    stack.has_no_orphan()
    AFTERWARDS[operation.name](stack)
    if operation.verb != "destroy":
        stack.last_destroy()


def after_up(stack: KillableStack) -> None:
    """One batch runs, whatever an interrupted create has left."""
    outputs = stack.stacks_batches()["browsers"]
    assert (outputs["status"], outputs["live_status"] in {"pending", "processing", "completed"}) == ("active", True)
    assert stack.live_ids() == {outputs["batch_id"]}
    assert all(batch.deleted for batch in stack.sim.batches.values() if batch.id != outputs["batch_id"])
    assert stack.stage.resource_outputs("ready")["completed_requests"] == 2


def after_cancel(stack: KillableStack) -> None:
    outputs = stack.stacks_batches()["browsers"]
    assert (outputs["status"], outputs["live_status"]) == ("cancelled", "cancelled")
    [batch] = stack.sim.batches.values()
    assert truths(batch)["cancelled_sessions"] == 5
    assert stack.live_ids() == set()


def after_ending(stack: KillableStack) -> None:
    outputs = stack.stacks_batches()["browsers"]
    assert (outputs["status"], outputs["live_status"]) == ("cancelled", "completed")
    [batch] = stack.sim.batches.values()
    assert truths(batch)["ended_sessions"] == 2
    assert stack.live_ids() == set()


def after_delete(stack: KillableStack) -> None:
    outputs = stack.stacks_batches()["browsers"]
    assert (outputs["status"], outputs["live_status"]) == ("deleted", "deleted")
    assert [batch.deleted for batch in stack.sim.batches.values()] == [True]
    assert stack.live_ids() == set()


def after_half_a_delete(stack: KillableStack) -> None:
    outputs = stack.stacks_batches()["browsers"]
    assert outputs["status"] == "deleted"
    [batch] = stack.sim.batches.values()
    assert (len(batch.removed), len(batch.running())) == (2, 0)
    assert stack.live_ids() == set()


def after_replacement(stack: KillableStack) -> None:
    outputs = stack.stacks_batches()["browsers"]
    assert outputs["count"] == 3
    assert stack.live_ids() == stack.known_ids() == {outputs["batch_id"]}
    assert all(batch.deleted for batch in stack.sim.batches.values() if batch.id != outputs["batch_id"])


def after_destroy(stack: KillableStack) -> None:
    assert stack.names() == set()
    assert [batch.deleted for batch in stack.sim.batches.values()] == [True]


AFTERWARDS: dict[str, Callable[[KillableStack], None]] = {
    "up": after_up,
    "up-to-cancelled": after_cancel,
    "up-to-cancelled-when-completed": after_ending,
    "up-to-deleted": after_delete,
    "up-to-deleted-by-halves": after_half_a_delete,
    "up-to-replaced": after_replacement,
    "destroy": after_destroy,
}
