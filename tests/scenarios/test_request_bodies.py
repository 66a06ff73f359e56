"""What is sent: the same, whether a program uses the typed argument classes or plain dictionaries."""

from __future__ import annotations

from typing import Any

from scenarios.one_stack import OWNER, OneStack

from pulumi_anchorbrowser.simulator import Simulator

TYPED_AND_PLAIN = """
import pulumi
import pulumi_anchorbrowser as anchorbrowser

anchorbrowser.Batch(
    "typed",
    count=3,
    metadata={"job": "nightly", "attempt": 1, "ratio": 0.5, "dry": False, "stages": ["a", {"b": 2}]},
    configuration=anchorbrowser.SessionConfigurationArgs(
        session=anchorbrowser.SessionArgs(
            initial_url="https://example.com",
            tags=["nightly"],
            recording=anchorbrowser.SwitchArgs(active=False),
            proxy=anchorbrowser.ProxyArgs(active=True, type="anchor_proxy", country_code="us"),
            timeout=anchorbrowser.TimeoutArgs(max_duration=20, idle_timeout=-1),
            live_view=anchorbrowser.LiveViewArgs(read_only=True),
        ),
        browser=anchorbrowser.BrowserArgs(
            captcha_solver=anchorbrowser.SwitchArgs(active=pulumi.Output.from_input(True)),
            viewport=anchorbrowser.ViewportArgs(width=1440, height=900),
        ),
    ),
)
anchorbrowser.Batch(
    "plain",
    count=3,
    metadata={"job": "nightly", "attempt": 1, "ratio": 0.5, "dry": False, "stages": ["a", {"b": 2}]},
    configuration={
        "session": {
            "initial_url": "https://example.com",
            "tags": ["nightly"],
            "recording": {"active": False},
            "proxy": {"active": True, "type": "anchor_proxy", "country_code": "us"},
            "timeout": {"max_duration": 20, "idle_timeout": -1},
            "live_view": {"read_only": True},
        },
        "browser": {"captcha_solver": {"active": True}, "viewport": {"width": 1440, "height": 900}},
    },
)
"""


def without_claim(body: dict[str, Any]) -> dict[str, Any]:
    tags = body["configuration"]["session"]["tags"]
    assert tags[:3] == ["nightly", "pulumi", OWNER]
    assert [tag.partition(":")[0] for tag in tags[3:]] == ["pulumi-claim"]
    del tags[3:]
    return body


def test_typed_arguments_and_plain_dictionaries_send_the_same_body(stack: OneStack, sim: Simulator) -> None:
    stack.stage.write_program(TYPED_AND_PLAIN)
    stack.up()
    typed, plain = (without_claim(request.body) for request in sim.requests_of("POST"))
    assert typed == plain
    assert typed["metadata"] == {"job": "nightly", "attempt": 1, "ratio": 0.5, "dry": False, "stages": ["a", {"b": 2}]}
    assert typed["configuration"]["session"]["timeout"] == {"max_duration": 20, "idle_timeout": -1}
    assert typed["configuration"]["browser"]["viewport"] == {"width": 1440, "height": 900}
    assert stack.has_nothing_to_do()
    stack.destroy()
