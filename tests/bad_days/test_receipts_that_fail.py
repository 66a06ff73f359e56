"""The store of receipts cannot be written, or is turned off: a warning, which never stops a call."""

from __future__ import annotations

from pathlib import Path

from bad_days.watched_stack import WatchedStack
from scenarios.one_stack import COUNT, HALF_TIME, RUNNING, SECONDS, browsers, one_error

from pulumi_anchorbrowser.simulator import Fault, Simulator

WITHOUT_RECEIPT = "Continuing without a receipt"


def spoil(stack: WatchedStack, tmp_path: Path) -> Path:
    """Name a place for the receipts that nobody can use, not even root: below a regular file. Return it."""
    (tmp_path / "a-file").write_text("not a folder")
    place = tmp_path / "a-file" / "receipts.sqlite3"
    stack.stage.env["ANCHORBROWSER_RECEIPTS"] = str(place)
    return place


def test_a_create_is_made_without_a_receipt_where_the_store_cannot_be_written(
    stack: WatchedStack, sim: Simulator, tmp_path: Path
) -> None:
    place = spoil(stack, tmp_path)
    result = stack.up(browsers(count=2))
    assert stack.calls == ["POST"]
    [warning] = [line for line in result.messages("warning") if WITHOUT_RECEIPT in line]
    assert f"The receipts in {place} cannot be used: {tmp_path / 'a-file'} is a file, not a folder" in warning
    assert "ANCHORBROWSER_RECEIPTS=off" in warning
    assert stack.known_ids() == stack.live_ids() == set(sim.batches)
    stack.destroyed_in_the_end()


def test_cancels_and_deletes_are_made_without_receipts_and_keep_their_counts(
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
    batch = made.outputs["browsers"]["batch_id"]
    [warning] = made.messages("warning")
    assert warning.startswith("the response to the create was lost")
    assert f"Found batch {batch}, which it started, by its claim" in warning
    cancelled = stack.up(browsers(count=3, status="cancelled"))
    assert (stack.calls, cancelled.outputs["browsers"]["cancelled_sessions"]) == ([f"PATCH {batch}"], 2)
    stack.destroy()
    assert stack.calls == [f"DELETE {batch}"]
    assert [path.name for path in tmp_path.rglob("*") if "receipts" in path.name] == []


def test_without_receipts_the_error_of_an_unknown_outcome_names_the_claim_and_promises_no_later_look(
    stack: WatchedStack, sim: Simulator
) -> None:
    stack.stage.env["ANCHORBROWSER_RECEIPTS"] = "off"
    sim.faults.add(Fault("reset_before", method="POST"))
    error = one_error(stack.up(browsers(count=2), expect_failure=True))
    [sent] = sim.requests_of("POST")
    [claim] = [tag for tag in sent.body["configuration"]["session"]["tags"] if tag.startswith("pulumi-claim:")]
    assert claim in error
    if stack.stage.kind == "native":
        assert "The state has this claim" in error, "the plugin's create of unknown outcome leaves a resource"
        return
    assert "the next run looks for that batch" not in error, "without a receipt no run knows of the create"
    assert "pulumi-anchorbrowser orphans" in error
