"""A cleanup leaves running what its own stack has, whichever provider started it."""

from __future__ import annotations

from typing import Any

from native.plugin_stack import PluginStack
from native.test_accounts import account
from scenarios.one_stack import KEY, PROGRAM, OneStack, started_outside

from pulumi_anchorbrowser.simulator import Simulator

NIGHTLY = {"session": {"tags": ["nightly"]}}
SWEEP: dict[str, Any] = {"kind": "BatchCleanup", "select": {"tags": ["nightly"]}, "when": "both", "action": "delete"}


def test_a_batch_of_another_provider_of_the_same_run_is_spared(stack: PluginStack, sim: Simulator) -> None:
    ours = {"count": 2, "configuration": NIGHTLY, "options": {"provider": "${explicit}"}}
    sweep = {**SWEEP, "options": {"dependsOn": ["${browsers}"]}}
    stack.up({"explicit": account(KEY, sim), "browsers": ours, "sweep": sweep})
    assert len(sim.live_sessions()) == 2
    assert not [call for call in stack.calls if call != "POST"]
    # And in a later run, by the state.
    stack.up({"explicit": account(KEY, sim), "browsers": ours, "sweep": {**sweep, "triggers": ["again"]}})
    assert stack.calls == []
    assert len(sim.live_sessions()) == 2


def test_a_batch_that_the_dynamic_provider_has_started_is_spared_after_the_move(
    stack: PluginStack, sim: Simulator
) -> None:
    stack.stage.write_python(PROGRAM)
    OneStack.wants(stack, {"browsers": {"count": 2, "configuration": NIGHTLY}})
    stack.up()
    foreign = started_outside(sim, count=1)
    stack.up({"browsers": {"count": 2, "configuration": NIGHTLY}, "sweep": {**SWEEP, "allowAll": True, "select": {}}})
    assert stack.calls == [f"DELETE {foreign}"]
    assert len(sim.live_sessions(batch_id=next(iter(sim.batches)))) == 2
