"""Explicit providers for two accounts, and a key that was rotated since the last `up`."""

from __future__ import annotations

from typing import Any

from crashes.secrets_sought import RENEWED_KEY
from native.plugin_stack import PluginStack, key_of
from scenarios.one_stack import KEY, OTHER_KEY, browsers

from pulumi_anchorbrowser.simulator import Fault, Simulator


def account(key: str, sim: Simulator) -> dict[str, Any]:
    """An explicit provider."""
    return {"kind": "pulumi:providers:anchorbrowser", "apiKey": key, "baseUrl": sim.url}


def test_each_batch_is_in_the_account_of_its_provider(stack: PluginStack, sim: Simulator) -> None:
    stack.stage.env.pop("ANCHORBROWSER_API_KEY")
    providers = {"ours": account(KEY, sim), "theirs": account(OTHER_KEY, sim)}
    batches = {
        name: {"count": count, "options": {"provider": f"${{{provider}}}"}}
        for name, count, provider in (("first", 2, "ours"), ("second", 3, "theirs"))
    }
    stack.up(providers | batches)
    teams = {batch.team: len(sim.live_sessions(batch_id=id_)) for id_, batch in sim.batches.items()}
    assert teams == {"our-team": 2, "another-team": 3}
    assert {request.team for request in stack.requests} == set(teams)
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert {(request.team, request.method) for request in stack.requests if request.method == "DELETE"} == {
        ("our-team", "DELETE"),
        ("another-team", "DELETE"),
    }


def test_a_refresh_and_a_destroy_use_the_key_that_the_stack_has_today(stack: PluginStack, sim: Simulator) -> None:
    key_of(stack.stage)
    stack.up(browsers(count=2))
    [batch] = sim.batches
    sim.rotate_key(KEY, RENEWED_KEY)
    stack.stage.set_secret("anchorbrowser:apiKey", RENEWED_KEY)
    stack.refresh()
    assert stack.stage.resource_outputs("browsers")["liveStatus"] == "completed"
    stack.destroy()
    tried = [(call.method, call.status) for call in stack.requests if call.method == "DELETE"]
    assert tried == [("DELETE", 401), ("DELETE", 200)]
    assert sim.batches[batch].deleted


def test_a_destroy_names_a_killed_create_that_its_key_cannot_find(stack: PluginStack, sim: Simulator) -> None:
    """Pulumi starts no provider for a destroy of an account that has nothing in the state."""
    providers = {"ours": account(KEY, sim), "theirs": account(OTHER_KEY, sim)}
    first = {"first": {"count": 1, "options": {"provider": "${ours}"}}}
    stack.up(providers | first)
    stack.wants(providers | first | {"second": {"count": 2, "options": {"provider": "${theirs}"}}})
    stack.killed_by(Fault(method="POST", after=lambda _: stack.stage.kill()))
    stack.goes_elsewhere()
    result = stack.same_again("destroy")
    assert {session.team for session in sim.live_sessions()} == {"another-team"}
    [warning] = [line for line in result.messages("warning") if "that create used another" in line]
    assert "an interrupted create of second" in warning
