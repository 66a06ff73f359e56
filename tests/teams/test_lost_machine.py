"""A machine is lost in the middle of a create, with its receipts: what the others see of it, and how they end it."""

from __future__ import annotations

import json

import pytest
from scenarios.one_stack import browsers
from teams.machines import Machine
from teams.postgres import LOCKS, Database

from pulumi_anchorbrowser.simulator import Simulator

OWNER = "organization/demo/dev"


@pytest.fixture
def survivor(machines: tuple[Machine, Machine]) -> Machine:
    """The second machine, after the first was killed between the API's doing and its answer, and thrown away."""
    first, second = machines
    first.wants(browsers(count=2))
    second.join(first)
    first.killed("up", 1, "after")
    first.throw_away()
    return second


def orphans_of(machine: Machine, *more: str) -> list[tuple[str, str, list[str]]]:
    """The batch, the kind, and where its claim was found, of each."""
    ended = machine.run_tool("orphans", "--stack", "dev", "--owner", OWNER, "--json", *more)
    assert ended.code == 0, ended.err
    return [(one["batch_id"], one["kind"], one["found_in"]) for one in json.loads(ended.out)["orphans"]]


def test_after_a_cancel_the_orphan_is_found_by_the_state_alone_and_deleted(
    survivor: Machine, sim: Simulator, postgres: Database
) -> None:
    [orphan] = sim.batches
    sim.clear_requests()
    refused = survivor.stage.finished(survivor.stage.start("up"))
    assert refused.failed
    assert "delete the lock file with `pulumi cancel`" in refused.text
    assert sim.requests == []
    survivor.stage.cancel()
    assert postgres.keys(LOCKS) == []

    assert orphans_of(survivor) == [(orphan, "interrupted", ["state"])]
    sim.clear_requests()
    orphans_of(survivor, "--delete", "--yes")
    assert survivor.calls == [f"DELETE {orphan}"]
    assert sim.live_sessions() == []

    survivor.same_again("up")
    assert survivor.calls == ["POST"]
    assert survivor.live_ids() == survivor.known_ids()
    survivor.last_destroy()


def test_without_that_another_batch_is_started_and_not_even_a_destroy_takes_the_orphan(
    survivor: Machine, sim: Simulator
) -> None:
    [orphan] = sim.batches
    survivor.same_again("up")
    assert survivor.calls == ["POST"]
    [known] = survivor.known_ids()
    assert survivor.live_ids() == {orphan, known}
    survivor.same_again("destroy")
    assert survivor.calls == [f"DELETE {known}"]
    assert survivor.live_ids() == {orphan}

    # The state still has the claim, and the sessions have the tag: either finds it.
    assert orphans_of(survivor) == [(orphan, "interrupted", ["state"])]
    survivor.stage.run("stack", "rm", "--yes")
    survivor.sim.clear_requests()
    swept = survivor.run_tool("sweep", "--owner", OWNER, "--yes")
    assert swept.code == 0, swept.err
    assert survivor.calls == [f"DELETE {orphan}"]
    assert sim.live_sessions() == []
