"""Stops that are slow, that fail, and that report a success which is none; checked against what really runs."""

from __future__ import annotations

from typing import Any

import pytest

BATCHES = "/v1/batch-sessions"
STATUSES = "/v1/sessions/all/status"


def running(caller: Any, batch: str) -> list[str]:
    """The ids of the batch's sessions that the API lists as running."""
    items = caller.data("GET", STATUSES, params={"batch_id": batch})["items"]
    return [one["session_id"] for one in items if one["status"] == "running"]


def live(sim: Any) -> list[str]:
    return [one.session_id for one in sim.live_sessions() if one.running]


def test_a_cancel_can_count_sessions_that_keep_running_for_good(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100, surviving_sessions=2)
    caller = call(sim)
    batch = caller.create(9, session={"timeout": {"idle_timeout": -1, "max_duration": -1}})
    sim.advance(51)
    done = caller.cancel(batch)
    assert (done["status"], done["cancelled_sessions"]) == ("cancelled", 4)
    sim.advance(10_000)
    assert len(live(sim)) == 2
    assert running(caller, batch) == live(sim)
    items = caller.get(batch)["sessions"]
    assert {item["status"] for item in items} == {"cancelled"}, "a GET of the batch says what the cancel said"
    assert not any("cdp_url" in item for item in items)


def test_a_delete_can_count_sessions_that_keep_running_and_stay_listed(simulate: Any, call: Any) -> None:
    sim = simulate(surviving_sessions=2)
    caller = call(sim)
    batch = caller.create(5)
    done = caller.delete(batch)
    assert (done["deleted_sessions"], done["failed_deletions"]) == (5, 0)
    assert caller.status_of("GET", f"{BATCHES}/{batch}") == 404
    assert running(caller, batch) == live(sim) == [sim.batches[batch].session_id(index) for index in (0, 1)]
    assert caller.data("GET", "/v1/sessions", params={"batch_id": batch})["total"] == 2
    for survivor in live(sim):
        assert caller.status_of("DELETE", f"/v1/sessions/{survivor}") == 200
    assert live(sim) == running(caller, batch) == []
    assert caller.data("GET", "/v1/sessions", params={"batch_id": batch})["total"] == 0, "its data was removed"


def test_survivors_run_for_some_seconds_after_the_first_stop(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=10, surviving_sessions=1, survive_seconds=30)
    caller = call(sim)
    batch = caller.create(3)
    sim.advance(9)
    assert caller.cancel(batch)["cancelled_sessions"] == 2
    sim.advance(20)
    assert len(live(sim)) == 1
    assert caller.delete(batch)["deleted_sessions"] == 2
    sim.advance(9)
    assert len(live(sim)) == len(running(caller, batch)) == 1
    sim.advance(2)
    assert live(sim) == running(caller, batch) == [], "a second stop prolongs nothing"


def test_survivors_end_by_their_own_time_limits(simulate: Any, call: Any) -> None:
    sim = simulate(surviving_sessions=1)
    caller = call(sim)
    caller.delete(caller.create(2, session={"timeout": {"max_duration": 3}}))
    sim.advance(179)
    assert len(live(sim)) == 1
    sim.advance(2)
    assert live(sim) == []


@pytest.mark.parametrize(("survive", "left"), [(["cancel"], 0), (["delete"], 2), ([], 0)])
def test_survivors_survive_only_the_named_stops(simulate: Any, call: Any, survive: list[str], left: int) -> None:
    sim = simulate(creation_seconds=100, surviving_sessions=2, survive=survive)
    caller = call(sim)
    batch = caller.create(9)
    sim.advance(51)
    caller.cancel(batch)
    assert len(live(sim)) == (2 if "cancel" in survive else 0)
    other = caller.create(9)
    sim.advance(51)
    caller.delete(batch)
    caller.delete(other)
    assert len(live(sim)) == left


@pytest.mark.parametrize("answer", [200, 404])
def test_a_stubborn_session_survives_its_own_end_too(simulate: Any, call: Any, answer: int) -> None:
    sim = simulate(surviving_sessions=1, survive=["cancel", "delete", "end"], end_survivor=answer)
    caller = call(sim)
    batch = caller.create(2)
    stubborn, other = live(sim)
    for session, status in ((stubborn, answer), (stubborn, answer), (other, 200)):
        assert caller.status_of("DELETE", f"/v1/sessions/{session}") == status
    assert live(sim) == running(caller, batch) == [stubborn]
    caller.delete(batch)
    assert caller.status_of("DELETE", f"/v1/sessions/{stubborn}") == answer
    assert live(sim) == running(caller, batch) == [stubborn]


def test_a_cancel_can_take_a_while(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100, cancelling_seconds=5)
    caller = call(sim)
    batch = caller.create(9)
    sim.advance(51)
    done = caller.cancel(batch)
    assert (done["status"], done["cancelled_sessions"]) == ("cancelling", 4)
    sim.advance(4)
    now = caller.get(batch)
    assert now["status"] == "cancelling"
    assert "actual_completion_time" not in now
    assert sum("cdp_url" in item for item in now["sessions"]) == len(live(sim)) == 4
    assert caller.data("GET", BATCHES)["batches"][0]["status"] == "cancelling"
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == 409
    sim.advance(2)
    assert caller.get(batch)["status"] == "cancelled"
    assert live(sim) == []


@pytest.mark.parametrize(
    ("report", "fields"),
    [
        ("all", {"deleted_sessions", "failed_deletions", "errors"}),
        ("errors", {"deleted_sessions", "errors"}),
        ("counts", {"deleted_sessions", "failed_deletions"}),
        ("nothing", set()),
    ],
)
def test_a_delete_can_leave_out_what_it_did(simulate: Any, call: Any, report: str, fields: set[str]) -> None:
    sim = simulate(failing_deletions=2, deletion_report=report)
    caller = call(sim)
    batch = caller.create(5)
    done = caller.delete(batch)
    assert set(done) == {"batch_id", "message"} | fields
    assert len(live(sim)) == 2
