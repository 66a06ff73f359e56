"""No key, no session URL and no proxy password in plain text, anywhere: first found where they should be, encrypted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scenarios.one_stack import KEY, OneStack, one_error
from stages import EngineStage, StageResult

from pulumi_anchorbrowser.simulator import Simulator

PLAIN, SECRET, NESTED = "pw-passed-plain", "pw-passed-as-a-secret", "pw-nested-in-an-output"
PASSWORDS = {"plain": PLAIN, "secret": SECRET, "nested": NESTED}
# The simulator's session URLs: enough of them to find any.
URLS = ("wss://connect.simulator.invalid", "connect.simulator.invalid/live")
# Pulumi's mark of a secret value.
MARK = "4dabf18193072939515e22adb298388d"

# The passwords come from the environment, or no search of the files could tell the program's own text from a leak.
PROGRAM = """
import os
import pulumi
from pulumi_anchorbrowser import Batch, BatchReady


def proxied(password):
    server = {"type": "custom", "active": True, "server": "http://proxy:1", "username": "me", "password": password}
    return {"session": {"proxy": server}}


status = pulumi.Config().get("status") or "active"
nested = pulumi.Output.from_input(os.environ["PASSWORD_NESTED"]).apply(proxied)
batches = {
    "plain": Batch("plain", count=2, status=status, configuration=proxied(os.environ["PASSWORD_PLAIN"])),
    "secret": Batch("secret", count=2, configuration=proxied(pulumi.Output.secret(os.environ["PASSWORD_SECRET"]))),
    "nested": Batch("nested", count=2, configuration=nested),
}
ready = BatchReady("ready", batch_id=batches["nested"].batch_id, record_sessions=True)
for name, batch in batches.items():
    pulumi.export(name, {"id": batch.batch_id, "configuration": batch.configuration})
pulumi.export("sessions", ready.sessions)
pulumi.export("first_url", ready.sessions.apply(lambda sessions: sessions[0]["cdp_url"]))
if pulumi.Config().get("fail"):
    Batch("failing", batch_id="00000000-0000-4000-8000-000000000000", opts=pulumi.ResourceOptions(depends_on=[ready]))
"""


def make_secretive(stack: OneStack) -> OneStack:
    """The program with the passwords; the key is the stack's secret config, and not in the environment."""
    stage = stack.stage
    stage.write_program(PROGRAM)
    stage.env.update({f"PASSWORD_{name.upper()}": password for name, password in PASSWORDS.items()})
    del stage.env["ANCHORBROWSER_API_KEY"]
    stage.set_secret("anchorbrowser:apiKey", KEY)
    return stack


def leaks(text: str) -> list[str]:
    return [secret for secret in (KEY, *PASSWORDS.values(), *URLS) if secret in text]


def properties_of(stack: OneStack, name: str, *, show_secrets: bool) -> dict[str, Any]:
    resources = stack.stage.export(show_secrets=show_secrets)["deployment"]["resources"]
    [found] = [resource for resource in resources if resource["urn"].endswith(f"::{name}")]
    return {"inputs": found["inputs"], "outputs": found["outputs"]}


def everything_said(result: StageResult) -> str:
    lines = [*result.diagnostics, *result.status]
    return "\n".join([result.text, *(line.message for line in lines)])


def test_no_secret_is_in_the_state_in_a_file_or_in_anything_that_was_said(
    stack: OneStack, sim: Simulator, tmp_path: Path
) -> None:
    stage = make_secretive(stack).stage
    results = [stack.up()]
    sessions = results[0].outputs["sessions"]
    assert {request.team for request in sim.requests} == {"our-team"}

    # Where they should be: at the API, and encrypted in the state, with the URLs in the outputs of `BatchReady` alone.
    sent = [request.body["configuration"]["session"]["proxy"]["password"] for request in sim.requests_of("POST")]
    assert sorted(sent) == sorted(PASSWORDS.values())
    assert [session["cdp_url"].startswith(URLS[0]) for session in sessions] == [True, True]
    assert [URLS[1] in session["live_view_url"] for session in sessions] == [True, True]
    for name, password in PASSWORDS.items():
        for kind, shown in properties_of(stack, name, show_secrets=True).items():
            assert password in json.dumps(shown), (name, kind)
            hidden = json.dumps(properties_of(stack, name, show_secrets=False)[kind])
            assert MARK in hidden
            assert "ciphertext" in hidden
            assert not leaks(hidden), (name, kind)
    shown = json.dumps(properties_of(stack, "ready", show_secrets=True)["outputs"])
    assert leaks(shown) == [*URLS]
    assert MARK in properties_of(stack, "ready", show_secrets=False)["outputs"]["sessions"]

    # A whole life, failures included.
    results += [stack.up(), stack.refresh()]
    stage.config(fail="yes")
    failed = stack.up(expect_failure=True)
    assert one_error(failed)
    stage.config(fail=None, status="cancelled")
    results += [failed, stack.up(refresh=True)]
    said = [everything_said(result) for result in results]
    if isinstance(stage, EngineStage):
        commands = (["stack", "output"], ["stack", "output", "--json"], ["stack"], ["config"], ["stack", "history"])
        said += [stage.run(*command) for command in commands]
        said.append(everything_said(stage.preview(flags=["--diff"])))
    exported = json.dumps(stage.export())
    said += [exported, everything_said(stack.destroy()), repr([r for r in sim.requests if r.method != "POST"])]
    assert [leaks(text) for text in said] == [[]] * len(said)

    # In no file either: the state and its history, event logs, receipts, Pulumi's home and its logs. The `.txt` files
    # are what the commands printed, `--show-secrets` among them; what the others printed has been searched above.
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".txt"]
    assert "anchorbrowser" in exported
    assert [(path.name, found) for path in files if (found := leaks(path.read_bytes().decode(errors="replace")))] == []


@pytest.mark.engine_decides
def test_the_engines_own_state_file_holds_the_secrets_as_ciphertext_only(
    engine_stack: OneStack, tmp_path: Path
) -> None:
    stage = make_secretive(engine_stack).stage
    assert isinstance(stage, EngineStage)
    engine_stack.up()
    [state] = tmp_path.rglob("stacks/**/dev.json")
    resources = {
        r["urn"].split("::")[-1]: r for r in json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    }
    for name in PASSWORDS:
        for kind in ("inputs", "outputs"):
            assert '"ciphertext"' in json.dumps(resources[name][kind]["configuration"]), (name, kind)
    assert "ciphertext" in resources["ready"]["outputs"]["sessions"]
    [host] = [resource for resource in resources.values() if resource["type"] == "pulumi:providers:pulumi-python"]
    assert "ciphertext" in json.dumps(host["inputs"]["anchorbrowser:apiKey"])
    assert not leaks(state.read_text())
    assert "[secret]" in stage.run("stack", "output")
    assert URLS[0] in stage.run("stack", "output", "first_url", "--show-secrets")


def test_sessions_and_their_urls_are_recorded_only_on_request(stack: OneStack, sim: Simulator) -> None:
    ready: dict[str, Any] = {"kind": "BatchReady", "batch_id": "@browsers"}
    result = stack.up({"browsers": {"count": 2}, "ready": ready})
    assert result.outputs["ready"].get("sessions") is None
    assert not leaks(json.dumps(stack.stage.export(show_secrets=True)))

    result = stack.up({"browsers": {"count": 2}, "ready": {**ready, "record_sessions": True}})
    assert result.changes == {"update": 1}
    recorded = result.outputs["ready"]["sessions"]
    [batch] = sim.batches.values()
    assert [session["session_id"] for session in recorded] == [batch.session_id(0), batch.session_id(1)]
    assert not leaks(json.dumps(stack.stage.export()))


def test_a_password_in_the_address_of_a_proxy_is_refused_in_a_line_without_it(stack: OneStack) -> None:
    """It would be in the state in clear."""
    proxy = {"type": "custom", "active": True, "username": "me", "password": SECRET}
    address = f"http://me:{PLAIN}@proxy:1"
    wanted = {"count": 2, "configuration": {"session": {"proxy": {**proxy, "server": address}}}}
    result = stack.up({"browsers": wanted}, expect_failure=True)
    [said] = [line for line in result.messages("error") if "resource 'browsers'" in line]
    assert "property configuration.session.proxy.server " in said
    assert "scheme://host:port without a user name or password: give username and password beside server" in said
    assert leaks(everything_said(result)) == []
    assert stack.requests == []


@pytest.mark.engine_decides
def test_a_key_under_another_name_in_the_config_gets_a_warning_that_does_not_show_it(stack: OneStack) -> None:
    """What a provider sees of the config is the engine's word: the plugin gets only its own part of it."""
    assert stack.up({"browsers": {"count": 1}}).messages("warning") == []
    stack.stage.set_secret("anchorbrowser:token", PLAIN)
    stack.stage.set_secret("apiKey", SECRET)
    result = stack.up({"browsers": {"count": 2}})
    warnings = "\n".join(result.messages("warning"))
    assert warnings.count("there is no setting 'anchorbrowser:token', so it has no effect") == 1
    assert warnings.count("the key in demo:apiKey is the project's own") == (stack.stage.kind != "native")
    assert leaks(everything_said(result)) == []
