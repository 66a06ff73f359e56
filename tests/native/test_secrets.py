"""No key, no session URL and no proxy password in plain text: in the state, in what was printed, in the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crashes.secrets_sought import PASSWORD, PROXY, secrets_in
from native.plugin_stack import PluginStack, key_of
from native.test_accounts import account
from scenarios.one_stack import OTHER_KEY, browsers

from pulumi_anchorbrowser.simulator import Fault, Simulator

CONFIGURATION: dict[str, Any] = {"session": {"proxy": PROXY}}


def secretive(stack: PluginStack, sim: Simulator) -> dict[str, dict[str, Any]]:
    """A program with every secret in plain text, and the key in the stack's config."""
    key_of(stack.stage)
    provider = {"options": {"provider": "${theirs}"}}
    return {
        "theirs": account(OTHER_KEY, sim),
        "browsers": {"count": 2, "configuration": CONFIGURATION},
        "ready": {"kind": "BatchReady", "batchId": "@browsers", "recordSessions": True},
        "other": {"count": 1, "configuration": CONFIGURATION, **provider},
    }


def finds_nothing_in(paths: list[Path]) -> None:
    """Each was written, and holds no secret."""
    assert paths
    assert {path.name: found for path in paths if (found := secrets_in(path.read_bytes()))} == {}


def test_no_secret_is_in_the_state_the_events_or_the_debug_log(
    stack: PluginStack, sim: Simulator, tmp_path: Path
) -> None:
    log = tmp_path / "debug.log"
    stack.stage.env["ANCHORBROWSER_LOG"] = str(log)
    program = secretive(stack, sim)
    stack.up(program, flags=["--debug"])
    bodies = [request.body for request in stack.requests if request.method == "POST"]
    assert [body["configuration"]["session"]["proxy"]["password"] for body in bodies if body] == [PASSWORD, PASSWORD]
    stack.refresh(flags=["--debug"])
    stack.up(program | {"browsers": {**program["browsers"], "status": "cancelled"}}, flags=["--debug"])
    assert stack.stage.resource_outputs("browsers")["configuration"] == CONFIGURATION
    assert len(stack.stage.resource_outputs("ready")["sessions"]) == 2
    state = tmp_path / "state.json"
    state.write_text(stack.stage.run("stack", "export"))
    finds_nothing_in([log, state, *(path for path in stack.stage.printed() if path.with_suffix(".events").exists())])
    finds_nothing_in([path for path in stack.stage.backend.rglob("*.json") if "secrets" not in path.parts])


def test_no_secret_is_in_the_state_of_a_create_that_failed_half_way(
    stack: PluginStack, sim: Simulator, tmp_path: Path
) -> None:
    sim.settings.sessions_listed_after = 1000
    sim.faults.add(Fault("reset_after", method="POST"))
    stack.fails(stack.up, resources=browsers(count=1, configuration=CONFIGURATION))
    state = tmp_path / "state.json"
    state.write_text(stack.stage.run("stack", "export"))
    assert '"initErrors"' in state.read_text()
    finds_nothing_in([state, *stack.stage.backend.rglob("*.json")])
