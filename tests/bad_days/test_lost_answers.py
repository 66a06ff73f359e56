"""The API has handled a request, or is going to, and its response is lost."""

from __future__ import annotations

import re

import pytest
from bad_days.watched_stack import WatchedStack, deliver
from scenarios.one_stack import COUNT, HALF_TIME, RUNNING, SECONDS, browsers, one_error

from pulumi_anchorbrowser.simulator import Fault, Simulator

# Each of them once: the create is handled, and its response is of no use.
LOST = ["reset_after", "reset_mid_body", "garbled", "truncated", "html", "no_reply", "status"]


def test_creates_whose_response_is_lost_are_found_in_the_same_run_and_never_sent_again(
    stack: WatchedStack, sim: Simulator
) -> None:
    stack.stage.env["ANCHORBROWSER_REQUEST_TIMEOUT"] = "2"
    for nth, kind in enumerate(LOST, start=1):
        sim.faults.add(Fault(kind, method="POST", nth=nth, status=503 if kind == "status" else None, handled=True))
    result = stack.up({f"batch-{number}": {"count": 2} for number in range(len(LOST))})

    assert stack.calls == ["POST"] * len(LOST)
    assert sorted(r.fault or "" for r in sim.requests_of("POST")) == sorted([*LOST[:-1], "503"])
    found = [re.search("batch ([0-9a-f-]{36})", line) for line in result.messages("warning") if "was lost" in line]
    assert {match[1] for match in found if match} == set(sim.batches) == stack.known_ids() == stack.live_ids()
    assert len(sim.batches) == len(found) == len(LOST)
    # Each resource has its own batch: the sessions carry its claim, and not another's.
    for made in result.outputs.values():
        assert {s.batch_id for s in sim.live_sessions(f"pulumi-claim:{made['claim']}")} == {made["batch_id"]}
        assert made["total_requests"] == 2
    assert stack.has_nothing_to_do()
    stack.destroyed_in_the_end()


def handled_too_late(stack: WatchedStack, sim: Simulator) -> str:
    """Run an `up` whose create is handled only after the `up` has failed. Return the id of the batch it starts."""
    sim.faults.add(Fault("reset_before", method="POST"))
    error = one_error(stack.up(browsers(count=2), expect_failure=True))
    assert "Could not determine whether the batch was started" in error
    assert stack.calls == ["POST"]
    assert sim.batches == {}
    [sent] = sim.requests_of("POST")
    batch = deliver(sim, sent)
    [claim] = re.findall("pulumi-claim:[0-9a-z]+", error)
    assert {session.batch_id for session in sim.live_sessions(claim)} == {batch}
    return batch


@pytest.mark.parametrize("count", [2, 3], ids=["same-inputs", "changed-inputs"])
def test_the_next_up_on_this_machine_deletes_the_batch_of_a_create_that_was_handled_too_late_and_starts_another(
    stack: WatchedStack, sim: Simulator, count: int
) -> None:
    batch = handled_too_late(stack, sim)
    result = stack.up(browsers(count=count))
    assert stack.calls == [f"DELETE {batch}", "POST"]
    [warning] = [line for line in result.messages("warning") if line.startswith("deleting ")]
    assert warning.startswith(f"deleting batch {batch}, which an interrupted create of browsers started (claim ")
    assert stack.live_ids() == stack.known_ids() == {result.outputs["browsers"]["batch_id"]}
    assert len(sim.live_sessions()) == count
    assert stack.has_nothing_to_do()
    stack.destroyed_in_the_end()


def test_a_destroy_of_the_stack_deletes_the_batch_of_such_a_create_although_no_state_has_it(
    stack: WatchedStack, sim: Simulator
) -> None:
    known = stack.up({"other": {"count": 1}}).outputs["other"]["batch_id"]
    sim.faults.add(Fault("reset_before", method="POST"))
    stack.up({"other": {"count": 1}} | browsers(count=2), expect_failure=True)
    batch = deliver(sim, sim.requests_of("POST")[0])
    assert stack.known_ids() == {known}
    stack.destroy()
    assert sorted(stack.calls) == sorted([f"DELETE {known}", f"DELETE {batch}"])
    assert sim.live_sessions() == []


def test_a_stop_whose_response_is_lost_stops_once_and_no_count_is_invented(stack: WatchedStack, sim: Simulator) -> None:
    sim.settings.creation_seconds = SECONDS
    inputs = {"count": COUNT}
    made = stack.up({"to-cancel": inputs, "to-delete": inputs}).outputs
    sim.advance(HALF_TIME)
    assert len(sim.live_sessions()) == 2 * COUNT
    wanted = {"to-cancel": {**inputs, "status": "cancelled"}, "to-delete": {**inputs, "status": "deleted"}}

    sim.faults.add(Fault("reset_after", method="PATCH"), Fault("garbled", method="DELETE"))
    again = stack.up(wanted)
    assert sorted(call.split()[0] for call in stack.calls) == ["DELETE", "DELETE", "PATCH", "PATCH"]
    stopped = sim.batches[made["to-cancel"]["batch_id"]]
    assert len(stopped.ended) == RUNNING
    assert sim.live_sessions() == []
    now = again.outputs
    assert (now["to-cancel"]["live_status"], now["to-cancel"].get("cancelled_sessions")) == ("cancelled", None)
    assert (now["to-delete"]["live_status"], now["to-delete"].get("deleted_sessions")) == ("deleted", None)
    warned = again.messages("warning")
    assert len([line for line in warned if "cancelled_sessions is empty" in line]) == 1
    assert len([line for line in warned if "deleted_sessions is empty" in line]) == 1
    assert stack.has_nothing_to_do()
    stack.destroyed_in_the_end()
