"""`teardown_hook` on the real engine: a cleanup just before one resource is deleted."""

from __future__ import annotations

import pytest
from pulumi_anchorbrowser.dynamic.speech import AnchorBrowserError
from stages import EngineStage
from yard import OTHER, THIS, CleanedStack, Yard, owned

from pulumi_anchorbrowser import teardown_hook

PROGRAM = """
hook = ab.teardown_hook("stop-browsers", select={select!r}{more})
bound = ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[hook]))
network = ab.Batch("network", count=1, on_destroy="cancel", opts=bound)
"""


def program(select: object, more: str = "") -> str:
    return PROGRAM.format(select=select, more=more and f", {more}")


def test_a_hook_cleans_up_before_its_resource_is_destroyed(engine_stack: CleanedStack, yard: Yard) -> None:
    engine_stack.up(program({"owner": "any", "tags": ["t"]}))
    network = engine_stack.outputs("network")["batch_id"]
    browsers, protected = yard.start("t"), yard.start("t", "pulumi-protect")
    result = engine_stack.destroy(flags=["--run-program"])
    assert engine_stack.calls[0] == f"DELETE {browsers}"
    assert [call for call in engine_stack.calls if network in call] == [f"PATCH {network}"]
    assert yard.there() == {network, protected}
    lines = result.messages("info")
    assert any("about to delete: 1 batch with 2 sessions" in line and browsers in line for line in lines)
    assert any(line.startswith("cleanup: 1 of 1 batches cleaned up, 2 sessions deleted") for line in lines)


def test_a_plain_destroy_refuses_where_there_is_a_hook_and_touches_nothing(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    engine_stack.up(program({"owner": "any", "tags": ["t"]}))
    yard.start("t")
    result = engine_stack.destroy(expect_failure=True)
    assert "--run-program" in result.text
    assert [call for call in engine_stack.calls if call.startswith("DELETE")] == []


def test_a_hook_leaves_the_batches_that_the_program_declares_to_their_own_resources(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    engine_stack.up(program({"owner": "this"}))
    network = engine_stack.outputs("network")["batch_id"]
    leftover, other = yard.start(*owned(THIS)), yard.start(*owned(OTHER))
    engine_stack.destroy(flags=["--run-program"])
    # Its own resource keeps the data of `network`.
    assert yard.there() == {network, other}
    assert yard.gone() == {leftover}
    assert yard.sim.live_sessions(batch_id=network) == []


def test_a_hook_that_fails_stops_the_deletion_and_the_next_destroy_does_the_rest(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    engine_stack.up(program({"owner": "any", "tags": ["t"]}))
    batch, other = yard.start("t"), yard.start("t")
    yard.fail_deletes_of(batch)
    result = engine_stack.destroy(flags=["--run-program"], expect_failure=True)
    assert "Could not clean up 1 batches" in result.text
    assert yard.gone() == {other}
    yard.sim.faults.clear()
    engine_stack.destroy(flags=["--run-program"])
    assert yard.gone() == {batch, other}


def test_a_hook_runs_when_an_up_replaces_its_resource(engine_stack: CleanedStack, yard: Yard) -> None:
    assert isinstance(engine_stack.stage, EngineStage)
    body = program({"owner": "any", "tags": ["t"]})
    engine_stack.up(body)
    browsers = yard.start("t")
    engine_stack.up(body.replace("count=1", "count=2"))
    assert yard.gone() == {browsers}
    assert engine_stack.outputs("network")["batch_id"] in yard.there()


def test_wrong_arguments_are_all_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_anchorbrowser.dynamic.teardown_hook.owner", lambda: THIS)
    with pytest.raises(AnchorBrowserError, match=r"select\.older_than.*; action: "):
        teardown_hook("x", select={"older_than": "soon"}, action="stop")  # type: ignore[arg-type]
    with pytest.raises(AnchorBrowserError, match="allow_all"):
        teardown_hook("x", select={"owner": "any"})
