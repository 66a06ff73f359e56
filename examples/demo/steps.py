"""The steps of the demo, and what must be true after each. The simulator knows the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from runners import COUNT, MIN_READY, Runner

from pulumi_anchorbrowser.simulator import SimulatedBatch, Simulator


class Untrue(Exception):
    """A report of Pulumi that is not true."""


class Row(NamedTuple):
    """One line of the table at the end."""

    step: str
    call: str
    counts: str
    live: str


def run_steps(runner: Runner, simulator: Simulator) -> Iterator[Row]:
    """Run the steps. Raise Untrue as soon as an output differs from the truth."""
    announce("Start a batch of browsers, and wait for the first ones")
    yield _row("create and wait", simulator, _created(runner.up("active"), simulator))
    announce("Cancel it, while most of its browsers are still being started")
    yield _row("cancel", simulator, _cancelled(runner.up("cancelled"), simulator))
    announce("Delete it, with the data of its sessions")
    yield _row("delete", simulator, _deleted(runner.up("deleted"), simulator))
    announce("Destroy the stack")
    runner.destroy()
    yield _row("destroy", simulator, _destroyed(simulator))


def announce(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n--- {text}", flush=True)


def _created(outputs: dict[str, Any], simulator: Simulator) -> str:
    batch = _only_batch(simulator)
    ready = len(batch.running())
    must_be("batch_id", outputs["batch_id"], batch.id)
    must_be("total_requests", outputs["total_requests"], COUNT)
    must_be("ready in time", ready >= MIN_READY, True)
    return f"{COUNT} requested, {ready} ready by now"


def _cancelled(outputs: dict[str, Any], simulator: Simulator) -> str:
    stopped = len(_only_batch(simulator).ended)
    must_be("PATCH bodies", [call.body for call in simulator.requests_of("PATCH")], [{"status": "cancelled"}])
    must_be("cancelled_sessions", outputs["cancelled_sessions"], stopped)
    must_be("browsers were stopped", stopped >= MIN_READY, True)
    must_be("live browsers", len(simulator.live_sessions()), 0)
    return f"cancelled_sessions = {outputs['cancelled_sessions']}"


def _deleted(outputs: dict[str, Any], simulator: Simulator) -> str:
    batch = _only_batch(simulator)
    must_be("deleted_sessions", outputs["deleted_sessions"], len(batch.removed))
    must_be("failed_deletions", outputs["failed_deletions"], 0)
    must_be("cancelled_sessions", outputs["cancelled_sessions"], len(batch.ended))
    return f"deleted_sessions = {outputs['deleted_sessions']}"


def _destroyed(simulator: Simulator) -> str:
    must_be("batch deleted", _only_batch(simulator).deleted, True)
    must_be("calls after the delete", _changing_calls(simulator), [])
    return "nothing was left to stop"


def must_be(what: str, said: object, true: object) -> None:
    """Raise Untrue unless the two are equal."""
    if said != true:
        raise Untrue(f"{what}: Pulumi says {said!r}, the simulator {true!r}")


def _row(step: str, simulator: Simulator, counts: str) -> Row:
    calls = ", ".join(_changing_calls(simulator)) or "none"
    simulator.clear_requests()
    sessions = simulator.live_sessions()
    running = sum(session.running for session in sessions)
    to_come = len(sessions) - running
    return Row(step, calls, counts, f"{running} running" + (f", {to_come} to come" if to_come else ""))


def _changing_calls(simulator: Simulator) -> list[str]:
    calls = [call for call in simulator.requests if call.method != "GET"]
    batches = "/v1/batch-sessions/"
    return [f"{c.method} {batches + '{id}' if c.path.startswith(batches) else c.path}" for c in calls]


def _only_batch(simulator: Simulator) -> SimulatedBatch:
    batches = list(simulator.batches.values())
    must_be("number of batches", len(batches), 1)
    return batches[0]
