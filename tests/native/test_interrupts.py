"""Waits that end early: Ctrl-C, customTimeouts, an engine that was killed alone, a plugin that is asked to end."""

from __future__ import annotations

import os
import signal
import time
from threading import Event
from typing import Any

import pytest
from native.plugin_stack import PluginStack, end_plugins, one_error, plugins_of
from scenarios.one_stack import BATCHES, browsers
from stages import wait_until

from pulumi_anchorbrowser.errors import INTERRUPTED
from pulumi_anchorbrowser.simulator import Fault, Simulator

READY: dict[str, dict[str, Any]] = {"ready": {"kind": "BatchReady", "batchId": "@browsers"}}
# On a quiet machine it is less than one; the wait itself would last for many minutes.
ENDS_WITHIN = 15.0


def limited(seconds: str, **args: Any) -> dict[str, Any]:
    """A resource whose create may last so long."""
    return {**args, "options": {"customTimeouts": {"create": seconds}}}


@pytest.mark.engine_decides
def test_one_ctrl_c_ends_a_wait_at_once_and_the_batch_is_in_the_state(stack: PluginStack, sim: Simulator) -> None:
    sim.settings.creation_seconds = 1e6
    stack.wants(browsers(count=2) | READY)
    command = stack.stage.start("up")
    wait_until(lambda: len(sim.requests_of("GET", BATCHES)) > 2, "the batch is waited for", seconds=100)
    interrupted_at = time.monotonic()
    command.interrupt()
    result = stack.stage.finished(command)
    assert time.monotonic() - interrupted_at < ENDS_WITHIN
    assert result.failed
    assert INTERRUPTED in result.text
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)
    sim.complete(next(iter(sim.batches)))
    stack.up()
    assert stack.calls == []
    assert len(sim.batches) == 1


def test_a_wait_ends_with_the_time_that_custom_timeouts_allow(stack: PluginStack, sim: Simulator) -> None:
    sim.settings.creation_seconds = 1e6
    began = time.monotonic()
    error = stack.fails(stack.up, resources=browsers(count=1) | {"ready": limited("2s", **READY["ready"])})
    assert "The time that customTimeouts allows is over" in error
    assert time.monotonic() - began < 60
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)


def test_a_create_that_the_api_turns_away_ends_with_the_time_that_custom_timeouts_allow(
    stack: PluginStack, sim: Simulator
) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=100, times=None))
    began = time.monotonic()
    error = stack.fails(stack.up, resources={"browsers": limited("2s", count=1)})
    assert "HTTP 429" in error
    assert time.monotonic() - began < 60
    assert sim.batches == {}
    assert stack.names() == set()


def test_a_plugin_whose_engine_was_killed_alone_sends_nothing_more_and_ends(stack: PluginStack, sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=25, times=None))
    stack.wants(browsers(count=2))
    command = stack.stage.start("up")
    wait_until(lambda: sim.requests_of("POST"), "the create is sent", seconds=100)
    os.kill(command.popen.pid, signal.SIGKILL)
    wait_until(lambda: not plugins_of(command), "the plugin ends", seconds=40)
    assert len(sim.requests_of("POST")) == 1
    assert sim.batches == {}


def test_a_plugin_that_is_asked_to_end_finishes_the_call_in_flight(stack: PluginStack, sim: Simulator) -> None:
    arrived = Event()
    sim.faults.add(Fault("latency", method="POST", seconds=2, before=lambda _: arrived.set()))
    stack.wants(browsers(count=2))
    command = stack.stage.start("up")
    assert arrived.wait(100)
    end_plugins(command)
    stack.stage.finished(command)
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)
    assert len(sim.batches) == 1


def test_an_interrupted_create_that_waits_for_a_rate_limit_starts_nothing(stack: PluginStack, sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=100, times=None))
    stack.wants(browsers(count=2))
    command = stack.stage.start("up")
    wait_until(lambda: sim.requests_of("POST"), "the create is sent", seconds=100)
    interrupted_at = time.monotonic()
    command.interrupt()
    result = stack.stage.finished(command)
    assert time.monotonic() - interrupted_at < ENDS_WITHIN
    assert "HTTP 429" in one_error(result)
    assert stack.names() == set()
    assert sim.batches == {}


def test_ctrl_c_among_many_creates_leaves_in_the_state_what_was_started_and_nothing_else(
    stack: PluginStack, sim: Simulator
) -> None:
    stack.stage.env["ANCHORBROWSER_MAX_CONCURRENCY"] = "2"
    sim.settings.latency_seconds = 0.3
    program: dict[str, dict[str, Any]] = {f"batch-{number}": {"count": 1} for number in range(20)}
    stack.wants(program)
    command = stack.stage.start("up", ["--parallel", "20"])
    wait_until(lambda: len(sim.batches) > 3, "some are started", seconds=100)
    interrupted_at = time.monotonic()
    command.interrupt()
    result = stack.stage.finished(command)
    assert time.monotonic() - interrupted_at < ENDS_WITHIN
    assert result.failed
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)
    assert len(sim.batches) < 20
    sim.settings.latency_seconds = 0
    stack.up(program)
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)
    assert len(sim.batches) == 20
