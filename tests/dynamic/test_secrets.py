"""A custom proxy's password is secret even if it was given plain, at whatever level an output stands."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from stages import EngineStage

from pulumi_anchorbrowser import Batch, BatchReady, ProxyArgs, SessionArgs, SessionConfigurationArgs
from pulumi_anchorbrowser.dynamic.resources import with_secret_password
from pulumi_anchorbrowser.rehearsal import Rehearsal, ResourceState, Result
from pulumi_anchorbrowser.simulator import Simulator

PASSWORD = "hunter2-hunter2"
PROXY: dict[str, Any] = {
    "active": True,
    "type": "custom",
    "server": "http://proxy.example.com:3128",
    "username": "me",
    "password": PASSWORD,
}
GIVEN: dict[str, Callable[[], Any]] = {
    "plain": lambda: {"session": {"proxy": PROXY}},
    "classes": lambda: SessionConfigurationArgs(session=SessionArgs(proxy=ProxyArgs(**PROXY))),
    "output of the configuration": lambda: pulumi.Output.from_input({"session": {"proxy": PROXY}}),
    "output of the session": lambda: {"session": pulumi.Output.from_input({"proxy": PROXY})},
    "output of the proxy": lambda: {"session": {"proxy": pulumi.Output.from_input(PROXY)}},
    "output of the password": lambda: {
        "session": {"proxy": {**PROXY, "password": pulumi.Output.from_input(PASSWORD)}},
    },
    "an awaitable": lambda: {"session": {"proxy": soon(PROXY)}},
    "already secret": lambda: {"session": {"proxy": {**PROXY, "password": pulumi.Output.secret(PASSWORD)}}},
}


async def soon(value: Any) -> Any:
    return value


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Simulator, dict[str, ResourceState], Result]]:
    """One run of a program with a batch for every form, named after it."""

    def program() -> None:
        for form, given in GIVEN.items():
            batch = Batch(form, count=1, configuration=given(), metadata={"form": form})
            pulumi.export(form, batch.configuration)

    with Simulator() as sim:
        settings = {"anchorbrowser:apiKey": "simulated-key", "anchorbrowser:baseUrl": sim.url}
        with Rehearsal(program, config=settings, env={"ANCHORBROWSER_RECEIPTS": "off"}) as stage:
            result = stage.up()
            yield sim, {form: stage.resource(form) for form in GIVEN}, result


@pytest.mark.parametrize("form", GIVEN)
def test_a_password_is_a_secret_in_the_state_and_arrives_at_the_api(
    told: tuple[Simulator, dict[str, ResourceState], Result], form: str
) -> None:
    sim, resources, result = told
    (body,) = [request.body for request in sim.requests if request.body["metadata"] == {"form": form}]
    assert body["configuration"]["session"]["proxy"] == PROXY
    assert "configuration" in resources[form].secret_inputs
    assert "configuration" in resources[form].secret_outputs
    assert form in result.secret_outputs
    assert PASSWORD not in json.dumps([line.message for line in result.log])


def test_without_a_password_nothing_is_hidden(
    sim: Simulator, config: dict[str, str], environment: dict[str, Any]
) -> None:
    def program() -> None:
        Batch("plain", count=1, configuration={"session": {"proxy": {"active": True}, "tags": ["x"]}})
        Batch("late", count=1, configuration=pulumi.Output.from_input({"session": {"tags": ["x"]}}))

    with Rehearsal(program, config=config, env=environment) as stage:
        stage.up()
        for name in ("plain", "late"):
            assert not stage.resource(name).secret_inputs
            assert not stage.resource(name).secret_outputs
    assert len(sim.batches) == 2


def resolved(value: Any) -> tuple[Any, bool]:
    async def resolve() -> tuple[Any, bool]:
        output = pulumi.Output.from_input(value() if callable(value) else value)
        return await output.future(), await output.is_secret()

    return asyncio.run(resolve())


def test_only_the_password_of_a_plain_dictionary_is_made_secret() -> None:
    async def look() -> None:
        protected: Any = with_secret_password({"session": {"proxy": PROXY, "tags": ["x"]}, "browser": {}})
        proxy = protected["session"]["proxy"]
        assert isinstance(proxy["password"], pulumi.Output)
        assert await proxy["password"].is_secret()
        assert await proxy["password"].future() == PASSWORD
        assert {name: value for name, value in proxy.items() if name != "password"} == {
            name: value for name, value in PROXY.items() if name != "password"
        }
        assert (protected["session"]["tags"], protected["browser"]) == (["x"], {})

    asyncio.run(look())


def test_what_the_user_gave_is_not_touched() -> None:
    given = {"session": {"proxy": dict(PROXY)}}
    before = copy.deepcopy(given)

    async def protect() -> None:
        with_secret_password(given)

    asyncio.run(protect())
    assert given == before


@pytest.mark.parametrize("given", [None, {}, {"session": None}, {"session": {"proxy": {"active": True}}}, "nonsense"])
def test_anything_without_a_password_is_passed_on(given: Any) -> None:
    assert with_secret_password(given) == given
    assert resolved(lambda: with_secret_password(pulumi.Output.from_input(given))) == (given, False)


def test_the_sessions_of_a_wait_are_secret_and_recorded_on_request_only(
    sim: Simulator, config: dict[str, str], environment: dict[str, Any]
) -> None:
    sim.settings.creation_seconds = 0

    def program() -> None:
        batch = Batch("crawl", count=2)
        BatchReady("asked", batch_id=batch.batch_id, record_sessions=True)
        BatchReady("not-asked", batch_id=batch.batch_id)

    with Rehearsal(program, config=config, env=environment) as stage:
        stage.up()
        asked, not_asked = stage.resource("asked"), stage.resource("not-asked")
    assert [session["item_index"] for session in asked.outputs["sessions"]] == [0, 1]
    assert asked.outputs["sessions"][0]["cdp_url"].startswith("wss://")
    assert "sessions" in asked.secret_outputs
    assert not_asked.outputs.get("sessions") is None
    assert "wss://" not in json.dumps(not_asked.outputs)


TRANSFORMED = """
import pulumi
import pulumi_anchorbrowser as ab

PROXY = {proxy!r}

def with_proxy(args):
    props = {{**args.props, "configuration": {{"session": {{"proxy": PROXY, "tags": ["x"]}}}}}}
    return pulumi.ResourceTransformationResult(props, args.opts)

pulumi.runtime.register_stack_transformation(with_proxy)
batch = ab.Batch("crawl", count=1)
pulumi.export("tags", batch.configuration.apply(lambda configuration: configuration["session"]["tags"]))
"""


@pytest.mark.engine_decides
def test_a_password_that_a_transform_sets_is_a_secret_in_the_state(engine_stage: EngineStage, sim: Simulator) -> None:
    """The constructor has run by then, so `check` marks it."""
    key = {"ANCHORBROWSER_API_KEY": "key-of-team-a", "ANCHORBROWSER_BASE_URL": sim.url}
    engine_stage.env.update({**key, "ANCHORBROWSER_RECEIPTS": "off"})
    engine_stage.write_program(TRANSFORMED.format(proxy=PROXY))
    up = engine_stage.up()
    engine_stage.refresh()
    exported = json.dumps(engine_stage.export())
    assert PASSWORD not in exported
    assert '"me"' in exported
    assert PASSWORD not in up.text
    (post,) = sim.requests_of("POST")
    assert post.body["configuration"]["session"]["proxy"] == PROXY
    assert engine_stage.preview().changes == {}
    engine_stage.destroy()
    assert sim.live_sessions() == []
