"""The API has done it, or is going to, and its answer never came."""

from __future__ import annotations

import re

from bad_days.watched_stack import TAKEN_OVER, WatchedStack, deliver
from scenarios.one_stack import COUNT, HALF_TIME, RUNNING, SECONDS, browsers, one_error

from pulumi_anchorbrowser.simulator import Fault, Simulator

# Each of them once: the create is handled, and what comes back tells nothing.
LOST = ["reset_after", "reset_mid_body", "garbled", "truncated", "html", "no_reply", "status"]


def test_creates_whose_answer_is_lost_are_found_in_the_same_run_and_never_repeated(
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


def given_up(stack: WatchedStack, sim: Simulator) -> str:
    """An `up` whose create is handled only when everybody has given up. The id of the batch that it makes then."""
    sim.faults.add(Fault("reset_before", method="POST"))
    error = one_error(stack.up(browsers(count=2), expect_failure=True))
    assert "Could not tell whether the batch was started" in error
    assert stack.calls == ["POST"]
    assert sim.batches == {}
    [sent] = sim.requests_of("POST")
    batch = deliver(sim, sent)
    [claim] = re.findall("pulumi-claim:[0-9a-z]+", error)
    assert {session.batch_id for session in sim.live_sessions(claim)} == {batch}
    return batch


def test_a_create_handled_after_everybody_gave_up_is_adopted_by_the_next_up(
    stack: WatchedStack, sim: Simulator
) -> None:
    batch = given_up(stack, sim)
    result = stack.up()
    assert stack.calls == []
    assert [line for line in result.messages("warning") if TAKEN_OVER in line]
    assert result.outputs["browsers"]["batch_id"] == batch
    assert stack.live_ids() == stack.known_ids() == {batch}
    assert stack.has_nothing_to_do()
    stack.destroyed_in_the_end()


def test_with_changed_inputs_the_next_up_deletes_it_and_creates_another(stack: WatchedStack, sim: Simulator) -> None:
    batch = given_up(stack, sim)
    result = stack.up(browsers(count=3))
    assert stack.calls == [f"DELETE {batch}", "POST"]
    assert [line for line in result.messages("warning") if f"deleting batch {batch}" in line]
    assert stack.live_ids() == stack.known_ids() == {result.outputs["browsers"]["batch_id"]}
    assert len(sim.live_sessions()) == 3
    stack.destroyed_in_the_end()


def test_a_destroy_of_the_stack_deletes_it_although_no_state_knows_it(stack: WatchedStack, sim: Simulator) -> None:
    known = stack.up({"other": {"count": 1}}).outputs["other"]["batch_id"]
    sim.faults.add(Fault("reset_before", method="POST"))
    stack.up({"other": {"count": 1}} | browsers(count=2), expect_failure=True)
    batch = deliver(sim, sim.requests_of("POST")[0])
    assert stack.known_ids() == {known}
    stack.destroy()
    assert sorted(stack.calls) == sorted([f"DELETE {known}", f"DELETE {batch}"])
    assert sim.live_sessions() == []


def test_a_stop_whose_answer_is_lost_stops_once_and_no_count_is_invented(stack: WatchedStack, sim: Simulator) -> None:
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
