"""Interrupted creates, found and spared by the services of a run."""

from __future__ import annotations

import subprocess
import sys

import pytest
from binding.conftest import EARLIER_RUN, OWNER, Machine, urn_of

from pulumi_anchorbrowser.binding import batch
from pulumi_anchorbrowser.lifecycle import LifecycleError
from pulumi_anchorbrowser.receipts import Receipts, Subject, new_run
from pulumi_anchorbrowser.simulator import Fault

CLAIM = "0198f0c2d08222aaaaaaaaaa"


def left_by_a_killed_create(machine: Machine, name: str = "crawl") -> str:
    """A batch whose create the state names as pending, and of which no receipt is on this machine."""
    earlier = machine.run(EARLIER_RUN, receipts=None)
    outputs = machine.create(earlier, name)
    machine.pending.append((urn_of(name), {"claim": outputs["claim"], "owner": OWNER, "count": 2}))
    return str(outputs["batch_id"])


def receipt_of_a_create(machine: Machine, run: str, *, stack: str = "dev") -> str:
    """A batch of which a receipt of that run knows no end. Returns its id."""
    made = machine.create(machine.run(EARLIER_RUN, receipts=None))
    receipts = Receipts(machine.folder / "receipts.sqlite3", run)
    receipts.begin("create", Subject(OWNER, urn_of("crawl", stack), made["claim"], "", count=2))
    receipts.close()
    return str(made["batch_id"])


def of_a_process_that_has_ended() -> str:
    script = "from pulumi_anchorbrowser.receipts import new_run; print(new_run())"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_a_leftover_is_deleted_before_its_resource_is_created_again(machine: Machine) -> None:
    left = left_by_a_killed_create(machine)
    made = machine.create(machine.run())
    assert machine.live() == {made["batch_id"]} != {left}


def test_a_settled_create_is_neither_announced_nor_looked_for_again(machine: Machine) -> None:
    """Pulumi keeps the pending entry until the user clears it."""
    left_by_a_killed_create(machine)
    made = machine.create(machine.run())
    machine.said.warnings.clear()
    machine.sim.clear_requests()
    services = machine.run()
    batch.diff(
        services,
        made["batch_id"],
        made,
        {"count": 2, "owner": OWNER},
        urn=urn_of("crawl"),
        is_unknown=lambda _: False,
        notices=machine.said,
    )
    machine.delete(services, made)
    assert machine.said.warnings == []
    assert not [one for one in machine.sim.requests if "pulumi-claim" in str(one.query)]


def test_a_failed_look_is_made_and_warned_of_once_for_all_deletes_of_a_run(machine: Machine) -> None:
    others = [machine.create(machine.run(EARLIER_RUN), name) for name in ("a", "b", "c")]
    left = left_by_a_killed_create(machine)
    machine.sim.faults.add(
        Fault("status", status=503, method="GET", times=None, when=lambda one: "pulumi-claim" in str(one.query))
    )
    machine.sim.clear_requests()
    services = machine.run()
    for outputs, name in zip(others, ("a", "b", "c"), strict=True):
        machine.delete(services, outputs, name)
    assert machine.live() == {left}
    looks = [one for one in machine.sim.requests if "pulumi-claim" in str(one.query)]
    assert len([one for one in machine.said.warnings if "could not look for the batch" in one]) == 1
    assert len(looks) < 10


def test_a_failed_look_refuses_the_create_of_its_resource(machine: Machine) -> None:
    left = left_by_a_killed_create(machine)
    machine.sim.faults.add(
        Fault("status", status=503, method="GET", times=None, when=lambda one: "pulumi-claim" in str(one.query))
    )
    with pytest.raises(LifecycleError, match="Started nothing"):
        machine.create(machine.run())
    assert machine.live() == {left}


def test_a_leftover_that_the_program_adopts_is_spared(machine: Machine) -> None:
    left = left_by_a_killed_create(machine)
    other = machine.create(machine.run(EARLIER_RUN), "other")
    services = machine.run()
    machine.create(services, "adopted", count=None, batch_id=left)
    machine.delete(services, other, "other")
    assert machine.live() == {left}


def test_a_create_of_a_process_that_has_ended_is_settled(machine: Machine) -> None:
    left = receipt_of_a_create(machine, of_a_process_that_has_ended())
    made = machine.create(machine.run())
    assert machine.live() == {made["batch_id"]} != {left}


def test_a_create_in_flight_in_another_process_is_spared(machine: Machine) -> None:
    """Two stacks of one name in two backends, as in tests that run in parallel: an owner is only a label."""
    in_flight = receipt_of_a_create(machine, new_run())
    made = machine.create(machine.run())
    machine.delete(machine.run(), made)
    assert machine.live() == {in_flight}


def test_a_create_of_another_stack_is_spared_although_its_owner_has_the_same_name(machine: Machine) -> None:
    """After `pulumi stack rename`, resources have the old name as their owner until the next `up`."""
    others = receipt_of_a_create(machine, of_a_process_that_has_ended(), stack="other")
    made = machine.create(machine.run())
    machine.delete(machine.run(), made)
    assert machine.live() == {others}


def test_without_a_urn_nothing_is_looked_for_and_one_warning_says_so(machine: Machine) -> None:
    left = left_by_a_killed_create(machine)
    services = machine.run()
    for number in range(2):
        inputs = {"count": 1, "owner": OWNER, "claim": f"{CLAIM[:-1]}{number}"}
        batch.create(services, inputs, urn="", notices=machine.said)
    assert left in machine.live()
    assert len(machine.said.warnings) == 1
    assert "does not name the stack" in machine.said.warnings[0]
