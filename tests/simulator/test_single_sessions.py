"""Sessions that belong to no batch, and tags of single sessions."""

from __future__ import annotations

from typing import Any

import pytest

SESSIONS = "/v1/sessions"
STATUSES = "/v1/sessions/all/status"


@pytest.fixture
def sim(simulate: Any) -> Any:
    return simulate()


@pytest.fixture
def caller(sim: Any, call: Any) -> Any:
    return call(sim)


def start(caller: Any, **configuration: Any) -> str:
    return str(caller.data("POST", SESSIONS, json=configuration)["id"])


def test_a_single_session_is_listed_and_ended_and_is_no_batch(sim: Any, caller: Any) -> None:
    made = caller.data("POST", SESSIONS, json={"session": {"tags": ["alone"]}})
    assert set(made) == {"id", "cdp_url", "live_view_url"}
    assert [(one.session_id, one.batch_id, one.tags) for one in sim.live_sessions()] == [(made["id"], "", ("alone",))]
    assert caller.data("GET", "/v1/batch-sessions")["batches"] == []
    assert sim.batches == {}
    (row,) = caller.data("GET", STATUSES, params={"tags": "alone"})["items"]
    assert (row["session_id"], row["status"]) == (made["id"], "running")
    assert caller.data("DELETE", f"{SESSIONS}/{made['id']}") == {"status": "success"}
    assert sim.live_sessions() == []
    assert caller.data("GET", SESSIONS, params={"status": "completed"})["sessions"][0]["id"] == made["id"]


def test_a_single_session_needs_no_body_and_has_time_limits(sim: Any, caller: Any) -> None:
    assert caller.status_of("POST", SESSIONS) == 200
    start(caller, session={"timeout": {"max_duration": 1}})
    sim.advance(61)
    assert len(sim.live_sessions()) == 1
    sim.advance(300)
    assert sim.live_sessions() == []


def test_a_single_session_of_another_team_is_not_seen(sim: Any, caller: Any, call: Any) -> None:
    other = start(call(sim, "key-of-b"))
    assert caller.data("GET", SESSIONS)["total"] == 0
    assert caller.status_of("DELETE", f"{SESSIONS}/{other}") == 404
    assert caller.status_of("PUT", f"{SESSIONS}/{other}/tags", json={"tags": []}) == 404
    assert len(sim.live_sessions()) == 1


def test_the_batch_filter_leaves_out_single_sessions(sim: Any, caller: Any) -> None:
    batch, single = caller.create(2), start(caller)
    assert caller.data("GET", SESSIONS)["total"] == 3
    ids = [one["session_id"] for one in caller.data("GET", STATUSES, params={"batch_id": batch})["items"]]
    assert len(ids) == 2
    assert single not in ids
    assert len(sim.live_sessions(batch_id=batch)) == 2


def test_tags_of_one_session_are_replaced_and_its_batch_keeps_its_others(sim: Any, caller: Any) -> None:
    batch = caller.create(2, session={"tags": ["old", "kept"]})
    first, second = (one.session_id for one in sim.live_sessions())
    assert caller.data("PUT", f"{SESSIONS}/{first}/tags", json={"tags": ["new"]}) == {"tags": ["new"]}
    assert [one["session_id"] for one in caller.data("GET", STATUSES, params={"tags": "new"})["items"]] == [first]
    assert [one["session_id"] for one in caller.data("GET", STATUSES, params={"tags": "old"})["items"]] == [second]
    assert caller.data("GET", SESSIONS, params={"search": "NE"})["total"] == 1
    assert {one["tags"][0] for one in caller.data("GET", SESSIONS, params={"batch_id": batch})["sessions"]} == {
        "new",
        "old",
    }
    assert [one.session_id for one in sim.live_sessions(tag="new")] == [first]
    caller.data("PUT", f"{SESSIONS}/{first}/tags", json={"tags": []})
    assert caller.data("GET", STATUSES, params={"tags": "new"})["count"] == 0


@pytest.mark.parametrize("body", [{}, {"tags": None}, {"tags": "one"}, {"tags": [1]}])
def test_wrong_tags_are_a_400_and_change_nothing(sim: Any, caller: Any, body: Any) -> None:
    session = start(caller, session={"tags": ["kept"]})
    assert caller.status_of("PUT", f"{SESSIONS}/{session}/tags", json=body) == 400
    assert sim.live_sessions()[0].tags == ("kept",)


def test_sessions_are_started_and_tagged_from_outside_without_a_request(sim: Any, caller: Any) -> None:
    session = sim.start_session(tags=["by-hand"])
    sim.put_tags(session, ["changed"])
    other = sim.start_session(team="team-b")
    assert {(one.session_id, one.team, one.tags) for one in sim.live_sessions()} == {
        (session, "team-a", ("changed",)),
        (other, "team-b", ()),
    }
    assert sim.requests == []
    assert caller.data("GET", STATUSES, params={"tags": "changed"})["count"] == 1
