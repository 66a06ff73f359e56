"""The native plugin in a rehearsal: explicit providers, custom timeouts, partial creates, kills, and a move to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from stages import standing_api

from pulumi_anchorbrowser import Batch as DynamicBatch
from pulumi_anchorbrowser.native import Batch, BatchReady, Provider
from pulumi_anchorbrowser.rehearsal import HostError, ProviderHost, Rehearsal, RehearsalError
from pulumi_anchorbrowser.simulator import Fault, Simulator

KEY, OTHER_KEY = "sk-key-of-our-team", "sk-key-of-another-team"
URN = "urn:pulumi:dev::demo::anchorbrowser:index:Batch::browsers"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with standing_api({KEY: "our-team", OTHER_KEY: "another-team"}) as running:
        yield running


Rehearse = Callable[..., Rehearsal]


@pytest.fixture
def rehearse(sim: Simulator) -> Iterator[Rehearse]:
    """Makes a rehearsal of a program with the stack's key in its config; closed at the end."""
    stages: list[Rehearsal] = []

    def made(program: Callable[[], Any], **options: Any) -> Rehearsal:
        stages.append(
            Rehearsal(
                program,
                project="demo",
                config={"anchorbrowser:baseUrl": sim.url, "anchorbrowser:settleTimeout": "1"},
                secret_config={"anchorbrowser:apiKey": KEY},
                env={"ANCHORBROWSER_API_KEY": None, "ANCHORBROWSER_MAX_RETRIES": "0"},
                **options,
            )
        )
        return stages[-1]

    yield made
    for stage in stages:
        stage.close()


def of_two_teams() -> None:
    other = Provider("other", api_key=OTHER_KEY, base_url=pulumi.Config("anchorbrowser").require("baseUrl"))
    Batch("ours", count=1)
    Batch("theirs", count=1, opts=pulumi.ResourceOptions(provider=other))


def teams(sim: Simulator) -> dict[str, int]:
    """How many browsers run in each account."""
    running = [sim.batches[session.batch_id].team for session in sim.live_sessions()]
    return {team: running.count(team) for team in set(running)}


def test_resources_of_an_explicit_provider_use_its_account_for_their_whole_life(
    rehearse: Rehearse, sim: Simulator
) -> None:
    stage = rehearse(of_two_teams)
    stage.up()
    assert teams(sim) == {"our-team": 1, "another-team": 1}
    assert stage.up().counts == {"same": 3}
    stage.refresh()
    assert stage.refresh().counts == {"read": 2}
    exported = str(stage.export())
    assert (KEY in exported, OTHER_KEY in exported) == (False, False)
    stage.destroy()
    assert (sim.live_sessions(), stage.resources) == ([], {})


def test_a_resource_that_gets_another_provider_is_replaced_and_deleted_by_its_old_one(
    rehearse: Rehearse, sim: Simulator
) -> None:
    chosen = {"other": False}

    def program() -> None:
        other = Provider("other", api_key=OTHER_KEY, base_url=pulumi.Config("anchorbrowser").require("baseUrl"))
        Batch("browsers", count=1, opts=pulumi.ResourceOptions(provider=other) if chosen["other"] else None)

    stage = rehearse(program)
    stage.up()
    chosen["other"] = True
    assert stage.up().counts == {"same": 1, "replace": 1, "delete-replaced": 1}
    assert teams(sim) == {"another-team": 1}


def test_a_provider_with_a_wrong_setting_is_refused_before_anything_is_started(
    rehearse: Rehearse, sim: Simulator
) -> None:
    def program() -> None:
        wrong = Provider("wrong", max_concurrency=-1)
        Batch("browsers", count=1, opts=pulumi.ResourceOptions(provider=wrong))

    with pytest.raises(RehearsalError, match="pulumi:providers:anchorbrowser resource 'wrong' has a problem"):
        rehearse(program).up()
    assert sim.batches == {}


def test_a_misspelt_setting_of_the_stack_is_refused(rehearse: Rehearse) -> None:
    stage = rehearse(lambda: Batch("browsers", count=1))
    stage.config["anchorbrowser:pollIntervall"] = "1"
    with pytest.raises(RehearsalError, match="pollIntervall"):
        stage.up()


def test_a_custom_timeout_ends_a_wait(rehearse: Rehearse, sim: Simulator) -> None:
    sim.settings.creation_seconds = 100

    def program() -> None:
        batch = Batch("browsers", count=1)
        timeouts = pulumi.CustomTimeouts(create="0.3s")
        BatchReady("ready", batch_id=batch.batch_id, opts=pulumi.ResourceOptions(custom_timeouts=timeouts))

    with pytest.raises(RehearsalError, match="customTimeouts"):
        rehearse(program).up()
    assert len(sim.batches) == 1


def test_a_create_of_unknown_outcome_keeps_its_claim_and_the_next_up_deletes_what_it_started(
    rehearse: Rehearse, sim: Simulator
) -> None:
    stage = rehearse(lambda: Batch("browsers", count=1))
    sim.faults.add(Fault("status", status=503, handled=True, method="POST"))
    sim.settings.batches_listed_after = sim.settings.sessions_listed_after = 1000
    with pytest.raises(RehearsalError) as caught:
        stage.up()
    [message] = caught.value.messages
    assert message.startswith("1 error occurred:\n\t* Could not determine whether the batch was started")
    half = stage.resource("browsers")
    assert half.outputs["claim"] in message
    [exported] = stage.export()["deployment"]["resources"]
    assert exported["initErrors"] == list(half.init_errors) != []

    sim.advance(1000)
    assert stage.up().counts == {"delete-replaced": 1, "replace": 1}
    assert [session.batch_id for session in sim.live_sessions()] == [stage.resource("browsers").outputs["batchId"]]
    assert "initErrors" not in str(stage.export())


def test_a_kill_of_the_plugin_leaves_its_create_pending(rehearse: Rehearse, sim: Simulator) -> None:
    stage = rehearse(lambda: Batch("browsers", count=1))
    sim.faults.add(Fault(method="POST", after=lambda _: stage.kill_host()))
    with pytest.raises(RehearsalError):
        stage.up()
    assert len(stage.state.pending_creates) == 1
    stage.up()
    assert len(sim.live_sessions()) == 1


def test_a_refresh_uses_the_key_of_the_last_up_and_then_that_of_today(rehearse: Rehearse, sim: Simulator) -> None:
    stage = rehearse(lambda: Batch("browsers", count=1))
    stage.up()
    sim.rotate_key(KEY, "sk-renewed-key")
    with pytest.raises(RehearsalError, match="HTTP 401"):
        stage.refresh()
    stage.secret_config["anchorbrowser:apiKey"] = "sk-renewed-key"
    assert stage.refresh().counts == {"update": 1}


def test_a_stack_of_the_dynamic_provider_moves_to_the_plugin_and_starts_nothing(
    rehearse: Rehearse, sim: Simulator
) -> None:
    kinds: dict[str, Any] = {"of": DynamicBatch}
    stage = rehearse(lambda: kinds["of"]("browsers", count=1))
    stage.up()
    kinds["of"] = Batch
    assert stage.up().counts == {"update": 1}
    assert list(stage.resources) == [URN]
    assert len(sim.batches) == 1
    assert stage.up().counts == {"same": 1}
    stage.destroy()
    assert sim.live_sessions() == []


def test_a_reused_plugin_goes_on_working(rehearse: Rehearse, sim: Simulator) -> None:
    stage = rehearse(lambda: Batch("browsers", count=1), reuse_host=True)
    stage.up()
    assert stage.refresh().counts == {"update": 1}
    stage.destroy()
    assert sim.live_sessions() == []


def test_the_plugin_can_be_called_alone_with_plain_dictionaries(sim: Simulator) -> None:
    config = {"anchorbrowser:baseUrl": sim.url, "anchorbrowser:apiKey": KEY}
    env = {"ANCHORBROWSER_RECEIPTS": "off"}
    with ProviderHost(package="anchorbrowser", config=config, env=env) as host:
        checked = host.check(URN, {}, {"count": 2, "onDestroy": "cancel"})
        created = host.create(URN, checked.inputs)
        assert (created.outputs["batchId"], created.outputs["onDestroy"]) == (created.id, "cancel")
        news = {**checked.inputs, "status": "deleted"}
        diff = host.diff(URN, created.id, created.outputs, news, checked.inputs)
        assert (diff.changes, diff.replaces) == (True, [])
        assert host.update(URN, created.id, created.outputs, news, checked.inputs)["deletedSessions"] == 2
        with pytest.raises(HostError, match="customTimeouts"):
            host.create(URN, checked.inputs, timeout=1e-6)
