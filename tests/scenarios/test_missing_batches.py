"""A batch that the API no longer knows: it was deleted from outside, or the key is another team's."""

from __future__ import annotations

import re
from typing import Any

from scenarios.one_stack import (
    COUNT,
    HALF_TIME,
    OTHER_KEY,
    SECONDS,
    OneStack,
    browsers,
    errors,
    has_traceback,
    one_error,
)
from stages import StageResult

from pulumi_anchorbrowser.simulator import Simulator

KEPT = "recorded as deleted, with the counts known so far"
TWO: dict[str, dict[str, Any]] = {"kept": {"count": 3}, "renewed": {"count": 3, "on_missing": "recreate"}}


def test_what_was_deleted_from_outside_is_kept_as_deleted_or_created_anew(stack: OneStack, sim: Simulator) -> None:
    asked = {f"{s}-{m}": (s, m) for s in ("active", "cancelled", "deleted") for m in ("keep", "recreate")}
    sim.settings.creation_seconds = SECONDS
    before = stack.up({name: {"count": COUNT, "on_missing": missing} for name, (_, missing) in asked.items()}).outputs
    ids = {name: before[name]["batch_id"] for name in asked}
    sim.advance(HALF_TIME)
    stack.up({name: {"count": COUNT, "status": s, "on_missing": m} for name, (s, m) in asked.items()})
    for name, (status, _) in asked.items():
        if status != "deleted":
            sim.delete(ids[name])

    result = stack.up(refresh=True)
    assert stack.calls == ["POST"]
    after = result.outputs
    again = after["active-recreate"]
    assert (again["live_status"], again["status"]) == ("pending", "active")
    assert again["batch_id"] != ids["active-recreate"]
    assert {session.batch_id for session in sim.live_sessions()} == {again["batch_id"]}
    for name in set(asked) - {"active-recreate"}:
        assert (after[name]["batch_id"], after[name]["live_status"]) == (ids[name], "deleted")
        counts = [after[name].get(count) for count in ("cancelled_sessions", "deleted_sessions")]
        assert counts == {"active": [None, None], "cancelled": [5, None], "deleted": [None, 5]}[asked[name][0]]
    warned = sorted(result.messages("warning"))
    gone = f"batch {ids['active-recreate']} is gone; on_missing is 'recreate', so the next `pulumi up` starts a new one"
    only_missing = [ids[name] for name in ("active-keep", "cancelled-keep", "cancelled-recreate")]
    kept = [f"the API no longer knows batch {batch}: {KEPT}" for batch in only_missing]
    assert warned == sorted([gone, *kept])

    assert stack.has_nothing_to_do()
    stack.destroy()
    # A 404 may come from a replica of the API that lags: only an answered DELETE says that a batch is gone.
    assert sorted(stack.calls) == sorted(f"DELETE {batch}" for batch in [again["batch_id"], *only_missing])


def test_a_stop_of_a_batch_that_is_gone_already_succeeds_and_invents_no_count(stack: OneStack, sim: Simulator) -> None:
    made = stack.up({"to-cancel": {"count": 3}, "to-delete": {"count": 3}, "to-destroy": {"count": 3}}).outputs
    for outputs in made.values():
        sim.delete(outputs["batch_id"])
    result = stack.up(
        {
            "to-cancel": {"count": 3, "status": "cancelled"},
            "to-delete": {"count": 3, "status": "deleted"},
            "to-destroy": {"count": 3},
        }
    )
    ids = {name: outputs["batch_id"] for name, outputs in made.items()}
    assert sorted(stack.calls) == sorted([f"PATCH {ids['to-cancel']}", f"DELETE {ids['to-delete']}"])
    for name in ("to-cancel", "to-delete"):
        now = result.outputs[name]
        assert (now["live_status"], now.get("cancelled_sessions"), now.get("deleted_sessions")) == (
            "deleted",
            None,
            None,
        )
    [warning] = result.messages("warning")
    assert warning == f"the API no longer knows batch {ids['to-cancel']}: {KEPT}"
    stack.destroy()
    # Each of the other two was gone by the word of a 404 alone.
    assert sorted(stack.calls) == sorted(f"DELETE {batch}" for batch in ids.values())


def with_another_key(stack: OneStack) -> None:
    stack.stage.env["ANCHORBROWSER_API_KEY"] = OTHER_KEY


def confirmation_in(result: StageResult) -> str:
    codes = {found for error in errors(result) for found in re.findall(r"ANCHORBROWSER_CONFIRM_ACCOUNT=(\w+)", error)}
    [code] = codes
    return str(code)


def test_a_404_under_another_teams_key_never_counts_as_gone(stack: OneStack, sim: Simulator) -> None:
    stack.up(TWO)
    before = [stack.stage.resource_outputs(name) for name in TWO]
    with_another_key(stack)

    for failed in (
        stack.refresh(expect_failure=True),
        stack.up(refresh=True, expect_failure=True),
        stack.up({name: {**inputs, "status": "cancelled"} for name, inputs in TWO.items()}, expect_failure=True),
        stack.run(stack.stage.destroy, expect_failure=True),
    ):
        assert "POST" not in stack.calls
        assert errors(failed)
        for error in errors(failed):
            assert "it may still run in another team's account" in error
        assert not has_traceback(failed)
    assert len(sim.live_sessions()) == 6
    assert stack.names() == set(TWO)
    assert [stack.stage.resource_outputs(name) for name in TWO] == before


def test_a_404_under_another_key_counts_as_gone_once_the_user_confirms_the_key(stack: OneStack, sim: Simulator) -> None:
    for outputs in stack.up(TWO).outputs.values():
        sim.delete(outputs["batch_id"])
    with_another_key(stack)
    failed = stack.refresh(expect_failure=True)
    stack.stage.env["ANCHORBROWSER_CONFIRM_ACCOUNT"] = confirmation_in(failed)
    result = stack.up(refresh=True)
    assert stack.calls == ["POST"]
    assert result.outputs["kept"]["live_status"] == "deleted"
    assert [batch.team for batch in sim.batches.values()] == ["our-team", "our-team", "another-team"]
    stack.destroy()


def test_a_destroy_under_another_teams_key_can_be_confirmed(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    with_another_key(stack)
    failed = stack.run(stack.stage.destroy, expect_failure=True)
    assert batch in one_error(failed)
    assert stack.names() == {"browsers"}

    stack.stage.env["ANCHORBROWSER_CONFIRM_ACCOUNT"] = "deadbeef"
    assert stack.run(stack.stage.destroy, expect_failure=True).failed
    sim.delete(batch)
    stack.stage.env["ANCHORBROWSER_CONFIRM_ACCOUNT"] = confirmation_in(failed)
    stack.destroy()


def test_a_rotated_key_of_the_same_team_goes_on_working(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    sim.rotate_key(stack.stage.env["ANCHORBROWSER_API_KEY"], "sk-key-of-our-team-renewed")
    stack.stage.env["ANCHORBROWSER_API_KEY"] = "sk-key-of-our-team-renewed"
    stack.refresh()
    sim.delete(batch)
    assert stack.refresh().messages("warning") == [f"the API no longer knows batch {batch}: {KEPT}"]
