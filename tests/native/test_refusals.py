"""What is wrong in a program or its config is refused in one line, by the names that the program has."""

from __future__ import annotations

import pytest
from crashes.secrets_sought import PASSWORD, PROXY
from native.plugin_stack import PluginStack
from scenarios.one_stack import MISSING_ID, browsers

from pulumi_anchorbrowser.simulator import Simulator


@pytest.mark.engine_decides
def test_a_misspelt_setting_of_the_stack_is_refused(stack: PluginStack) -> None:
    stack.stage.config(**{"anchorbrowser:basUrl": "http://127.0.0.1:9"})
    error = stack.fails(stack.up, resources=browsers(count=1))
    assert "did you mean 'anchorbrowser:baseUrl'?" in error
    assert stack.requests == []


def test_a_misspelt_setting_of_an_explicit_provider_is_refused(stack: PluginStack, sim: Simulator) -> None:
    provider = {"kind": "pulumi:providers:anchorbrowser", "basUrl": sim.url}
    stack.wants({"ours": provider, "browsers": {"count": 1, "options": {"provider": "${ours}"}}})
    failed = stack.run(stack.stage.up, expect_failure=True)
    assert "basUrl" in failed.text
    assert stack.requests == []


def test_a_misspelt_field_of_the_configuration_is_refused_by_its_path(stack: PluginStack) -> None:
    wrong = {"session": {"timeout": {"maxDurration": 20}}}
    stack.wants(browsers(count=1, configuration=wrong))
    failed = stack.run(stack.stage.up, expect_failure=True)
    assert "maxDurration" in failed.text
    assert "max_dur" not in failed.text
    assert stack.requests == []


def test_a_refused_configuration_is_not_printed(stack: PluginStack) -> None:
    """The engine prints the value of a property that a check names."""
    error = stack.fails(stack.up, resources=browsers(batchId=MISSING_ID, configuration={"session": {"proxy": PROXY}}))
    assert error.endswith("has a problem: configuration cannot be set on an adopted batch")
    assert PASSWORD not in error
