"""examples/teardown-hook: browsers stop before the site that they look at is replaced or deleted."""

from __future__ import annotations

from typing import Any

import pytest
from elsewhere import changes, running, start

from pulumi_anchorbrowser.simulator import Fault, Simulator

# Hooks are the engine's own.
pytestmark = pytest.mark.parametrize("stage", [pytest.param("engine", marks=pytest.mark.engine)], indirect=True)

TAG = "looks-at-staging"
RUN_PROGRAM = ["--run-program"]


def test_the_hook_runs_on_a_replacement_and_on_a_destroy_that_runs_the_program(
    on_stage: Any, simulator: Simulator
) -> None:
    example = on_stage("examples/teardown-hook")
    stage = example.stage
    assert stage.up().outputs["site"] == "site-of-release-1"
    first, other = start(simulator, TAG), start(simulator, "other")
    assert stage.up().changes == {}
    assert changes(simulator) == []

    example.config(release="2")
    assert stage.up().outputs["site"] == "site-of-release-2"
    assert running(simulator) == {other.id}
    assert (len(first.ended), first.deleted) == (3, False)

    second = start(simulator, TAG)
    result = stage.destroy(flags=RUN_PROGRAM)
    assert running(simulator) == {other.id}
    assert (len(second.ended), second.deleted) == (3, False)
    assert any(line.startswith("cleanup, about to end_sessions: ") for line in result.messages("info"))
    assert stage.export()["deployment"].get("resources", []) == []


def test_a_plain_destroy_refuses_and_the_site_and_its_browsers_stay(on_stage: Any, simulator: Simulator) -> None:
    stage = on_stage("examples/teardown-hook").stage
    stage.up()
    browsers = start(simulator, TAG)
    result = stage.destroy(expect_failure=True)
    assert "--run-program" in result.text
    assert changes(simulator) == []
    assert running(simulator) == {browsers.id}
    assert stage.resource_outputs("staging")["release"] == "1"
    stage.destroy(flags=RUN_PROGRAM)
    assert running(simulator) == set()


def test_the_site_stays_where_a_browser_could_not_be_stopped(on_stage: Any, simulator: Simulator) -> None:
    stage = on_stage("examples/teardown-hook").stage
    stage.up()
    browsers = start(simulator, TAG)
    simulator.faults.add(Fault("status", method="DELETE", status=400, times=None))
    result = stage.destroy(flags=RUN_PROGRAM, expect_failure=True)
    assert "Could not clean up 1 batches" in result.text
    assert stage.resource_outputs("staging")["release"] == "1"
    assert running(simulator) == {browsers.id}
    simulator.faults.clear()
    stage.destroy(flags=RUN_PROGRAM)
    assert running(simulator) == set()
