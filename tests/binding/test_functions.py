"""The functions of the resources: what a binding to Pulumi calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from binding.conftest import EARLIER_RUN, KEY, OWNER, THIS_RUN, Machine, urn_of

from pulumi_anchorbrowser.api import InvalidApiKey
from pulumi_anchorbrowser.binding import batch, cleanup, ready
from pulumi_anchorbrowser.binding.services import NoApiKey, Services
from pulumi_anchorbrowser.binding.settings import FROM_STACK, Settings
from pulumi_anchorbrowser.lifecycle.tags import run_mark_of
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault

URN = urn_of("crawl")


def known(_: object) -> bool:
    return False


def test_a_whole_life_goes_through_plain_values(machine: Machine) -> None:
    services = machine.run()
    news = {"count": 2}
    inputs = batch.check(services, {}, news, urn=URN, owner=OWNER, is_unknown=known).inputs
    id_, outputs = batch.create(services, inputs, urn=URN, notices=machine.said)
    assert id_ == outputs["batch_id"]
    read = batch.read(services, outputs, urn=URN, notices=machine.said)
    assert read is not None
    wanted = batch.check(
        services, inputs, {**news, "status": "cancelled"}, urn=URN, owner=OWNER, is_unknown=known
    ).inputs
    changes = batch.diff(services, id_, read, wanted, urn=URN, is_unknown=known, notices=machine.said)
    assert (changes.changed, changes.replaces) == (["status"], [])
    stopped = batch.update(services, read, wanted, urn=URN, notices=machine.said)
    assert (stopped["still_running"], machine.live()) == (0, set())
    last = batch.delete(services, stopped, urn=URN, notices=machine.said)
    assert (last["live_status"], last["deleted_sessions"]) == ("deleted", 2)


def test_a_claim_names_its_run_and_stays_with_its_batch(machine: Machine) -> None:
    services = machine.run()
    first = batch.check(services, {}, {"count": 2}, urn=URN, owner=OWNER, is_unknown=known).inputs
    assert run_mark_of(first["claim"]) == THIS_RUN
    later = machine.run(EARLIER_RUN)
    again = batch.check(later, first, {"count": 3}, urn=URN, owner=OWNER, is_unknown=known).inputs
    assert again["claim"] == first["claim"]


def test_a_check_and_a_diff_need_no_key(machine: Machine) -> None:
    services = Services(Settings(None, None, machine.sim.url), machine.said, THIS_RUN)
    inputs = batch.check(services, {}, {"count": 2}, urn=URN, owner=OWNER, is_unknown=known).inputs
    batch.diff(services, "id", {"count": 1}, inputs, urn=URN, is_unknown=known, notices=machine.said)
    with pytest.raises(NoApiKey):
        batch.create(services, inputs, urn=URN, notices=machine.said)


@pytest.mark.parametrize("name", ["create", "update", "delete"])
def test_the_urn_is_in_the_receipts_and_never_in_outputs(machine: Machine, name: str) -> None:
    services = machine.run()
    outputs = machine.create(services)
    if name == "update":
        news = {**outputs, "status": "cancelled", "batch_id": None}
        outputs = batch.update(services, outputs, news, urn=URN, notices=machine.said)
    if name == "delete":
        outputs = batch.delete(services, outputs, urn=URN, notices=machine.said)
    assert URN not in str(outputs)
    assert "resource_urn" not in outputs
    assert {one.subject.urn for one in Receipts(machine.folder / "receipts.sqlite3").all()} == {URN}


def test_a_renamed_stack_changes_nothing_of_its_batches(machine: Machine) -> None:
    """Their sessions keep the tag of the old name, and so does the record."""
    services = machine.run()
    outputs = machine.create(services)
    news = {"count": 2, "owner": "acme/shop/renamed"}
    changes = batch.diff(services, outputs["batch_id"], outputs, news, urn=URN, is_unknown=known, notices=machine.said)
    assert (changes.changed, changes.replaces) == ([], [])


def test_a_refused_key_is_looked_for_where_the_operation_has_it_from(machine: Machine) -> None:
    outputs = machine.create(machine.run())
    machine.sim.rotate_key(KEY, "another-key")
    services = machine.run(key_source=FROM_STACK)
    given = {"select": {"tags": ["t"]}, "owner": OWNER}
    says: dict[str, Callable[[], object]] = {
        "The API refused the key from the stack config: ": lambda: machine.create(services, "another"),
        "The API refused the key from the stack config of the last `pulumi up`: set a valid key in ANCHORBROWSER_": (
            lambda: machine.delete(services, outputs)
        ),
        # It uses no other key, in a destroy neither.
        ", then run again. A destroy uses the values of the last `pulumi up`, so run that first.": (
            lambda: cleanup.delete(services, given, urn=URN, notices=machine.said)
        ),
    }
    for text, operation in says.items():
        with pytest.raises(InvalidApiKey) as caught:
            operation()
        assert text in str(caught.value)


# Waits


def wait(services: Services, machine: Machine, **inputs: Any) -> dict[str, Any]:
    checked = ready.check(services, inputs, is_unknown=known)
    assert checked.problems == []
    return ready.create(services, checked.inputs, urn=URN, notices=machine.said)[1]


def test_a_wait_ends_with_enough_browsers(machine: Machine) -> None:
    services = machine.run(poll_interval=0.05)
    outputs = machine.create(services)
    assert wait(services, machine, batch_id=outputs["batch_id"])["completed_requests"] == 2


def test_recorded_sessions_of_which_one_cannot_be_read_are_the_others_with_a_warning(machine: Machine) -> None:
    services = machine.run(poll_interval=0.05)
    batch_id = machine.create(services)["batch_id"]
    wait(services, machine, batch_id=batch_id)

    def garble_one(body: Any) -> None:
        body["data"]["sessions"][0]["status"] = 1

    machine.sim.faults.add(
        Fault("edited", method="GET", path=f"/v1/batch-sessions/{batch_id}", times=None, edit=garble_one)
    )
    assert len(wait(services, machine, batch_id=batch_id, record_sessions=True)["sessions"]) == 1
    assert [one for one in machine.said.warnings if f"1 session of batch {batch_id} could not be read" in one]


def test_a_new_batch_that_the_api_does_not_know_yet_is_waited_for_by_the_run_that_started_it(machine: Machine) -> None:
    machine.sim.faults.add(Fault("status", method="GET", path="/v1/batch-sessions/*", status=404, times=3))
    services = machine.run(poll_interval=0.05, settle_timeout=30.0)
    outputs = machine.create(services)
    assert wait(services, machine, batch_id=outputs["batch_id"])["completed_requests"] == 2


def test_an_old_batch_that_the_api_does_not_know_ends_a_wait_at_once(machine: Machine) -> None:
    outputs = machine.create(machine.run(EARLIER_RUN))
    machine.sim.faults.add(Fault("status", method="GET", path="/v1/batch-sessions/*", status=404, times=None))
    with pytest.raises(Exception, match="does not exist"):
        wait(machine.run(poll_interval=0.05), machine, batch_id=outputs["batch_id"])


@pytest.mark.parametrize("learned_from", ["create", "diff"])
def test_more_ready_browsers_than_the_batch_has_are_refused_by_check(machine: Machine, learned_from: str) -> None:
    services = machine.run()
    outputs = machine.create(services)
    if learned_from == "diff":
        services = machine.run()
        news = {"count": 2, "owner": OWNER}
        batch.diff(services, outputs["batch_id"], outputs, news, urn=URN, is_unknown=known, notices=machine.said)
    problems = ready.check(services, {"batch_id": outputs["batch_id"], "min_ready": 3}, is_unknown=known).problems
    assert [one.property for one in problems] == ["min_ready"]
    elsewhere = machine.run()
    assert ready.check(elsewhere, {"batch_id": outputs["batch_id"], "min_ready": 3}, is_unknown=known).problems == []


# Cleanups


def test_a_cleanup_on_apply_reports_its_plan_in_check_and_runs_in_create(machine: Machine) -> None:
    outputs = machine.create(machine.run(EARLIER_RUN), configuration={"session": {"tags": ["t"]}})
    services = machine.run()
    given = {"select": {"tags": ["t"]}, "when": "apply"}
    other = "acme/shop/other"
    checked = cleanup.check(services, {}, given, urn=URN, owner=other, is_unknown=known, notices=machine.said)
    assert checked.problems == []
    assert any("cleanup, plan: would delete 1 batch" in text for text in machine.said.infos)
    assert machine.live() == {outputs["batch_id"]}
    # The state in the file has none of the batch, so that the cleanup is that of another stack.
    _, results = cleanup.create(services, checked.inputs, urn=URN, notices=machine.said)
    assert (results["deleted_sessions"], machine.live()) == (2, set())


def test_an_unchanged_cleanup_plans_nothing(machine: Machine) -> None:
    services = machine.run()
    given = {"select": {"tags": ["t"]}, "when": "apply"}
    olds = cleanup.check(services, {}, given, urn=URN, owner=OWNER, is_unknown=known, notices=machine.said).inputs
    machine.said.infos.clear()
    machine.sim.clear_requests()
    cleanup.check(services, olds, given, urn=URN, owner=OWNER, is_unknown=known, notices=machine.said)
    assert (machine.said.infos, machine.sim.requests) == ([], [])


def test_a_cleanup_keeps_the_names_that_its_stack_had(machine: Machine) -> None:
    services, given = machine.run(), {"select": {"tags": ["t"]}}
    checked: dict[str, Any] = {}
    for owner in (OWNER, "acme/shop/one", "acme/shop/two", "acme/shop/one"):
        checked = cleanup.check(
            services, checked, given, urn=URN, owner=owner, is_unknown=known, notices=machine.said
        ).inputs
    assert (checked["owner"], checked["former_owners"]) == ("acme/shop/one", [OWNER, "acme/shop/two"])
    outputs = machine.create(machine.run(EARLIER_RUN), configuration={"session": {"tags": ["t"]}})
    cleanup.delete(
        services, cleanup.update(services, {}, checked, urn=URN, notices=machine.said), urn=URN, notices=machine.said
    )
    assert machine.live() == {outputs["batch_id"]}
