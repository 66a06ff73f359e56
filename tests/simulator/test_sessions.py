"""Sessions across batches: listed by filter, ended one by one."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=timezone.utc).isoformat()


@pytest.fixture
def sim(simulate: Any) -> Any:
    return simulate()


@pytest.fixture
def caller(sim: Any, call: Any) -> Any:
    return call(sim)


@pytest.fixture
def batches(sim: Any, caller: Any) -> dict[str, str]:
    """Three batches, a minute apart: two sessions tagged pulumi and blue, three pulumi and green, one without tags."""
    made = {}
    for name, count, tags in (("blue", 2, ["pulumi", "blue"]), ("green", 3, ["pulumi", "green"]), ("bare", 1, [])):
        made[name] = caller.create(count, session={"tags": tags} if tags else {})
        sim.advance(60)
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 6),
        ({"tags": "pulumi"}, 5),
        ({"tags": "pulumi,blue"}, 2),
        ({"tags": "blue,green"}, 0),
        ({"tags": "pul"}, 0),
        ({"search": "PUL"}, 5),
        ({"search": "gre,lumi"}, 3),
        ({"status": "running"}, 6),
        ({"status": "completed"}, 0),
        ({"domains": "example.com"}, 0),
        ({"proxy": "false"}, 6),
        ({"proxy": "true"}, 0),
        ({"batch_id": "nobody's"}, 0),
    ],
)
@pytest.mark.usefixtures("batches")
def test_sessions_are_found_by_each_filter(caller: Any, query: dict[str, str], found: int) -> None:
    assert caller.data("GET", "/v1/sessions", params=query)["total"] == found
    if not {"search", "status"} & set(query):
        told = caller.data("GET", "/v1/sessions/all/status", params=query)
        assert told["count"] == len(told["items"]) == found


def test_sessions_are_found_by_batch_and_by_time(sim: Any, caller: Any, batches: dict[str, str]) -> None:
    green = sim.batches[batches["green"]].created_at
    for path, count in (("/v1/sessions", "total"), ("/v1/sessions/all/status", "count")):
        assert caller.data("GET", path, params={"batch_id": batches["green"]})[count] == 3
        assert caller.data("GET", path, params={"created_from": iso(green)})[count] == 4
        assert caller.data("GET", path, params={"created_to": iso(green)})[count] == 5
        assert caller.data("GET", path, params={"created_from": iso(green + 1), "tags": "pulumi"})[count] == 0


def test_pages_of_sessions_hold_each_session_once_in_the_order_asked_for(caller: Any, sim: Any) -> None:
    caller.create(13)
    sim.advance(1)
    caller.create(12)
    seen: list[Any] = []
    for page in (1, 2, 3):
        part = caller.data("GET", "/v1/sessions", params={"page": page, "limit": 10, "sort_order": "asc"})
        assert (part["page"], part["total"], part["total_pages"]) == (page, 25, 3)
        seen += part["sessions"]
    assert len({one["id"] for one in seen}) == 25
    assert [one["created_at"] for one in seen] == sorted(one["created_at"] for one in seen)
    newest = caller.data("GET", "/v1/sessions", params={"sort_order": "desc"})["sessions"][0]
    assert newest["created_at"] == seen[-1]["created_at"]
    oldest = caller.data("GET", "/v1/sessions")["sessions"]
    assert (len(oldest), oldest[0]["created_at"]) == (10, seen[0]["created_at"]), "the documented defaults"


def test_a_session_shows_its_tags_and_the_configuration_it_was_started_with(caller: Any) -> None:
    caller.create(1, session={"tags": ["x"]}, browser={"headless": {"active": True}})
    (one,) = caller.data("GET", "/v1/sessions")["sessions"]
    assert (one["tags"], one["headless"], one["used_credits"]) == (["x"], True, "N/A")
    assert one["user_configuration"]["browser"] == {"headless": {"active": True}}


def test_ending_one_session_stops_it_alone_and_keeps_its_data(sim: Any, caller: Any) -> None:
    batch = caller.create(3)
    first, *others = [item["session_id"] for item in caller.get(batch)["sessions"]]
    assert caller.data("DELETE", f"/v1/sessions/{first}") == {"status": "success"}
    assert [one.session_id for one in sim.live_sessions()] == others
    assert caller.data("GET", "/v1/sessions", params={"status": "completed"})["sessions"][0]["id"] == first
    assert caller.get(batch)["status"] == "completed"


def test_there_is_no_way_to_end_all_sessions_of_a_team(sim: Any, caller: Any) -> None:
    caller.create(3)
    assert caller.status_of("DELETE", "/v1/sessions/all") in (404, 405)
    assert len(sim.live_sessions()) == 3
