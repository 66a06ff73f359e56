"""The server itself: its log, its life, its handles from outside, and the foreground command."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest

from pulumi_anchorbrowser.simulator import DEFAULT_KEYS, Simulator, serve

BATCHES = "/v1/batch-sessions"


def test_the_log_has_each_request_with_its_status_and_never_the_key(simulate: Any, call: Any) -> None:
    sim = simulate()
    caller = call(sim)
    batch = caller.create(1)
    caller.http.get(BATCHES, params={"page": 1, "limit": 5}, headers={"user-agent": "me/1"})
    caller.http.get(f"{BATCHES}/strange")
    call(sim, "somebody").http.delete(f"{BATCHES}/{batch}")
    made, listed, strange, stranger = sim.requests
    assert (made.method, made.path, made.body["count"], made.status) == ("POST", BATCHES, 1, 200)
    assert (listed.path, listed.query, listed.body) == (BATCHES, {"page": "1", "limit": "5"}, None)
    assert (listed.team, listed.user_agent, listed.handled, listed.fault) == ("team-a", "me/1", True, None)
    assert (strange.status, strange.number) == (404, 3)
    assert (stranger.status, stranger.team) == (401, None)
    assert made.started_at <= made.finished_at
    assert "key-of-a" not in repr(sim.requests)
    assert sim.requests_of("GET", BATCHES) == [listed, strange]
    sim.clear_requests()
    assert sim.requests == []


def test_two_simulators_share_no_state(simulate: Any, call: Any) -> None:
    one, other = simulate(), simulate(failing_sessions=1)
    batch = call(one).create(1)
    assert call(other).status_of("GET", f"{BATCHES}/{batch}") == 404
    assert other.batches == {}
    assert len(other.requests) == 1


def test_a_stopped_simulator_refuses_connections_and_keeps_its_state_for_the_next_start(
    simulate: Any, call: Any
) -> None:
    sim = simulate()
    caller, url = call(sim), sim.url
    batch = caller.create(1)
    sim.stop()
    sim.stop()
    with pytest.raises(httpx.ConnectError):
        caller.http.get(BATCHES)
    sim.start()
    assert sim.url == url
    assert caller.get(batch)["batch_id"] == batch


def test_it_listens_on_this_machine_only(simulate: Any) -> None:
    sim = simulate()
    port = int(sim.url.rpartition(":")[2])
    assert sim.url == f"http://127.0.0.1:{port}"
    with pytest.raises(OSError, match=r".*"):
        socket.create_connection(("127.0.0.2", port), timeout=1)


def test_a_rotated_key_belongs_to_the_same_team(simulate: Any, call: Any) -> None:
    sim = simulate()
    batch = call(sim).create(1)
    sim.rotate_key("key-of-a", "new-key")
    assert call(sim).status_of("GET", f"{BATCHES}/{batch}") == 401
    assert call(sim, "new-key").get(batch)["batch_id"] == batch


def test_hands_from_outside_do_what_another_caller_or_time_would(simulate: Any, call: Any) -> None:
    sim = simulate(creation_seconds=100)
    caller = call(sim)
    cancelled, deleted, completed = caller.create(2), caller.create(2), caller.create(2)
    assert sim.cancel(cancelled) == 0
    assert sim.delete(deleted) == 0
    sim.complete(completed)
    assert caller.get(cancelled)["status"] == "cancelled"
    assert caller.status_of("GET", f"{BATCHES}/{deleted}") == 404
    assert caller.get(completed)["completed_requests"] == 2
    assert [one.running for one in sim.live_sessions()] == [True, True]
    assert sim.stop_sessions(completed, 1) == 1
    assert sim.expire(completed) == 1
    assert sim.live_sessions() == []
    assert len(sim.requests) == 6, "hands from outside are no requests"


def test_responses_do_not_wait_for_delayed_acknowledgements(simulate: Any, call: Any) -> None:
    caller = call(simulate())
    caller.data("GET", BATCHES)
    began = time.perf_counter()
    for _ in range(40):
        caller.data("GET", BATCHES)
    assert time.perf_counter() - began < 1.2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_command_prints_its_url_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    pipe = subprocess.PIPE
    code = "from pulumi_anchorbrowser.simulator import serve; serve(0); print('ended')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdout is not None
        url = run.stdout.readline().split()[-1]
        (key,) = DEFAULT_KEYS
        answer = httpx.get(f"{url}{BATCHES}", headers={"anchor-api-key": key}, trust_env=False)
        run.send_signal(number)
        rest, errors = run.communicate(timeout=10)
    assert answer.status_code == 200
    assert (rest, errors, run.returncode) == ("ended\n", "", 0)


def test_in_a_thread_it_serves_until_its_event_is_set() -> None:
    over, ready = threading.Event(), threading.Event()
    urls: list[str] = []

    def hear(url: str) -> None:
        urls.append(url)
        ready.set()

    serving = threading.Thread(target=serve, kwargs={"ready": hear, "stop": over, "api_keys": {"k": "t"}})
    serving.start()
    assert ready.wait(5)
    assert httpx.get(f"{urls[0]}/v1/billing", headers={"anchor-api-key": "k"}, trust_env=False).status_code == 200
    over.set()
    serving.join(5)
    assert not serving.is_alive()


def test_a_port_in_use_is_an_error_at_once(simulate: Any) -> None:
    port = int(simulate().url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), Simulator(port=port):
        pass
