"""`teardown_hook` on the real engine: a cleanup just before one resource is deleted."""

from __future__ import annotations

import pytest
from stages import EngineStage
from yard import OTHER, THIS, CleanedStack, Yard, owned

from pulumi_anchorbrowser import teardown_hook
from pulumi_anchorbrowser.dynamic.errors import AnchorBrowserError

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
    assert any("cleanup: will delete 1 batch (2 sessions requested)" in line and browsers in line for line in lines)
    assert any(line == "cleanup: deleted 1 batch, 2 sessions deleted" for line in lines)


def test_a_plain_destroy_refuses_where_there_is_a_hook_and_touches_nothing(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    engine_stack.up(program({"owner": "any", "tags": ["t"]}))
    yard.start("t")
    result = engine_stack.destroy(expect_failure=True)
    assert "--run-program" in result.text
    assert [call for call in engine_stack.calls if call.startswith("DELETE")] == []


def test_a_hook_stops_no_batch_of_its_own_stack(engine_stack: CleanedStack, yard: Yard) -> None:
    engine_stack.up(program({"tags": ["pulumi"]}))
    network = engine_stack.outputs("network")["batch_id"]
    untracked, other = yard.start(*owned(THIS)), yard.start(*owned(OTHER))
    engine_stack.destroy(flags=["--run-program"])
    # Its own resource keeps the data of `network`.
    assert yard.there() == {network, untracked}
    assert yard.gone() == {other}
    assert yard.sim.live_sessions(batch_id=network) == []


def test_the_warnings_of_a_hook_are_in_the_engines_log(engine_stack: CleanedStack) -> None:
    """Those of the whole process too, such as a debug log that cannot be written."""
    engine_stack.stage.env["ANCHORBROWSER_LOG"] = "/nonexistent/folder/log.json"
    engine_stack.up("")
    engine_stack.up(program({"tags": ["t"]}))
    result = engine_stack.destroy(flags=["--run-program"])
    said = [one for one in result.messages("warning") if "The debug log /nonexistent/folder/log.json" in one]
    # One of the provider host, and one of the program.
    assert len(said) == 2


def test_a_hook_that_fails_stops_the_deletion_and_the_next_destroy_does_the_rest(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    engine_stack.up(program({"owner": "any", "tags": ["t"]}))
    batch, other = yard.start("t"), yard.start("t")
    yard.fail_deletes_of(batch)
    result = engine_stack.destroy(flags=["--run-program"], expect_failure=True)
    assert "Could not clean up everything: 1 failed" in result.text
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


def test_all_wrong_arguments_are_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_anchorbrowser.dynamic.teardown_hook.owner", lambda: THIS)
    with pytest.raises(AnchorBrowserError, match=r"select\.older_than.*; action: "):
        teardown_hook("x", select={"older_than": "soon"}, action="stop")  # type: ignore[arg-type]
    with pytest.raises(AnchorBrowserError, match="allow_all"):
        teardown_hook("x", select={"owner": "any"})
