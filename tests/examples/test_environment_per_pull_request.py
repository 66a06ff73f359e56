"""examples/environment-per-pull-request: destroying the stack stops whatever was started for the pull request."""

from __future__ import annotations

from typing import Any

from elsewhere import changes, running, start

from pulumi_anchorbrowser.simulator import Simulator


def environment_of(on_stage: Any, number: int) -> Any:
    example = on_stage("examples/environment-per-pull-request")
    example.config(pullRequest=str(number), count="4")
    return example.stage


def test_a_destroy_takes_what_was_started_for_the_pull_request_and_nothing_else(
    on_stage: Any, simulator: Simulator
) -> None:
    stage = environment_of(on_stage, 12)
    outputs = stage.up().outputs
    own = outputs["batch_id"]
    assert outputs["tag"] == "pr-12"
    assert changes(simulator) == []
    of_scripts = {start(simulator, "pr-12").id, start(simulator, "pr-12", "nightly").id}
    others = {start(simulator, tag).id for tag in ("pr-1", "pr-120", "nightly")}
    protected = start(simulator, "pr-12", "pulumi-protect").id
    assert running(simulator) == {own, protected} | of_scripts | others
    simulator.clear_requests()

    result = stage.destroy()
    made = changes(simulator)
    assert made[0] == f"DELETE {own}"
    assert set(made[1:]) == {f"DELETE {batch}" for batch in of_scripts}
    assert len(made) == 3
    assert running(simulator) == others | {protected}
    assert {id_ for id_, batch in simulator.batches.items() if batch.deleted} == of_scripts | {own}
    assert "cleanup: deleted 2 batches, 6 sessions deleted" in result.messages("info")


def test_another_up_takes_nothing(on_stage: Any, simulator: Simulator) -> None:
    stage = environment_of(on_stage, 12)
    stage.up()
    start(simulator, "pr-12")
    assert stage.up().changes == {}
    assert changes(simulator) == []
    assert len(running(simulator)) == 2
