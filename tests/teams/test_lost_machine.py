"""A machine is lost in the middle of a create, with its receipts: another one settles it by the state alone."""

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
    """The second machine, after the first was killed before the response to its create, and was thrown away."""
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


def test_the_same_command_on_another_machine_deletes_what_is_left_and_starts_another_batch(
    survivor: Machine, sim: Simulator, postgres: Database
) -> None:
    [left] = sim.batches
    sim.clear_requests()
    refused = survivor.stage.finished(survivor.stage.start("up"))
    assert refused.failed
    assert "delete the lock file with `pulumi cancel`" in refused.text
    assert sim.requests == []
    survivor.stage.cancel()
    assert postgres.keys(LOCKS) == []

    result = survivor.same_again("up")
    assert survivor.calls == [f"DELETE {left}", "POST"]
    assert [line for line in result.messages("warning") if f"deleting batch {left}" in line]
    assert survivor.live_ids() == survivor.known_ids()
    survivor.last_destroy()


def test_the_orphan_of_a_first_up_is_found_by_the_state_where_a_destroy_calls_no_provider(
    survivor: Machine, sim: Simulator
) -> None:
    [orphan] = sim.batches
    survivor.same_again("destroy")
    assert survivor.live_ids() == {orphan}

    assert orphans_of(survivor) == [(orphan, "interrupted", ["state"])]
    sim.clear_requests()
    orphans_of(survivor, "--delete", "--yes")
    assert survivor.calls == [f"DELETE {orphan}"]
    assert sim.live_sessions() == []


def test_without_the_pending_operations_only_the_owner_tag_names_what_is_left(
    survivor: Machine, sim: Simulator
) -> None:
    [orphan] = sim.batches
    survivor.unlock()
    survivor.stage.run("refresh", "--clear-pending-creates", "--yes", "--skip-preview")
    survivor.same_again("up")
    assert survivor.calls == ["POST"]
    assert orphans_of(survivor) == [(orphan, "unknown", [])]
    [known] = survivor.known_ids()
    survivor.same_again("destroy")
    assert survivor.calls == [f"DELETE {known}"]
    survivor.stage.run("stack", "rm", "--yes")
    survivor.sim.clear_requests()
    swept = survivor.run_tool("sweep", "--owner", OWNER, "--yes")
    assert swept.code == 0, swept.err
    assert survivor.calls == [f"DELETE {orphan}"]
    assert sim.live_sessions() == []
