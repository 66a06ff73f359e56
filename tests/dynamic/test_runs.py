"""Runs of a program on the true host: nothing of a run outlives it, and what the state tells of earlier runs."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_anchorbrowser import Batch, BatchReady
from pulumi_anchorbrowser.api import ApiKeys, Client
from pulumi_anchorbrowser.rehearsal import Rehearsal, RehearsalError
from pulumi_anchorbrowser.simulator import Fault, Simulator


def rehearsal(program: Any, config: dict[str, str], **options: Any) -> Rehearsal:
    secrets = {"anchorbrowser:apiKey": config["anchorbrowser:apiKey"]}
    rest = {name: value for name, value in config.items() if name not in secrets}
    return Rehearsal(program, config=rest, secret_config=secrets, **options)


@pytest.mark.parametrize("reuse_host", [False, True])
def test_an_adopted_batch_is_stopped_by_a_destroy_whichever_host_serves_it(
    sim: Simulator, config: dict[str, str], reuse_host: bool
) -> None:
    batch_id = _started(sim, config)
    with rehearsal(lambda: Batch("adopted", batch_id=batch_id), config, reuse_host=reuse_host) as stage:
        stage.up()
        stage.destroy()
    assert sim.live_sessions() == []


def test_a_batch_that_another_resource_adopted_in_the_same_run_is_left_running(
    sim: Simulator, config: dict[str, str]
) -> None:
    batch_id = _started(sim, config)
    name = "before"
    with rehearsal(lambda: Batch(name, batch_id=batch_id), config) as stage:
        stage.up()
        name = "after"
        result = stage.up()
        assert result.counts == {"create": 1, "delete": 1}
        assert len(sim.live_sessions()) == 2
        assert any("adopted the batch in this run" in text for text in result.messages("warning"))
        stage.destroy()
    assert sim.live_sessions() == []


def test_a_killed_create_is_announced_and_settled_by_the_next_create_of_its_resource(
    sim: Simulator, config: dict[str, str]
) -> None:
    """The kill comes between the API's response and the engine's record of it."""
    more = False

    def program() -> None:
        Batch("kept", count=1)
        if more:
            Batch("crawl", count=2)

    with rehearsal(program, config) as stage:
        stage.up()
        more = True
        _kill_at_create(stage, sim)
        with pytest.raises(RehearsalError):
            stage.up()
        assert len(sim.batches) == 2
        result = stage.up()
        warnings = "\n".join(result.messages("warning"))
        assert "1 create of this stack did not finish in an earlier run (crawl)" in warnings
        assert "deleting batch" in warnings
        assert len(sim.live_sessions()) == 3
        stage.destroy()
    assert sim.live_sessions() == []


def test_a_killed_create_is_settled_by_a_destroy(sim: Simulator, config: dict[str, str]) -> None:
    more = False

    def program() -> None:
        Batch("kept", count=1)
        if more:
            Batch("crawl", count=2)

    with rehearsal(program, config) as stage:
        stage.up()
        more = True
        _kill_at_create(stage, sim)
        with pytest.raises(RehearsalError):
            stage.up()
        stage.destroy()
    assert len(sim.batches) == 2
    assert sim.live_sessions() == []


def test_a_batch_that_the_program_adopts_is_not_taken_for_a_leftover(sim: Simulator, config: dict[str, str]) -> None:
    """A user found the batch of a killed create, and gave it to another resource."""
    declared: dict[str, dict[str, Any]] = {"kept": {"count": 1}}

    def program() -> None:
        for name, inputs in declared.items():
            Batch(name, **inputs)

    with rehearsal(program, config) as stage:
        stage.up()
        declared["crawl"] = {"count": 2}
        _kill_at_create(stage, sim)
        with pytest.raises(RehearsalError):
            stage.up()
        left = next(batch_id for batch_id in sim.batches if batch_id != stage.resource("kept").id)
        del declared["crawl"]
        declared["adopted"] = {"batch_id": left}
        # A delete settles every interrupted create of the stack.
        del declared["kept"]
        stage.up()
        assert len(sim.live_sessions(batch_id=left)) == 2
        stage.destroy()
    assert sim.live_sessions() == []


def test_a_wait_knows_a_batch_of_its_own_run_although_the_api_does_not_yet(
    sim: Simulator, config: dict[str, str]
) -> None:
    sim.settings.creation_seconds = 0
    sim.faults.add(Fault("status", method="GET", path="/v1/batch-sessions/*", status=404, times=2))

    def program() -> None:
        batch = Batch("crawl", count=2)
        BatchReady("ready", batch_id=batch.batch_id)

    with rehearsal(program, {**config, "anchorbrowser:pollInterval": "0.2"}) as stage:
        stage.up()
        assert stage.resource("ready").outputs["completed_requests"] == 2
        stage.destroy()


def test_a_wait_for_more_browsers_than_its_batch_has_is_refused_before_it_begins(
    sim: Simulator, config: dict[str, str]
) -> None:
    def program() -> None:
        batch = Batch("crawl", count=2)
        BatchReady("ready", batch_id=batch.batch_id, min_ready=3)

    with rehearsal(program, config) as stage, pytest.raises(RehearsalError) as caught:
        stage.up()
    assert "min_ready" in str(caught.value)
    assert "must not exceed the batch's 2 browsers (got 3)" in str(caught.value)
    assert [request.method for request in sim.requests] == ["POST"]


def test_a_field_that_this_release_does_not_know_is_sent_with_a_warning(sim: Simulator, config: dict[str, str]) -> None:
    def program() -> None:
        configuration: Any = {"session": {"tomorrow": {"active": True}}}
        Batch("crawl", count=1, configuration=configuration)

    with rehearsal(program, config) as stage:
        result = stage.up()
        assert any("configuration.session.tomorrow" in text for text in result.messages("warning"))
        stage.destroy()
    body = sim.requests_of("POST", "/v1/batch-sessions")[0].body
    assert body["configuration"]["session"]["tomorrow"] == {"active": True}


def _started(sim: Simulator, config: dict[str, str]) -> str:
    """Start a batch of two browsers as somebody else does."""
    client = Client(sim.url, ApiKeys(config["anchorbrowser:apiKey"]))
    batch_id = client.create_batch(2).value().batch_id
    client.close()
    return batch_id


def _kill_at_create(stage: Rehearsal, sim: Simulator) -> None:
    """Kill the whole run once the API has handled the next create, before its response arrives."""
    sim.settings.creation_seconds = 0
    sim.faults.add(Fault(method="POST", path="/v1/batch-sessions", after=lambda _: stage.kill_host()))
