"""Lists that are late, odd, unsteady or without end."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_anchorbrowser.simulator import Fault

BATCHES = "/v1/batch-sessions"
STATUSES = "/v1/sessions/all/status"


def listed(caller: Any, **query: Any) -> list[tuple[str, str]]:
    return [(one["batch_id"], one["status"]) for one in caller.data("GET", BATCHES, params=query)["batches"]]


def statuses(caller: Any, batch: str) -> list[str]:
    both = (
        [one["status"] for one in caller.data("GET", STATUSES, params={"batch_id": batch})["items"]],
        [one["status"] for one in caller.data("GET", "/v1/sessions", params={"batch_id": batch})["sessions"]],
    )
    assert both[0] == both[1]
    return both[0]


def test_listings_that_lag_show_everything_as_it_was(simulate: Any, call: Any) -> None:
    sim = simulate(lag_seconds=10)
    caller = call(sim)
    batch = caller.create(2)
    sim.advance(9)
    assert (listed(caller), statuses(caller, batch)) == ([], [])
    assert caller.status_of("GET", f"{BATCHES}/{batch}") == 404
    sim.advance(2)
    assert listed(caller) == [(batch, "completed")]
    assert statuses(caller, batch) == ["running", "running"]

    sim.stop_sessions(batch, 1)
    sim.advance(9)
    assert statuses(caller, batch) == ["running", "running"]
    sim.advance(2)
    assert sorted(statuses(caller, batch)) == ["completed", "running"]

    assert caller.delete(batch)["deleted_sessions"] == 2, "what changes something does not lag"
    sim.advance(9)
    assert (listed(caller), len(statuses(caller, batch))) == ([(batch, "completed")], 2)
    assert len(caller.get(batch)["sessions"]) == 2
    sim.advance(2)
    assert (listed(caller), statuses(caller, batch)) == ([], [])


def test_a_lagging_list_shows_a_cancel_and_changed_tags_late(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    batch = caller.create(9, session={"tags": ["old"]})
    sim.advance(60)
    sim.settings.lag_seconds = 5
    caller.cancel(batch)
    sim.put_tags(sim.batches[batch].session_id(0), ["new"])
    assert listed(caller, status="processing") == [(batch, "processing")]
    assert caller.get(batch)["status"] == "processing"
    assert caller.data("GET", STATUSES, params={"tags": "new"})["count"] == 0
    sim.advance(6)
    assert listed(caller, status="cancelled") == [(batch, "cancelled")]
    assert caller.data("GET", STATUSES, params={"tags": "new"})["count"] == 1


def test_only_the_named_listings_lag(simulate: Any, call: Any) -> None:
    sim = simulate(lag_seconds=10, lagging=["batches", "sessions"])
    caller = call(sim)
    batch = caller.create(2)
    assert listed(caller) == []
    assert caller.data("GET", "/v1/sessions")["total"] == 0
    assert caller.data("GET", STATUSES)["count"] == 2
    assert caller.get(batch)["status"] == "completed"


def test_a_get_can_leave_out_sessions_or_their_ids(simulate: Any, call: Any) -> None:
    sim = simulate(batch_sessions="left_out")
    caller = call(sim)
    batch = caller.create(2)
    assert "sessions" not in caller.get(batch)
    sim.settings.batch_sessions = "without_ids"
    items = caller.get(batch)["sessions"]
    assert [item["status"] for item in items] == ["completed", "completed"]
    assert not any("session_id" in item for item in items)


def test_lists_can_begin_with_odd_rows(simulate: Any, call: Any) -> None:
    sim = simulate(odd_rows=2)
    caller = call(sim)
    batch = caller.create(1, session={"tags": ["x"]})
    (null, strange, row) = caller.data("GET", BATCHES)["batches"]
    assert (null["status"], strange["status"], row["batch_id"]) == (None, "processing", batch)
    assert strange["batch_id"] == "odd-1"
    assert caller.data("GET", BATCHES, params={"page": 2})["batches"] == []
    for path, name, id_name in ((STATUSES, "items", "session_id"), ("/v1/sessions", "sessions", "id")):
        (null, strange, row) = caller.data("GET", path, params={"tags": "x"})[name]
        assert (null["status"], strange["status"], row["status"]) == (None, "running", "running")
        assert (strange[id_name], null["tags"]) == ("odd-1", ["x"])


@pytest.mark.parametrize(("endless", "rows"), [("empty", 0), ("repeated", 2)])
def test_pages_can_promise_a_next_one_for_ever(simulate: Any, call: Any, endless: str, rows: int) -> None:
    sim = simulate(endless_pages=endless)
    caller = call(sim)
    for _ in range(2):
        caller.create(1)
    for page in (1, 2, 50):
        part = caller.data("GET", BATCHES, params={"page": page})
        assert part["pagination"]["has_next"]
        assert part["pagination"]["total_pages"] == page + 1
        assert len(part["batches"]) == (2 if page == 1 else rows)
        sessions = caller.data("GET", "/v1/sessions", params={"page": page})
        assert (sessions["total_pages"], len(sessions["sessions"])) == (page + 1, 2 if page == 1 else rows)


def test_totals_can_be_wrong(simulate: Any, call: Any) -> None:
    sim = simulate(total_off_by=3)
    caller = call(sim)
    caller.create(2)
    assert caller.data("GET", BATCHES)["pagination"]["total_records"] == 4
    assert caller.data("GET", "/v1/sessions")["total"] == 5
    assert caller.data("GET", STATUSES)["count"] == 5
    sim.settings.total_off_by = -100
    assert caller.data("GET", BATCHES)["pagination"]["total_records"] == 0
    assert len(caller.data("GET", BATCHES)["batches"]) == 1


def test_unsteady_pages_never_show_the_same_list_twice(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    made = {caller.create(1) for _ in range(6)}
    sim.settings.unsteady_pages = True

    def walk() -> tuple[list[str], set[int]]:
        ids, totals = [], set()
        for page in (1, 2, 3):
            part = caller.data("GET", BATCHES, params={"page": page, "limit": 2})
            ids += [one["batch_id"] for one in part["batches"]]
            totals.add(part["pagination"]["total_records"])
        return ids, totals

    first, totals = walk()
    assert totals == {6, 7}
    assert set(first) < made, "rows are missed, and others met twice"
    assert walk()[0] != first


def test_a_list_can_fail(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    sim.faults.add(Fault("status", method="GET", path=STATUSES, status=503, times=None))
    assert caller.status_of("GET", STATUSES) == 503
    assert caller.status_of("GET", "/v1/sessions") == 200


def test_one_batch_can_have_its_own_word_for_running(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    odd, usual = caller.create(1), caller.create(1)
    sim.batches[odd].running_word = "hibernating"
    assert statuses(caller, odd) == ["hibernating"]
    assert statuses(caller, usual) == ["running"]
