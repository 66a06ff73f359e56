"""The plan's limits, the API's clock, and fields that the API does not know."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

BATCHES = "/v1/batch-sessions"


def refused(caller: Any, path: str, body: Any) -> tuple[int, str]:
    answer = caller.http.post(path, json=body)
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["error"]["message"]


def test_browsers_beyond_the_plan_are_refused_where_that_is_enforced(simulate: Any, call: Any) -> None:
    sim = simulate(max_concurrent_browsers=5, creation_seconds=100)
    caller = call(sim)
    assert caller.data("GET", "/v1/billing")["max_concurrent_browsers"] == 5
    first = caller.create(6)
    caller.delete(first)
    sim.settings.enforce_max_concurrent_browsers = True
    caller.create(3)
    status, message = refused(caller, BATCHES, {"count": 3})
    assert status == 429
    assert "concurrent browsers" in message
    assert "rate" not in message.lower()
    caller.create(2)
    assert refused(caller, "/v1/sessions", {})[0] == 429
    call(sim, "key-of-b").create(5)
    sim.settings.max_concurrent_browsers = -1
    caller.create(100)


@pytest.mark.parametrize(("status", "words"), [(402, "1 credits"), (403, "cost limit")])
def test_missing_credits_are_a_402_or_a_403_that_speaks_of_cost(
    simulate: Any, call: Any, status: int, words: str
) -> None:
    sim = simulate(credits=2, credits_refused_with=status)
    caller = call(sim)
    caller.create(2)
    for path, body in ((BATCHES, {"count": 1}), ("/v1/sessions", {})):
        code, message = refused(caller, path, body)
        assert code == status
        assert words in message
    assert len(sim.live_sessions()) == 2


def test_the_apis_clock_can_differ_from_the_machines(simulate: Any, call: Any) -> None:
    sim = simulate(clock_offset_seconds=-7200)
    caller = call(sim)
    batch = caller.create(1)
    answer = caller.http.get(f"{BATCHES}/{batch}")
    here = 1_700_000_000
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == here - 7200
    assert answer.json()["data"]["created_at"] == "2023-11-14T20:13:20.000Z"
    assert answer.headers.get_list("date") == [answer.headers["date"]]
    assert "date" in caller.http.get(f"{BATCHES}/nobody").headers


def test_the_date_header_moves_with_the_simulators_clock(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    before = parsedate_to_datetime(caller.http.get(BATCHES).headers["date"])
    sim.advance(90)
    after = parsedate_to_datetime(caller.http.get(BATCHES).headers["date"])
    assert (after - before).total_seconds() == 90


CONFIGURATION = {"session": {"x402": True, "colour": "red"}, "surprise": [{"deep": 1}]}


def test_unknown_fields_are_accepted_or_refused_by_name(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    body = {"count": 1, "configuration": CONFIGURATION}
    assert refused(caller, BATCHES, body)[0] == 200
    stored = caller.data("GET", "/v1/sessions")["sessions"][0]["user_configuration"]
    assert stored == CONFIGURATION
    sim.settings.accept_unknown_fields = False
    status, message = refused(caller, BATCHES, body)
    assert status == 400
    assert "configuration.session.colour" in message
    assert "configuration.surprise" in message
    assert "x402" not in message
    assert refused(caller, "/v1/sessions", CONFIGURATION)[0] == 400
    assert refused(caller, BATCHES, {"count": 1, "configuration": {"session": {"x402": True}}})[0] == 200
    assert refused(caller, BATCHES, {"count": 1, "configuration": {"session": {"x402": "yes"}}})[0] == 400
    assert len(sim.batches) == 2
