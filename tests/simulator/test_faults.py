"""Each fault, seen from a client's side of the socket and from the state behind the server."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from pulumi_anchorbrowser.simulator import Fault

BATCHES = "/v1/batch-sessions"
ONE = {"count": 1}


@pytest.fixture
def sim(simulate: Any) -> Any:
    return simulate()


@pytest.fixture
def caller(sim: Any, call: Any) -> Any:
    return call(sim)


def until(condition: Any, seconds: float = 5) -> None:
    """Waits for what happens on the server's side with no answer to wait for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def post(caller: Any, **more: Any) -> httpx.Response:
    answer: httpx.Response = caller.http.post(BATCHES, json=ONE, **more)
    return answer


@pytest.mark.parametrize("status", [500, 502, 503, 429])
@pytest.mark.parametrize(("retry_after", "header"), [(None, None), (2, "2"), ("soon", "soon")])
def test_a_scripted_status_replaces_the_handling_of_the_request(
    sim: Any, caller: Any, status: int, retry_after: Any, header: str | None
) -> None:
    sim.faults.add(Fault("status", status=status, retry_after=retry_after))
    answer = post(caller)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, header)
    assert answer.json()["error"]["code"] == status
    (request,) = sim.requests
    assert (request.status, request.handled, request.fault) == (status, False, str(status))
    assert sim.batches == {}
    assert post(caller).status_code == 200, "once is once"


def test_a_scripted_status_can_come_after_the_request_was_handled(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("status", status=502, handled=True))
    assert post(caller).status_code == 502
    assert len(sim.batches) == 1
    assert sim.requests[0].handled


def test_a_fault_strikes_from_the_nth_matching_request_on_and_as_often_as_set(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("status", method="POST", path=BATCHES, status=503, nth=2, times=2))
    sim.faults.add(Fault("status", method="GET", path=f"{BATCHES}/*", status=500, times=None))
    assert [post(caller).status_code for _ in range(4)] == [200, 503, 503, 200]
    batch = next(iter(sim.batches))
    assert [caller.status_of("GET", f"{BATCHES}/{batch}") for _ in range(3)] == [500, 500, 500]
    assert caller.status_of("GET", BATCHES) == 200
    sim.faults.clear()
    assert caller.status_of("GET", f"{BATCHES}/{batch}") == 200


def test_a_fault_can_choose_by_the_body(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("status", status=500, when=lambda request: request.body == {"count": 2}))
    assert post(caller).status_code == 200
    assert caller.status_of("POST", BATCHES, json={"count": 2}) == 500


def test_a_reset_before_handling_leaves_nothing(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("reset_before"))
    with pytest.raises(httpx.ReadError, match=r"reset|104"):
        post(caller)
    assert sim.batches == {}
    assert (sim.requests[0].status, sim.requests[0].handled) == (None, False)
    assert post(caller).status_code == 200


def test_a_reset_after_handling_leaves_a_batch_whose_id_its_caller_does_not_have(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("reset_after"))
    with pytest.raises(httpx.ReadError, match=r"reset|104"):
        post(caller)
    assert len(sim.batches) == 1
    assert (sim.requests[0].status, sim.requests[0].handled, sim.requests[0].fault) == (None, True, "reset_after")


def test_a_reset_in_mid_body_comes_after_the_headers(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("reset_mid_body"))
    parts: list[bytes] = []
    with caller.http.stream("POST", BATCHES, json=ONE) as answer:
        assert answer.status_code == 200
        promised = int(answer.headers["content-length"])
        with pytest.raises(httpx.ReadError):
            parts.extend(answer.iter_raw())
    assert 0 < answer.num_bytes_downloaded < promised
    assert len(sim.batches) == 1


@pytest.mark.parametrize(("handled", "batches"), [(None, 1), (False, 0)])
def test_a_reply_that_is_never_sent_leaves_the_client_waiting(
    sim: Any, caller: Any, handled: bool | None, batches: int
) -> None:
    sim.faults.add(Fault("no_reply", handled=handled))
    with pytest.raises(httpx.ReadTimeout):
        post(caller, timeout=0.2)
    until(lambda: sim.requests and sim.requests[0].handled == (handled is None))
    until(lambda: len(sim.batches) == batches)
    assert sim.requests[0].status is None


def test_a_request_can_be_handled_after_its_client_gave_up(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("handle_later", seconds=0.7))
    with pytest.raises(httpx.ReadTimeout):
        post(caller, timeout=0.2)
    assert caller.data("GET", BATCHES)["batches"] == [], "not handled yet"
    until(lambda: len(sim.batches) == 1)
    assert (sim.requests[0].status, sim.requests[0].handled) == (None, True)


def test_a_request_can_be_handled_after_its_connection_was_reset(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("reset_then_handle", seconds=0.7))
    with pytest.raises(httpx.ReadError):
        post(caller)
    assert sim.batches == {}
    until(lambda: len(sim.batches) == 1)


@pytest.mark.parametrize("kind", ["garbled", "truncated", "html"])
def test_the_response_to_a_handled_request_can_have_a_useless_body(sim: Any, caller: Any, kind: Any) -> None:
    sim.faults.add(Fault(kind))
    answer = post(caller)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".*"):
        answer.json()
    assert len(sim.batches) == 1
    assert answer.headers["content-type"].startswith("text/html" if kind == "html" else "application/json")


def test_a_web_page_can_stand_where_a_gateway_failed(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("html", status=502, handled=False))
    answer = post(caller)
    assert (answer.status_code, answer.text[:15]) == (502, "<!DOCTYPE html>")
    assert sim.batches == {}


def test_latency_makes_one_request_wait_and_not_the_others(sim: Any, caller: Any, call: Any) -> None:
    sim.faults.add(Fault("latency", seconds=1.0, method="POST"))
    waiting = threading.Thread(target=post, args=(caller,))
    began = time.monotonic()
    waiting.start()
    until(lambda: sim.requests)
    call(sim).data("GET", BATCHES)
    assert time.monotonic() - began < 1.0
    waiting.join()
    assert time.monotonic() - began >= 1.0
    assert len(sim.batches) == 1


def test_every_request_waits_for_the_settings_latency(sim: Any, caller: Any) -> None:
    sim.settings.latency_seconds = 0.1
    began = time.monotonic()
    post(caller)
    assert time.monotonic() - began >= 0.1


def test_a_batch_can_complete_between_two_calls(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=1000)
    caller = call(sim)
    batch = caller.create(3)
    sim.faults.add(Fault("complete_before", method="PATCH"))
    assert caller.get(batch)["status"] == "pending"
    assert caller.status_of("PATCH", f"{BATCHES}/{batch}", json={"status": "cancelled"}) == 409
    assert caller.get(batch)["status"] == "completed"
    assert len(sim.live_sessions()) == 3


def test_callbacks_run_before_and_after_the_handling_and_before_the_response(sim: Any, caller: Any) -> None:
    told: list[Any] = []
    sim.faults.add(
        Fault(
            before=lambda request: told.append(("before", request.method, request.body, len(sim.batches))),
            after=lambda request: told.append(("after", request.handled, request.status, len(sim.batches))),
        )
    )
    assert post(caller).status_code == 200
    assert told == [("before", "POST", ONE, 0), ("after", True, None, 1)]


def test_a_callback_may_call_the_server_itself(sim: Any, caller: Any, call: Any) -> None:
    batch = caller.create(2)
    other = call(sim)
    sim.faults.add(Fault("reset_after", method="GET", before=lambda _request: other.delete(batch)))
    with pytest.raises(httpx.ReadError):
        caller.get(batch)
    assert sim.batches[batch].deleted


def test_a_callback_may_stop_the_server_itself(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault(after=lambda _request: sim.stop()))
    began = time.monotonic()
    with pytest.raises(httpx.TransportError):
        post(caller)
    assert time.monotonic() - began < 1
    sim.start()
    assert len(caller.data("GET", BATCHES)["batches"]) == 1


def test_a_callback_that_fails_is_seen(sim: Any, caller: Any, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_request: Any) -> None:
        raise RuntimeError("the test is wrong")

    sim.faults.add(Fault(before=fail))
    assert post(caller).status_code == 500
    assert "the test is wrong" in caplog.text


def test_chance_strikes_at_its_rate_and_the_same_way_for_the_same_seed(simulate: Any, call: Any) -> None:
    def faults_met(seed: int) -> list[str | None]:
        sim = simulate()
        sim.faults.chance(0.3, seed, [500, 429, "garbled", Fault("latency", seconds=0.0)], path=BATCHES)
        caller = call(sim)
        for _ in range(60):
            caller.http.get(BATCHES)
        caller.http.get("/v1/billing")
        assert sim.requests[-1].fault is None
        return [request.fault for request in sim.requests]

    first = faults_met(1)
    assert first == faults_met(1)
    assert first != faults_met(2)
    assert set(first) == {None, "500", "429", "garbled", "latency"}
    assert 8 <= 61 - Counter(first)[None] <= 30


def test_chance_stops_at_its_limit(sim: Any, caller: Any) -> None:
    sim.faults.chance(1.0, 1, [503], limit=2)
    assert [post(caller).status_code for _ in range(4)] == [503, 503, 200, 200]


def test_a_request_in_the_middle_of_a_fault_does_not_hold_up_the_end_of_the_server(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("no_reply"))
    failed: list[Exception] = []

    def ask() -> None:
        try:
            post(caller, timeout=30)
        except httpx.TransportError as error:
            failed.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    until(lambda: sim.requests)
    began = time.monotonic()
    sim.stop()
    waiting.join()
    assert time.monotonic() - began < 1
    assert len(failed) == 1


def test_a_scripted_status_can_have_a_message_with_half_an_emoji(sim: Any, caller: Any) -> None:
    sim.faults.add(Fault("status", status=422, message="Tag too long: \ud83d"))
    answer = post(caller)
    assert answer.status_code == 422
    assert b"Tag too long: \\ud83d" in answer.content
    assert (
        answer.json()["error"]["message"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")[-1] == "\ufffd"
    )


def test_a_response_can_be_edited_in_place_or_exchanged(sim: Any, caller: Any) -> None:
    batch = caller.create(2)

    def without_sessions(body: Any) -> None:
        del body["data"]["sessions"]

    sim.faults.add(Fault("edited", method="GET", edit=without_sessions))
    sim.faults.add(Fault("edited", method="DELETE", status=202, edit=lambda body: [body["data"]["batch_id"], "\ud83d"]))
    assert "sessions" not in caller.get(batch)
    answer = caller.http.delete(f"{BATCHES}/{batch}")
    assert (answer.status_code, answer.content) == (202, f'["{batch}", "\\ud83d"]'.encode())
    assert sim.batches[batch].deleted
    assert sim.requests[-1].fault == "edited"


def test_one_read_can_come_from_a_replica_that_lags(sim: Any, caller: Any) -> None:
    batch = caller.create(2)
    sim.advance(5)
    sim.faults.add(Fault("lagging", method="GET", seconds=6, times=2))
    assert caller.status_of("GET", f"{BATCHES}/{batch}") == 404
    assert caller.data("GET", BATCHES)["batches"] == []
    assert caller.get(batch)["status"] == "completed"
    assert len(caller.data("GET", BATCHES)["batches"]) == 1
