"""Each question that the contract leaves open can be answered either way."""

from __future__ import annotations

from typing import Any

import pytest

BATCHES = "/v1/batch-sessions"


@pytest.mark.parametrize(("cancellable", "code"), [(True, 200), (False, 409)])
def test_a_failed_batch_can_be_cancelled_or_not(simulate: Any, call: Any, cancellable: bool, code: int) -> None:
    caller = call(simulate(failing_sessions=3, failed_batch_cancellable=cancellable))
    batch = caller.create(3)
    assert caller.get(batch)["status"] == "failed"
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == code


@pytest.mark.parametrize("word", ["completed", "failed"])
def test_a_batch_with_some_failed_sessions_is_completed_or_failed(simulate: Any, call: Any, word: str) -> None:
    caller = call(simulate(failing_sessions=1, partly_failed_status=word))
    assert caller.get(caller.create(3))["status"] == word


def test_a_deleted_batch_is_gone_or_an_empty_one(simulate: Any, call: Any) -> None:
    sim = simulate(get_after_delete="empty")
    caller = call(sim)
    batch = caller.create(3)
    caller.delete(batch)
    now = caller.get(batch)
    assert (now["status"], now["sessions"], now["total_requests"]) == ("cancelled", [], 3)
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == 409
    sim.settings.get_after_delete = "404"
    assert caller.status_of("GET", f"{BATCHES}/{batch}") == 404
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == 404


def test_a_second_delete_is_a_404_or_counts_nothing(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    batch = caller.create(3)
    assert caller.delete(batch)["deleted_sessions"] == 3
    assert caller.status_of("DELETE", f"{BATCHES}/{batch}") == 404
    sim.settings.second_delete = "zeros"
    again = caller.delete(batch)
    assert (again["deleted_sessions"], again["failed_deletions"]) == (0, 0)


@pytest.mark.parametrize("answer", ["200", "404"])
def test_ending_an_ended_session_succeeds_or_is_a_404(simulate: Any, call: Any, answer: str) -> None:
    sim = simulate(end_ended_session=answer)
    caller = call(sim)
    batch = caller.create(1)
    path = f"/v1/sessions/{sim.batches[batch].session_id(0)}"
    assert caller.status_of("DELETE", path) == 200
    assert caller.status_of("DELETE", path) == int(answer)


@pytest.mark.parametrize("told", [True, False])
def test_the_status_of_all_sessions_includes_ended_ones_or_not(simulate: Any, call: Any, told: bool) -> None:
    sim = simulate(ended_sessions_in_all_status=told)
    caller = call(sim)
    assert sim.stop_sessions(caller.create(3), 1) == 1
    assert caller.data("GET", "/v1/sessions/all/status")["count"] == (3 if told else 2)


def test_the_words_for_running_and_ended_sessions_can_be_any(simulate: Any, call: Any) -> None:
    sim = simulate(running_word="active", ended_word="stopped")
    caller = call(sim)
    sim.stop_sessions(caller.create(3), 1)
    words = [one["status"] for one in caller.data("GET", "/v1/sessions/all/status")["items"]]
    assert sorted(words) == ["active", "active", "stopped"]
    assert caller.data("GET", "/v1/sessions", params={"status": "active"})["total"] == 2


def test_new_batches_and_sessions_can_be_missing_from_lists_for_a_while(simulate: Any, call: Any) -> None:
    sim = simulate(batches_listed_after=5, sessions_listed_after=10)
    caller = call(sim)
    batch = caller.create(2)

    def listed() -> tuple[int, int]:
        return len(caller.data("GET", BATCHES)["batches"]), caller.data("GET", "/v1/sessions")["total"]

    assert caller.get(batch)["completed_requests"] == 2, "it is there for who knows its id"
    assert listed() == (0, 0)
    sim.advance(6)
    assert listed() == (1, 0)
    sim.advance(5)
    assert listed() == (1, 2)
