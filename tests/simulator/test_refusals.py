"""What the API refuses, with which code, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

BATCHES = "/v1/batch-sessions"
NOWHERE = "3f0e2f6c-8f0a-4a52-9c1e-0d3b7f6f7a11"
PROXY = {"active": True, "type": "anchor_proxy", "country_code": "de"}
CAPTCHA = {"captcha_solver": {"active": True}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"count": 0},
        {"count": 1001},
        {"count": "3"},
        {"count": 2.5},
        {"count": True},
        {"count": None},
        {"count": 1, "metadata": "words"},
        {"count": 1, "configuration": None},
        {"count": 1, "configuration": {"session": {"tags": "one"}}},
        {"count": 1, "configuration": {"session": {"timeout": {"idle_timeout": "5"}}}},
        {"count": 1, "configuration": {"session": {"proxy": {"active": True, "country_code": "xx"}}}},
        {"count": 1, "configuration": {"browser": CAPTCHA}},
        {"count": 1, "configuration": {"browser": CAPTCHA, "session": {"proxy": {**PROXY, "active": False}}}},
        {"count": 1, "configuration": {"browser": {"extensions": ["not-a-uuid"]}}},
    ],
)
def test_an_invalid_batch_is_a_400_and_starts_nothing(simulate: Any, call: Any, body: Any) -> None:
    sim = simulate()
    assert call(sim).status_of("POST", BATCHES, json=body) == 400
    assert sim.batches == {}


@pytest.mark.parametrize(
    "body",
    [
        {"count": 1},
        {"count": 1000},
        {"count": 1, "configuration": {"browser": CAPTCHA, "session": {"proxy": PROXY}}},
        {"count": 1, "configuration": {"something_new": {"active": True}}, "metadata": {"deep": [1, {"a": None}]}},
    ],
)
def test_a_valid_batch_is_accepted(simulate: Any, call: Any, body: Any) -> None:
    sim = simulate()
    assert call(sim).status_of("POST", BATCHES, json=body) == 200
    assert len(sim.live_sessions()) == body["count"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (BATCHES, {"status": "done"}),
        (BATCHES, {"page": 0}),
        (BATCHES, {"limit": 101}),
        (BATCHES, {"limit": "many"}),
        (BATCHES, {"created_after": "yesterday"}),
        ("/v1/sessions", {"limit": 30}),
        ("/v1/sessions", {"sort_order": "up"}),
        ("/v1/sessions/all/status", {"created_from": "1700000000"}),
    ],
)
def test_a_wrong_query_is_a_400(simulate: Any, call: Any, path: str, query: dict[str, Any]) -> None:
    assert call(simulate()).status_of("GET", path, params=query) == 400


@pytest.mark.parametrize("body", [{}, {"status": "deleted"}, {"status": "CANCELLED"}, {"status": None}])
def test_a_patch_to_anything_but_cancelled_is_a_400(simulate: Any, call: Any, body: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    batch = caller.create()
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json=body) == 400
    assert sim.batches[batch].status == "pending"


@pytest.mark.parametrize("max_retries", [0, 4, "2"])
def test_a_retry_accepts_one_to_three_tries(simulate: Any, call: Any, max_retries: Any) -> None:
    caller = call(simulate(failing_sessions=1))
    batch = caller.create()
    assert caller.status_of("POST", f"{BATCHES}/{batch}/retry", json={"max_retries": max_retries}) == 400
    assert caller.retry(batch, max_retries=2)["retried_sessions"] == 1


OPERATIONS = [
    ("GET", BATCHES, None),
    ("POST", BATCHES, {"count": 1}),
    ("GET", f"{BATCHES}/{NOWHERE}", None),
    ("PATCH", f"{BATCHES}/{NOWHERE}", {"status": "cancelled"}),
    ("DELETE", f"{BATCHES}/{NOWHERE}", None),
    ("POST", f"{BATCHES}/{NOWHERE}/retry", {}),
    ("GET", "/v1/sessions", None),
    ("GET", "/v1/sessions/all/status", None),
    ("POST", "/v1/sessions", {}),
    ("DELETE", f"/v1/sessions/{NOWHERE}", None),
    ("PUT", f"/v1/sessions/{NOWHERE}/tags", {"tags": []}),
    ("GET", "/v1/billing", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
@pytest.mark.parametrize("key", [None, "somebody", ""])
def test_every_operation_is_a_401_without_a_known_key(
    simulate: Any, call: Any, method: str, path: str, body: Any, key: str | None
) -> None:
    sim = simulate()
    assert call(sim, key).status_of(method, path, json=body) == 401
    garbled = {"content": b"{not json", "headers": {"content-type": "application/json"}}
    assert call(sim, key).status_of(method, path, **garbled) == 401, "before the body is looked at"
    assert sim.batches == {}


@pytest.mark.parametrize(("method", "path", "body"), [one for one in OPERATIONS if NOWHERE in one[1]])
@pytest.mark.parametrize("other", ["not-a-uuid", None])
def test_an_unknown_id_a_strange_one_and_another_teams_are_all_404(
    simulate: Any, call: Any, method: str, path: str, body: Any, other: str | None
) -> None:
    sim = simulate()
    theirs = call(sim, "key-of-b").create(2)
    their_id = sim.batches[theirs].session_id(0) if path.startswith("/v1/sessions") else theirs
    for name in (NOWHERE, other or their_id):
        assert call(sim).status_of(method, path.replace(NOWHERE, name), json=body) == 404
    assert len(sim.live_sessions()) == 2


def test_a_team_sees_nothing_of_another(simulate: Any, call: Any) -> None:
    sim = simulate()
    call(sim, "key-of-b").create(2)
    caller = call(sim)
    assert caller.data("GET", BATCHES)["batches"] == []
    assert caller.data("GET", "/v1/sessions")["total"] == 0
    assert caller.data("GET", "/v1/sessions/all/status")["count"] == 0
    assert caller.data("GET", "/v1/billing")["credits_used"] == 0


def test_missing_credits_are_a_402_that_costs_nothing(simulate: Any, call: Any) -> None:
    sim = simulate(credits=5)
    caller = call(sim)
    caller.create(3)
    assert caller.status_of("POST", BATCHES, json={"count": 3}) == 402
    caller.create(2)
    assert len(sim.batches) == 2
    assert caller.data("GET", "/v1/billing")["credits"] == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_creation_quota_is_a_429_until_its_window_has_passed(simulate: Any, call: Any, told: bool) -> None:
    sim = simulate(creation_quota=2, creation_quota_seconds=60, retry_after_on_429=told)
    caller = call(sim)
    caller.create()
    sim.advance(20)
    caller.create()
    refused = caller.http.post(BATCHES, json={"count": 1})
    assert (refused.status_code, refused.headers.get("retry-after")) == (429, "40" if told else None)
    call(sim, "key-of-b").create()
    sim.advance(41)
    caller.create()
    assert len(sim.batches) == 4


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_a_405_that_names_those_that_are(simulate: Any, call: Any, method: str) -> None:
    caller = call(simulate())
    assert caller.status_of(method, BATCHES) == 405
    assert caller.http.request(method, BATCHES).headers["allow"] == "GET, POST"
