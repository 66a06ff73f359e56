"""The store of receipts cannot be written, or is turned off: that stops a create, and never a cancel or a delete."""

from __future__ import annotations

from pathlib import Path

from bad_days.watched_stack import WatchedStack
from scenarios.one_stack import COUNT, HALF_TIME, RUNNING, SECONDS, browsers, one_error

from pulumi_anchorbrowser.simulator import Fault, Simulator

WITHOUT_RECEIPT = "What is being done goes on without a receipt"


def spoil(stack: WatchedStack, tmp_path: Path) -> Path:
    """From now on the receipts are to be kept below a regular file, which not even root can do."""
    (tmp_path / "a-file").write_text("not a folder")
    place = tmp_path / "a-file" / "receipts.sqlite3"
    stack.stage.env["ANCHORBROWSER_RECEIPTS"] = str(place)
    return place


def test_a_create_that_cannot_be_written_down_is_not_made(stack: WatchedStack, sim: Simulator, tmp_path: Path) -> None:
    place = spoil(stack, tmp_path)
    error = one_error(stack.up(browsers(count=2), expect_failure=True))
    assert "Nothing was started" in error
    assert str(place) in error
    assert "ANCHORBROWSER_RECEIPTS=off" in error
    assert stack.calls == []
    assert (sim.batches, stack.names()) == ({}, set())

    stack.stage.env["ANCHORBROWSER_RECEIPTS"] = str(stack.receipts)
    stack.up()
    assert stack.calls == ["POST"]
    stack.destroyed_in_the_end()


def test_cancels_and_deletes_go_on_without_receipts_and_keep_their_counts(
    stack: WatchedStack, sim: Simulator, tmp_path: Path
) -> None:
    sim.settings.creation_seconds = SECONDS
    inputs = {"count": COUNT}
    stack.up({"to-cancel": inputs, "to-delete": inputs, "to-destroy": inputs})
    sim.advance(HALF_TIME)
    spoil(stack, tmp_path)
    result = stack.up(
        {
            "to-cancel": {**inputs, "status": "cancelled"},
            "to-delete": {**inputs, "status": "deleted"},
            "to-destroy": inputs,
        }
    )
    assert sorted(call.split()[0] for call in stack.calls) == ["DELETE", "PATCH"]
    assert result.outputs["to-cancel"]["cancelled_sessions"] == RUNNING
    assert result.outputs["to-delete"]["deleted_sessions"] == RUNNING
    assert [line for line in result.messages("warning") if WITHOUT_RECEIPT in line]

    result = stack.destroy()
    assert [line for line in result.messages("warning") if WITHOUT_RECEIPT in line]
    assert f"{RUNNING} sessions deleted, 0 failed" in "\n".join(result.messages("info"))
    assert sim.live_sessions() == []


def test_with_receipts_turned_off_everything_works_and_nothing_is_kept(
    stack: WatchedStack, sim: Simulator, tmp_path: Path
) -> None:
    stack.stage.env["ANCHORBROWSER_RECEIPTS"] = "off"
    sim.faults.add(Fault("reset_after", method="POST"))
    sim.settings.failing_sessions, sim.settings.partly_failed_status = 1, "failed"
    made = stack.up(browsers(count=3))
    assert stack.calls == ["POST"]
    assert [line for line in made.messages("warning") if "found by its claim" in line]
    batch = made.outputs["browsers"]["batch_id"]
    cancelled = stack.up(browsers(count=3, status="cancelled"))
    assert (stack.calls, cancelled.outputs["browsers"]["cancelled_sessions"]) == ([f"PATCH {batch}"], 2)
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]
    assert [path.name for path in tmp_path.rglob("*") if "receipts" in path.name] == []


def test_with_receipts_turned_off_an_unknown_outcome_is_told_with_its_claim(
    stack: WatchedStack, sim: Simulator
) -> None:
    stack.stage.env["ANCHORBROWSER_RECEIPTS"] = "off"
    sim.faults.add(Fault("reset_before", method="POST"))
    error = one_error(stack.up(browsers(count=2), expect_failure=True))
    [sent] = sim.requests_of("POST")
    [claim] = [tag for tag in sent.body["configuration"]["session"]["tags"] if tag.startswith("pulumi-claim:")]
    assert claim in error
    assert "Receipts are off, so the next run will not look again" in error
