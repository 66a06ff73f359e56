"""409: the API refuses a cancel because creation had finished, or because the batch is cancelled already."""

from __future__ import annotations

from typing import Any

import pytest
from scenarios.one_stack import COUNT, OneStack, browsers, one_error

from pulumi_anchorbrowser.simulator import Simulator

NOT_KNOWN = "how many sessions the earlier cancel stopped is unknown, so cancelled_sessions is empty"


def cancelled_when_completed(stack: OneStack, sim: Simulator, **more: Any) -> tuple[str, dict[str, Any]]:
    """Starts a batch of 3 that is completed at once, and cancels it."""
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    assert len(sim.batches[batch].running()) == 3
    made = stack.up(browsers(count=3, status="cancelled", **more)).outputs["browsers"]
    assert made["batch_id"] == batch
    return batch, made


def test_a_completed_batch_has_its_sessions_ended_one_by_one_by_default(stack: OneStack, sim: Simulator) -> None:
    batch, made = cancelled_when_completed(stack, sim)
    assert stack.calls == [f"PATCH {batch}", *["DELETE session"] * 3]
    assert sim.live_sessions() == []
    assert not sim.batches[batch].deleted
    assert (made["ended_sessions"], made.get("cancelled_sessions"), made["live_status"]) == (3, None, "completed")
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_session_that_ended_by_itself_meanwhile_is_no_error_and_is_not_counted(
    stack: OneStack, sim: Simulator
) -> None:
    sim.settings.end_ended_session = "404"
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    sim.stop_sessions(batch, 1)
    made = stack.up(browsers(count=3, status="cancelled")).outputs["browsers"]
    assert made["ended_sessions"] == 2
    assert sim.live_sessions() == []


def test_a_completed_batch_is_deleted_where_if_completed_says_so(stack: OneStack, sim: Simulator) -> None:
    batch, made = cancelled_when_completed(stack, sim, if_completed="delete")
    assert stack.calls == [f"PATCH {batch}", f"DELETE {batch}"]
    assert sim.live_sessions() == []
    assert (made["deleted_sessions"], made["live_status"]) == (3, "deleted")
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.requests == []


def test_a_completed_batch_keeps_running_only_where_the_user_accepts_that(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    result = stack.up(browsers(count=3, status="cancelled", if_completed="accept"))
    assert stack.calls == [f"PATCH {batch}"]
    assert len(sim.live_sessions()) == 3
    [warning] = result.messages("warning")
    assert f"batch {batch} is completed, so the API did not cancel it. Its browsers keep running" in warning
    assert result.outputs["browsers"].get("ended_sessions") is None
    assert result.outputs["browsers"].get("still_running") is None, "no stop was reported, so none is confirmed"
    assert stack.has_nothing_to_do()

    changed = stack.up(browsers(count=3, status="cancelled", if_completed="end_sessions"))
    assert changed.outputs["browsers"]["ended_sessions"] == 3
    assert sim.live_sessions() == []
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


def test_a_completed_batch_is_an_error_where_if_completed_is_fail(stack: OneStack, sim: Simulator) -> None:
    batch = stack.up(browsers(count=3)).outputs["browsers"]["batch_id"]
    wanted = browsers(count=3, status="cancelled", if_completed="fail")
    error = one_error(stack.up(wanted, expect_failure=True))
    assert f"Could not cancel batch {batch}: HTTP 409" in error
    assert "Set if_completed to 'end_sessions', 'delete' or 'accept'" in error
    assert stack.calls == [f"PATCH {batch}"]
    assert len(sim.live_sessions()) == 3
    assert stack.stage.resource_outputs("browsers")["status"] == "active"
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]


@pytest.mark.parametrize("if_completed", ["end_sessions", "fail"])
def test_a_batch_that_was_cancelled_from_outside_is_cancelled_and_no_count_is_invented(
    stack: OneStack, sim: Simulator, if_completed: str
) -> None:
    batch = stack.start_half()
    assert sim.cancel(batch) == 5
    result = stack.up(browsers(count=COUNT, status="cancelled", if_completed=if_completed))
    assert stack.calls == [f"PATCH {batch}"]
    made = result.outputs["browsers"]
    assert (made["live_status"], made.get("cancelled_sessions"), made.get("ended_sessions")) == (
        "cancelled",
        None,
        None,
    )
    assert result.messages("warning") == [f"batch {batch} was already cancelled; {NOT_KNOWN}"]
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]
