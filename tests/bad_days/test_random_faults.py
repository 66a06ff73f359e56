"""Three requests in ten go wrong, one way or another, while 30 batches start, are cancelled and are destroyed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from bad_days.watched_stack import WatchedStack
from crashes.killed_runs import OURS, KillableStage, counts_are_true
from scenarios.one_stack import BATCHES, errors
from stages import StageResult

from pulumi_anchorbrowser.simulator import Fault, Simulator

BATCH_COUNT, COUNT, RATE, MOST_RUNS = 30, 2, 0.3, 3
# More of them, for a long run: ANCHORBROWSER_TEST_SEEDS="1 2 3".
SEEDS = [(int(seed), int(seed) % 2 == 1) for seed in os.environ.get("ANCHORBROWSER_TEST_SEEDS", "1 4").split()]
EVERYTHING = [
    500,
    502,
    503,
    429,
    Fault("status", status=503, retry_after=1),
    Fault("status", status=429, retry_after=1),
    Fault("status", status=500, handled=True),
    "reset_before",
    "reset_after",
    "reset_mid_body",
    "garbled",
    "truncated",
    "html",
    Fault("html", status=502, handled=False),
    "no_reply",
    Fault("no_reply", handled=False),
]


def everything_goes_wrong(sim: Simulator, seed: int) -> None:
    """Creates have dice of their own: which of them fail, in their order, depends on the seed alone."""
    sim.faults.clear()
    sim.faults.chance(RATE, seed, EVERYTHING, method="POST", path=BATCHES)
    for number, method in enumerate(("GET", "PATCH", "DELETE"), start=1):
        sim.faults.chance(RATE, 1000 * number + seed, EVERYTHING, method=method)


def runs_until_it_works(stack: WatchedStack, verb: str) -> int:
    """Gives the same command until it succeeds, three times at most; how often that was.

    With --continue-on-error, since the engine else leaves out the rest as soon as one has failed.
    """
    failed: list[StageResult] = []
    while len(failed) < MOST_RUNS:
        result = command(stack, verb)
        if not result.failed:
            return len(failed) + 1
        failed.append(result)
    raise AssertionError(f"{verb} did not converge in {MOST_RUNS} runs; their errors: {[errors(r) for r in failed]}")


def command(stack: WatchedStack, verb: str) -> StageResult:
    """One run, failed or not."""
    stage = stack.stage
    assert isinstance(stage, KillableStage)
    result = stack.run(lambda: stage.finished(stage.start(verb, ["--parallel", "64", "--continue-on-error"])))
    assert all("Traceback" not in error for error in errors(result))
    assert bool(errors(result)) == result.failed, result.text
    return result


def thirty(**inputs: Any) -> dict[str, dict[str, Any]]:
    """The program: 30 batches."""
    return {f"batch-{number:02}": {"count": COUNT, **inputs} for number in range(BATCH_COUNT)}


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "is_cancellable"), SEEDS)
def test_thirty_batches_converge_while_three_requests_in_ten_go_wrong(
    engine_stack: WatchedStack,
    sim: Simulator,
    record_property: Callable[[str, object], None],
    seed: int,
    *,
    is_cancellable: bool,
) -> None:
    stack = engine_stack
    stack.stage.env.update(ANCHORBROWSER_MAX_RETRIES="5", ANCHORBROWSER_REQUEST_TIMEOUT="2")
    if is_cancellable:  # a PATCH cancels a failed batch; a completed one has its sessions ended one by one
        sim.settings.failing_sessions, sim.settings.partly_failed_status = 1, "failed"
    everything_goes_wrong(sim, seed)

    stack.wants(thirty())
    record_property("runs of up", runs_until_it_works(stack, "up"))
    assert len(stack.known_ids()) == BATCH_COUNT
    assert stack.live_ids() == stack.known_ids()

    stack.wants(thirty(status="cancelled"))
    record_property("runs of up to cancelled", runs_until_it_works(stack, "up"))
    assert sim.live_sessions() == []
    resources = [r for r in stack.stage.export()["deployment"]["resources"] if r["type"] == OURS]
    assert len(resources) == BATCH_COUNT
    for resource in resources:
        counts_are_true(resource["outputs"], sim.batches[resource["id"]])

    record_property("runs of destroy", runs_until_it_works(stack, "destroy"))
    assert stack.names() == set()
    assert all(batch.deleted for batch in sim.batches.values())
    assert sim.live_sessions() == []
    record_property("batches ever made", len(sim.batches))
    record_property("requests that went wrong", dict(stack.struck))
    assert len(stack.struck) >= len(EVERYTHING) / 2
