"""What a batch goes through, seen over the wire and checked against what is really running."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

BATCHES = "/v1/batch-sessions"


def test_a_new_batch_is_pending_and_no_response_has_its_metadata(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    created = caller.data("POST", BATCHES, json={"count": 2, "metadata": {"secret-word": "plum"}})
    assert created["status"] == "pending"
    assert created["total_requests"] == 2
    assert set(created) == {"batch_id", "status", "total_requests", "created_at"}
    everything = str(caller.get(created["batch_id"])) + str(caller.data("GET", BATCHES))
    assert created["batch_id"] in everything
    assert "plum" not in everything


def test_sessions_become_ready_one_after_the_other_until_the_batch_is_completed(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    batch = caller.create(9)
    seen = []
    for seconds in (5, 10, 45, 39, 2):
        sim.advance(seconds)
        now = caller.get(batch)
        seen.append((now["status"], now["completed_requests"], now["processing_requests"], now["pending_requests"]))
        assert Counter(item["status"] for item in now["sessions"])["completed"] == now["completed_requests"]
        assert sum(1 for item in now["sessions"] if "cdp_url" in item) == now["completed_requests"]
        assert ("actual_completion_time" in now) == (now["status"] == "completed")
    assert seen == [
        ("pending", 0, 0, 9),
        ("processing", 0, 1, 8),
        ("processing", 5, 1, 3),
        ("processing", 8, 1, 0),
        ("completed", 9, 0, 0),
    ]


def test_a_completed_batch_refuses_the_cancel_while_its_browsers_still_run(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    batch = caller.create(3)
    assert caller.get(batch)["status"] == "completed"
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == 409
    assert len(sim.live_sessions()) == 3


def test_a_cancel_counts_the_running_sessions_it_ended_and_the_pending_never_start(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    batch = caller.create(9, session={"tags": ["night"]})
    sim.advance(51)
    assert [one.running for one in sim.live_sessions(tag="night")].count(True) == 4

    done = caller.cancel(batch)
    assert (done["status"], done["cancelled_sessions"]) == ("cancelled", 4)
    sim.advance(1000)
    assert sim.live_sessions() == []
    now = caller.get(batch)
    assert (now["status"], now["completed_requests"]) == ("cancelled", 4)
    assert {item["status"] for item in now["sessions"]} == {"cancelled"}
    assert not any("cdp_url" in item for item in now["sessions"])
    assert caller.data("GET", "/v1/sessions", params={"batch_id": batch})["total"] == 4, "a cancel keeps the data"
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == 409


def test_a_delete_ends_and_removes_every_session_and_the_batch_is_gone(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    batch, other = caller.create(9), caller.create(9)
    sim.advance(51)
    done = caller.delete(batch)
    assert (done["deleted_sessions"], done["failed_deletions"]) == (4, 0)
    assert "errors" not in done
    sim.advance(1)
    assert {one.batch_id for one in sim.live_sessions()} == {other}
    assert caller.data("GET", "/v1/sessions", params={"batch_id": batch})["total"] == 0
    assert caller.status_of("GET", f"{BATCHES}/{batch}") == 404
    assert [one["batch_id"] for one in caller.data("GET", BATCHES)["batches"]] == [other]
    assert sim.batches[batch].deleted


def test_failed_sessions_are_retried_until_they_heal(simulate: Any, call: Any) -> None:
    sim = simulate(failing_sessions=2, retries_to_heal=3)
    caller = call(sim)
    batch = caller.create(5)
    now = caller.get(batch)
    assert (now["status"], now["completed_requests"], now["failed_requests"]) == ("completed", 3, 2)
    assert len(sim.live_sessions()) == 3

    assert caller.retry(batch)["retried_sessions"] == 2
    assert caller.get(batch)["failed_requests"] == 2
    again = caller.retry(batch, max_retries=3)
    assert (again["retried_sessions"], again["status"]) == (2, "processing")
    now = caller.get(batch)
    assert (now["status"], now["completed_requests"], now["failed_requests"]) == ("completed", 5, 0)
    assert [item["retry_count"] for item in now["sessions"]] == [0, 0, 0, 3, 3]
    assert caller.status_of("POST", f"{BATCHES}/{batch}/retry", json={}) == 400


def test_a_retried_batch_is_processing_again_until_its_sessions_are_there(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=10, failing_sessions=2)
    caller = call(sim)
    batch = caller.create(4)
    sim.advance(11)
    caller.retry(batch)
    now = caller.get(batch)
    assert (now["status"], now["completed_requests"], now["failed_requests"]) == ("processing", 2, 0)
    sim.advance(6)
    assert caller.get(batch)["completed_requests"] == 3
    sim.advance(5)
    assert (caller.get(batch)["status"], len(sim.live_sessions())) == ("completed", 4)


def test_a_batch_without_a_single_session_has_failed_and_says_why(simulate: Any, call: Any) -> None:
    caller = call(simulate(failing_sessions=5, retries_to_heal=None))
    batch = caller.create(3)
    now = caller.get(batch)
    assert (now["status"], now["failed_requests"]) == ("failed", 3)
    assert now["error"]
    assert all(item["error"] and "session_id" not in item for item in now["sessions"])
    caller.retry(batch, max_retries=3)
    assert caller.get(batch)["status"] == "failed", "it never heals"


@pytest.mark.parametrize(
    ("timeout", "minutes"),
    [({}, 5), ({"idle_timeout": 30}, 20), ({"idle_timeout": -1, "max_duration": 3}, 3), ({"idle_timeout": 2}, 2)],
)
def test_sessions_expire_by_themselves_after_the_shorter_limit(
    simulate: Any, call: Any, timeout: dict[str, int], minutes: int
) -> None:
    sim = simulate()
    caller = call(sim)
    batch = caller.create(2, session={"timeout": timeout})
    sim.advance(minutes * 60 - 1)
    assert len(sim.live_sessions()) == 2
    sim.advance(2)
    assert sim.live_sessions() == []
    assert caller.get(batch)["status"] == "completed", "expiry is no change of the batch"
    listed = caller.data("GET", "/v1/sessions", params={"batch_id": batch})["sessions"]
    assert [one["status"] for one in listed] == ["completed", "completed"]
    assert caller.delete(batch)["deleted_sessions"] == 2, "an ended session still has data"


def test_sessions_without_limits_never_expire(simulate: Any, call: Any) -> None:
    sim = simulate()
    call(sim).create(2, session={"timeout": {"idle_timeout": -1, "max_duration": -1}})
    sim.advance(365 * 86400)
    assert len(sim.live_sessions()) == 2


def test_batches_are_listed_newest_first_in_pages_without_their_sessions(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    made = []
    for _ in range(5):
        made.append(caller.create(1))
        sim.advance(60)
    page = caller.data("GET", BATCHES, params={"page": 2, "limit": 2})
    assert [one["batch_id"] for one in page["batches"]] == [made[2], made[1]]
    assert page["pagination"] == {
        "current_page": 2,
        "total_pages": 3,
        "total_records": 5,
        "has_next": True,
        "has_prev": True,
    }
    assert "sessions" not in page["batches"][0]
    third = datetime.fromtimestamp(sim.batches[made[2]].created_at).astimezone().isoformat()
    after = caller.data("GET", BATCHES, params={"created_after": third})["batches"]
    before = caller.data("GET", BATCHES, params={"created_before": third})["batches"]
    assert [one["batch_id"] for one in after] == [made[4], made[3]]
    assert [one["batch_id"] for one in before] == [made[1], made[0]]


def test_batches_are_listed_by_their_status_of_this_moment(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    cancelled, batch = caller.create(), caller.create()
    caller.cancel(cancelled)

    def with_status(status: str) -> list[str]:
        return [one["batch_id"] for one in caller.data("GET", BATCHES, params={"status": status})["batches"]]

    assert (with_status("cancelled"), with_status("pending")) == ([cancelled], [batch])
    sim.advance(50)
    assert (with_status("pending"), with_status("processing")) == ([], [batch])
    sim.advance(51)
    assert (with_status("completed"), with_status("failed")) == ([batch], [])


def test_partial_deletions_leave_sessions_running_until_they_heal(simulate: Any, call: Any) -> None:
    sim = simulate(failing_deletions=2, deletions_heal_after=2)
    caller = call(sim)
    batch = caller.create(5)
    first = caller.delete(batch)
    assert (first["deleted_sessions"], first["failed_deletions"]) == (3, 2)
    running = {one.session_id for one in sim.live_sessions()}
    assert {one["session_id"] for one in first["errors"]} == running
    assert {item["session_id"] for item in caller.get(batch)["sessions"]} == running
    second = caller.delete(batch)
    assert (second["deleted_sessions"], second["failed_deletions"]) == (0, 2)
    third = caller.delete(batch)
    assert (third["deleted_sessions"], third["failed_deletions"]) == (2, 0)
    assert sim.live_sessions() == []
    assert sim.batches[batch].deleted


def test_a_partial_deletion_that_never_heals_still_lets_sessions_be_ended_one_by_one(simulate: Any, call: Any) -> None:
    sim = simulate(failing_deletions=1, creation_seconds=100)
    caller = call(sim)
    batch = caller.create(9)
    sim.advance(51)
    stuck = caller.delete(batch)["errors"][0]["session_id"]
    sim.advance(100)
    assert [one.session_id for one in sim.live_sessions()] == [stuck], "creation has stopped"
    assert caller.status_of("DELETE", f"/v1/sessions/{stuck}") == 200
    assert sim.live_sessions() == []
    assert caller.delete(batch)["failed_deletions"] == 1


def test_a_thousand_sessions_and_hundreds_of_batches_are_quick(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    big = caller.create(1000)
    assert len(caller.get(big)["sessions"]) == 1000
    for _ in range(300):
        caller.create(1000)
    began = time.perf_counter()
    for page in range(1, 4):
        assert len(caller.data("GET", BATCHES, params={"page": page, "limit": 100})["batches"]) == 100
    assert caller.delete(big)["deleted_sessions"] == 1000
    assert time.perf_counter() - began < 3
