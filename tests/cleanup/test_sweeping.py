"""Carrying out a plan: another look before each stop, many at once, failures, limits, Ctrl-C, and true counts."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from yard import OTHER, STATUSES, THIS, Heard, Yard, owned, skipped

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions, InvalidApiKey
from pulumi_anchorbrowser.cleanup import (
    Actor,
    Cleanup,
    CleanupIncomplete,
    CleanupInputs,
    Exclusion,
    Plan,
    Report,
    Request,
    Selection,
    TooMany,
    outputs_of,
    run_cleanup,
)
from pulumi_anchorbrowser.clock import Interrupted
from pulumi_anchorbrowser.lifecycle import Batches, BatchInputs, BatchRecord
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault

TAGGED: dict[str, Any] = {"tags": ["t"]}
INPUTS = {"select": TAGGED, "owner": THIS, "resource_urn": "urn:of:the:cleanup"}


def run_inputs(yard: Yard, **inputs: Any) -> Heard:
    """Run a cleanup as a resource does; return what was printed."""
    parsed = CleanupInputs.model_validate({**INPUTS, **inputs})
    heard = Heard()
    run_cleanup(yard.cleanup, parsed, heard)
    return heard


def test_of_300_batches_exactly_the_101_that_match_are_deleted(yard: Yard) -> None:
    protected = {yard.start(*owned(OTHER, "pulumi-protect"), count=1) for _ in range(20)}
    others = {yard.start(*owned(THIS if number % 2 else "organization/demo/third"), count=1) for number in range(179)}
    matching = {yard.start(*owned(OTHER), count=1) for _ in range(101)}
    with pytest.raises(TooMany, match="101 matches found, and limit is 100"):
        yard.run(select={"owner": OTHER})
    assert yard.gone() == set()
    report = yard.run(select={"owner": OTHER}, limit=101)
    assert (yard.gone(), yard.there()) == (matching, protected | others)
    assert report.totals()["cleaned_batches"] == 101
    assert report.failures == []


# Another look before each stop


def protect(yard: Yard, batch: str) -> None:
    yard.retag(batch, "t", PROTECT_TAG, index=1)


def exclude(yard: Yard, batch: str) -> None:
    yard.retag(batch, "t", "keep")


def make_own(yard: Yard, batch: str) -> None:
    yard.retag(batch, "t", f"pulumi-owner:{THIS}")


def take_the_tag_of_one(yard: Yard, batch: str) -> None:
    yard.retag(batch)


def take_all_tags(yard: Yard, batch: str) -> None:
    for index in range(2):
        yard.retag(batch, index=index)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (protect, "a session is tagged 'pulumi-protect'"),
        (exclude, "a session is tagged 'keep', which is excluded"),
        (make_own, "a session carries the owner tag of this cleanup's own stack"),
        (take_the_tag_of_one, "'t' is on 1 of its 2 sessions"),
        (take_all_tags, "it no longer matches"),
    ],
)
def test_a_batch_that_no_longer_qualifies_when_its_turn_comes_is_skipped_with_the_reason(
    yard: Yard, change: Callable[[Yard, str], None], reason: str
) -> None:
    """Somebody protects it, say, while a sweep waits for the answer to its question."""
    changed, other = yard.start("t"), yard.start("t")
    plan = yard.plan(select=TAGGED, exclude=Exclusion(tags=["keep"]))
    assert plan.matched == 2
    change(yard, changed)
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert {one.batch_id: (one.outcome, one.reason) for one in report.results} == {
        changed: ("skipped", reason),
        other: ("done", None),
    }
    assert yard.gone() == {other}
    assert (report.failures, report.totals()["skipped_batches"]) == ([], 1)


def test_a_batch_that_left_the_selected_status_is_skipped(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 100
    batch, other = yard.start("t"), yard.start("t")
    yard.sim.advance(60)
    plan = yard.plan(select={"statuses": ["processing"], **TAGGED})
    yard.sim.complete(batch)
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert {one.batch_id: one.outcome for one in report.results} == {batch: "skipped", other: "done"}
    assert yard.gone() == {other}


def test_a_batch_that_the_own_stack_adopted_after_the_plan_is_skipped(yard: Yard) -> None:
    batch = yard.start(*owned(OTHER, "t"))
    states = [StackState(), StackState(batch_ids=frozenset({batch}))]
    report = yard.run(select=TAGGED, read_state=lambda: states.pop(0))
    assert [(one.outcome, one.reason) for one in report.results] == [
        ("skipped", "the state of this cleanup's own stack has it")
    ]
    assert yard.gone() == set()


def test_where_the_state_can_no_longer_be_read_the_state_of_the_plan_counts(yard: Yard) -> None:
    batch, other = yard.start("t", "pulumi-claim:a"), yard.start("t")
    states: list[StackState | None] = [StackState(claims=frozenset({"a"})), None]
    report = yard.run(select=TAGGED, read_state=lambda: states.pop(0))
    assert skipped(report.plan) == {batch: "own"}
    assert yard.gone() == {other}
    assert len(yard.heard.warnings) == 1


def test_a_batch_that_cannot_be_looked_at_again_is_a_failure_and_is_not_stopped(yard: Yard) -> None:
    unread, other = yard.start("t"), yard.start("t")
    plan = yard.plan(select=TAGGED)
    yard.sim.faults.add(
        Fault("status", method="GET", status=500, times=None, when=lambda one: one.query.get("batch_id") == unread)
    )
    report = yard.cleanup.carry_out(plan, yard.heard)
    [failure] = report.failures
    assert failure["batch_id"] == unread
    assert str(failure["reason"]).startswith("could not read the batch again: ")
    assert yard.gone() == {other}


def test_a_batch_whose_tags_cannot_be_read_is_a_failure_and_is_not_stopped(yard: Yard) -> None:
    unread, other = yard.start("t"), yard.start("t")
    yard.sim.faults.add(
        Fault("status", method="GET", status=400, times=None, when=lambda one: one.query.get("batch_id") == unread)
    )
    report = yard.run(select=TAGGED)
    assert [failed["batch_id"] for failed in report.failures] == [unread]
    assert yard.gone() == {other}


@pytest.mark.parametrize("action", ["delete", "cancel", "end_sessions"])
@pytest.mark.parametrize("get_after_delete", ["404", "empty"])
def test_a_batch_that_goes_between_plan_and_stop_is_no_failure_and_counts_nothing(
    yard: Yard, action: Any, get_after_delete: Any
) -> None:
    yard.sim.settings.get_after_delete = get_after_delete
    batch, other = yard.start("t"), yard.start("t")
    plan = yard.plan(select=TAGGED, action=action)
    yard.sim.delete(batch)
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert {one.batch_id: one.outcome for one in report.results} == {batch: "gone", other: "done"}
    assert report.failures == []
    assert (report.total("deleted_sessions") or report.total("ended_sessions")) == 2
    assert yard.heard.warnings == []


def test_a_404_to_the_delete_itself_is_gone_too(yard: Yard) -> None:
    batch = yard.start("t")
    yard.sim.faults.add(Fault(method="DELETE", before=lambda _: yard.sim.delete(batch)))
    [result] = yard.run(select=TAGGED).results
    assert (result.outcome, result.deleted_sessions, result.still_running) == ("gone", None, 0)
    assert yard.heard.warnings == []
    [receipt] = yard.receipts.of_batch(batch)
    assert receipt.outcome == "gone"


# Counts


def test_a_plan_changes_nothing_and_names_what_it_would_do(yard: Yard) -> None:
    batch = yard.start(*owned(OTHER, "t"), "pulumi-claim:abc", count=3)
    yard.sim.clear_requests()
    plan = yard.plan(select=TAGGED)
    assert plan.to_rows() == [
        {
            "batch_id": batch,
            "action": "delete",
            "status": "completed",
            "created_at": plan.batches[0].created_at,
            "total_requests": 3,
            "completed_requests": 3,
            "owner": OTHER,
            "claim": "abc",
        }
    ]
    assert yard.changing == []


def test_a_cancel_cancels_what_is_unfinished_ends_what_has_completed_and_keeps_all_data(yard: Yard) -> None:
    completed, cancelled = yard.start("t", count=3), yard.start("t")
    yard.sim.settings.creation_seconds = 100
    unfinished = yard.start("t", count=4)
    yard.sim.advance(60)
    running = len(yard.sim.batches[unfinished].running())
    assert 0 < running < 4
    yard.sim.stop_sessions(cancelled)
    yard.sim.batches[cancelled].cancelled_at = yard.sim.batches[cancelled].created_at
    report = yard.run(select=TAGGED, action="cancel")
    assert yard.gone() == set()
    assert yard.sim.live_sessions(batch_id=completed) == yard.sim.live_sessions(batch_id=unfinished) == []
    assert (report.total("cancelled_sessions"), report.total("ended_sessions")) == (running, 3)
    assert skipped(report.plan) == {cancelled: "stopped"}
    assert report.summary() == f"cancelled 2 batches, {running} sessions cancelled, 3 sessions ended"


@pytest.mark.parametrize("action", ["cancel", "end_sessions"])
def test_a_cancelled_batch_of_which_sessions_still_run_is_stopped_by_the_same_cleanup_again(
    yard: Yard, action: Any
) -> None:
    yard.sim.settings.creation_seconds = 100
    batch = yard.start("t", count=4)
    yard.sim.advance(60)
    yard.sim.settings.surviving_sessions, yard.sim.settings.survive = 1, ("cancel", "end")
    [failed] = yard.run(select=TAGGED, action=action).results
    assert (failed.outcome, failed.still_running, yard.sim.batches[batch].status) == ("failed", 1, "cancelled")
    yard.sim.settings.surviving_sessions = 0
    [done] = yard.run(select=TAGGED, action=action).results
    assert (done.outcome, done.still_running, yard.sim.live_sessions()) == ("done", 0, [])
    assert skipped(yard.plan(select=TAGGED, action=action)) == {batch: "stopped"}


def test_a_cancelled_batch_whose_sessions_have_an_unknown_status_is_undecided(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 100
    batch = yard.start("t", count=4)
    yard.sim.advance(60)
    yard.sim.cancel(batch)
    yard.sim.settings.ended_word = "archived"
    plan = yard.plan(select=TAGGED, action="cancel")
    [one] = plan.skipped
    assert (one.kind, one.reason) == (
        "undecided",
        "it is cancelled, and this release does not know the status 'archived'",
    )


def test_force_stops_an_unfinished_batch_that_cannot_be_read_again(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 100
    plan = yard.plan(select={"batch_ids": [yard.start("t", count=4)]}, force=True)
    yard.sim.faults.add(Fault("status", status=503, method="GET", times=None))
    yard.cleanup.carry_out(plan, yard.heard)
    assert yard.sim.live_sessions() == []


@pytest.mark.parametrize("select", [TAGGED, {"statuses": ["completed"], **TAGGED}])
def test_sessions_that_outlive_a_batch_that_goes_before_its_turn_are_ended(yard: Yard, select: Any) -> None:
    batch = yard.start("t", count=3)
    plan = yard.plan(select=select)
    yard.sim.settings.surviving_sessions, yard.sim.settings.survive = 1, ("delete",)
    yard.sim.delete(batch)
    assert len(yard.sim.live_sessions()) == 1
    [result] = yard.cleanup.carry_out(plan, yard.heard).results
    assert (result.outcome, result.still_running, yard.sim.live_sessions()) == ("done", 0, [])


def test_a_protected_session_that_outlives_its_batch_is_skipped_and_not_called_gone(yard: Yard) -> None:
    batch = yard.start("t", count=3)
    plan = yard.plan(select=TAGGED)
    for index in range(3):
        yard.retag(batch, "t", PROTECT_TAG, index=index)
    yard.sim.settings.surviving_sessions, yard.sim.settings.survive = 1, ("delete",)
    yard.sim.delete(batch)
    [result] = yard.cleanup.carry_out(plan, yard.heard).results
    assert (result.outcome, len(yard.sim.live_sessions())) == ("skipped", 1)


def test_a_session_that_was_protected_and_ended_since_the_plan_of_an_unfinished_batch_is_seen(yard: Yard) -> None:
    yard.sim.settings.ended_sessions_in_all_status = False
    yard.sim.settings.creation_seconds = 100
    batch = yard.start("t", count=4)
    yard.sim.advance(60)
    plan = yard.plan(select=TAGGED)
    assert plan.batches[0].status == "processing"
    yard.sim.complete(batch)
    yard.retag(batch, "t", PROTECT_TAG)
    yard.sim.stop_sessions(batch, 1)
    [result] = yard.cleanup.carry_out(plan, yard.heard).results
    assert (result.outcome, result.reason) == ("skipped", "a session is tagged 'pulumi-protect'")
    assert yard.gone() == set()


def test_nothing_is_confirmed_where_nothing_was_carried_out(yard: Yard) -> None:
    assert Report(yard.plan(select=TAGGED)).still_running == 0
    yard.start("t")
    assert Report(yard.plan(select=TAGGED)).still_running is None


def test_what_an_earlier_run_counted_is_not_counted_again(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 100
    batch = yard.start("t", count=4)
    yard.sim.advance(60)
    first = yard.run(select=TAGGED, action="cancel")
    second = yard.run(select=TAGGED)
    assert first.total("cancelled_sessions") == len(yard.sim.batches[batch].ended)
    assert second.total("cancelled_sessions") is None
    deleted = [one.deleted_sessions for one in yard.receipts.of_batch(batch) if one.operation == "delete"]
    assert deleted == [second.total("deleted_sessions")]


@pytest.mark.parametrize("owner", ["", THIS])
def test_receipts_name_the_stack_and_resource_that_cleaned_up(yard: Yard, owner: str) -> None:
    batch = yard.start(*owned(OTHER, "t"))
    actor = Actor(owner, "urn:of:the:cleanup") if owner else Actor()
    yard.cleanup.carry_out(yard.plan(select=TAGGED), yard.heard, actor=actor)
    [receipt] = yard.receipts.all()
    assert (receipt.operation, receipt.subject.batch_id, receipt.deleted_sessions) == ("delete", batch, 2)
    assert (receipt.subject.owner, receipt.subject.urn) == (owner or OTHER, "urn:of:the:cleanup" if owner else "")
    assert receipt.still_running == 0


def test_a_cleanup_and_a_batch_that_delete_at_once_warn_of_no_lost_response(yard: Yard) -> None:
    """The `Batch` is of another stack; both are in one process, as in `pulumi destroy` of several stacks."""
    batch = yard.start(*owned(OTHER, "t"))
    own = Heard()
    record = BatchRecord.of(
        BatchInputs(batch_id=batch, owner=OTHER), live_status="completed", account=str(yard.client.account())
    )

    def delete_it_too(_: object) -> None:
        thread = Thread(target=yard.batches.delete, args=(record, own))
        thread.start()
        thread.join()

    yard.sim.faults.add(Fault(method="DELETE", before=delete_it_too))
    [result] = yard.run(select=TAGGED).results
    assert (result.outcome, result.reason) == ("gone", None)
    assert [one for one in yard.heard.warnings + own.warnings if "lost" in one] == []


def test_sessions_that_run_on_are_ended_one_by_one_or_reported_as_still_running(yard: Yard) -> None:
    stubborn, other = yard.start("t", count=3), yard.start("x", count=3)
    yard.sim.settings.surviving_sessions = 1
    yard.sim.settings.survive = ("delete", "end")
    report = yard.run(select=TAGGED)
    [result] = report.results
    assert (result.batch_id, result.outcome, result.failed_sessions, result.still_running) == (stubborn, "failed", 1, 1)
    assert report.summary().endswith("1 failed")
    yard.sim.settings.survive = ("delete",)
    [result] = yard.run(select={"tags": ["x"]}).results
    assert (result.batch_id, result.outcome, result.still_running, result.ended_sessions) == (other, "done", 0, 1)


def test_a_stop_that_cannot_be_confirmed_is_done_with_a_warning_and_no_number_of_running_sessions(yard: Yard) -> None:
    batch = yard.start("t")
    plan = yard.plan(select=TAGGED)
    yard.sim.faults.add(Fault("status", method="GET", path=STATUSES, status=500, nth=2, times=None))
    report = yard.cleanup.carry_out(plan, yard.heard)
    [result] = report.results
    assert (result.outcome, result.still_running, report.still_running) == ("done", None, None)
    assert report.summary() == "deleted 1 batch, 2 sessions deleted, not confirmed"
    [warning] = yard.heard.warnings
    assert warning.startswith(f"{batch}: could not confirm that batch {batch} has stopped")


def test_faults_during_a_sweep_leave_some_and_the_same_sweep_again_stops_the_rest(yard: Yard) -> None:
    batches = {yard.start("t") for _ in range(60)}
    kept = yard.start("other")
    yard.sim.faults.chance(0.4, 7, [500, 429, "reset_before", "reset_after", "garbled"], method="DELETE")
    report = yard.run(select=TAGGED)
    assert 0 < len(report.failures) < 60
    assert {one["batch_id"] for one in report.failures} >= batches - yard.gone()
    yard.sim.faults.clear()
    again = yard.run(select=TAGGED)
    assert again.failures == []
    assert yard.gone() == batches
    assert yard.there() == {kept}
    # What was not said is not invented: the sums of both runs are at most what there was.
    assert (report.total("deleted_sessions") or 0) + (again.total("deleted_sessions") or 0) <= 120


def test_hundreds_of_warnings_are_printed_as_a_few(yard: Yard) -> None:
    for _ in range(12):
        yard.start("t", count=1)
    plan = yard.plan(select=TAGGED)
    yard.sim.settings.running_word = "dreaming"
    yard.sim.settings.ended_word = "dreaming"
    yard.cleanup.carry_out(Plan.from_document({**plan.to_document()}), yard.heard)
    # A deleted batch lists no session, so that all stops were confirmed.
    assert yard.heard.warnings == []
    for _ in range(12):
        yard.start("x", count=1)
    yard.run(select={"tags": ["x"]}, action="end_sessions")
    assert len(yard.heard.warnings) == 11
    assert yard.heard.warnings[-1] == "2 further warnings of this kind: see the results"


# Ctrl-C


def test_an_interrupt_while_a_plan_is_made_ends_the_look_ups_at_once(yard: Yard) -> None:
    for _ in range(60):
        yard.start("t", count=1)
    yard.sim.clear_requests()
    yard.sim.faults.add(Fault(method="GET", path=STATUSES, nth=5, before=lambda _: yard.clock.interrupt()))
    with pytest.raises(Interrupted):
        yard.plan(select=TAGGED)
    # Those in flight, as many as the client makes at once, and no other.
    assert len(yard.sim.requests_of("GET", STATUSES)) <= 5 + 4


def test_an_interrupt_while_batches_are_stopped_ends_the_calls_in_flight_and_names_what_was_not_begun(
    yard: Yard,
) -> None:
    for _ in range(40):
        yard.start("t")
    plan = yard.plan(select=TAGGED)
    seen: list[str] = []

    def on_result(result: object) -> None:
        seen.append(str(result))
        if len(seen) == 5:
            yard.clock.interrupt()

    report = yard.cleanup.carry_out(plan, yard.heard, on_result=on_result)
    assert report.was_interrupted
    assert set(report.not_begun) == yard.there()
    assert 5 <= len(yard.gone()) < 15
    assert len(report.results) == len(seen) == 40
    assert f"{len(report.not_begun)} not begun" in report.summary()
    deleted = sum(one.deleted_sessions or 0 for one in yard.receipts.all())
    assert report.total("deleted_sessions") == deleted == 2 * len(yard.gone())


def unrecorded(yard: Yard) -> Cleanup:
    """A cleanup of the yard that keeps no receipts."""
    return Cleanup(Batches(yard.client, Receipts(None), clock=yard.clock))


@pytest.mark.parametrize("has_receipts", [True, False])
def test_a_batch_is_not_begun_until_a_stop_of_it_was_sent(yard: Yard, has_receipts: bool) -> None:
    batch = yard.start("t")
    cleanup = yard.cleanup if has_receipts else unrecorded(yard)
    plan = yard.plan(select=TAGGED)
    # The look that precedes the DELETE is answered; after it comes the interrupt.
    yard.sim.faults.add(Fault(method="GET", path=STATUSES, after=lambda _: yard.clock.interrupt()))
    report = cleanup.carry_out(plan, yard.heard)
    assert report.not_begun == [batch]
    assert yard.changing == []


@pytest.mark.parametrize("has_receipts", [True, False])
def test_an_interrupted_batch_has_the_counts_of_what_was_done(yard: Yard, has_receipts: bool) -> None:
    batch = yard.start("t", count=20)
    cleanup = yard.cleanup if has_receipts else unrecorded(yard)
    plan = yard.plan(select=TAGGED, action="end_sessions")
    yard.sim.faults.add(Fault(method="DELETE", nth=6, before=lambda _: yard.clock.interrupt()))
    [result] = cleanup.carry_out(plan, yard.heard).results
    ended = 20 - len(yard.running())
    assert (result.outcome, result.ended_sessions) == ("interrupted", ended)
    assert 6 <= ended < 20
    if has_receipts:
        [receipt] = [one for one in yard.receipts.all() if one.operation == "end_sessions"]
        assert (receipt.outcome, receipt.ended_sessions, len(receipt.ended)) == ("done", ended, ended)
    assert batch in yard.there()


def test_an_interrupted_cleanup_is_an_error_whatever_on_failure_says(yard: Yard) -> None:
    batches = [yard.start("t") for _ in range(12)]
    yard.sim.faults.add(Fault(method="DELETE", before=lambda _: yard.clock.interrupt()))
    with pytest.raises(CleanupIncomplete) as caught:
        run_inputs(yard, on_failure="warn")
    assert "not begun: " in str(caught.value)
    assert [one for one in batches if one in str(caught.value)]
    assert len(yard.gone()) <= 4


# The summary of a run


def test_a_run_that_matches_nothing_reports_nothing_to_do(yard: Yard) -> None:
    yard.start("other")
    assert run_inputs(yard).infos == ["cleanup: nothing to do"]
    assert run_inputs(yard, dry_run=True).infos == ["cleanup, dry run: nothing to do"]


def test_a_run_reports_its_plan_and_its_results_in_numbers_with_their_nouns(yard: Yard) -> None:
    batch, own = yard.start("t", count=1), yard.start(*owned(THIS, "t"))
    assert run_inputs(yard, dry_run=True).infos == [
        f"cleanup, dry run: would delete 1 batch (1 session requested): {batch}; 1 skipped (own)"
    ]
    assert run_inputs(yard).infos == [
        f"cleanup: will delete 1 batch (1 session requested): {batch}; 1 skipped (own)",
        "cleanup: deleted 1 batch, 1 session deleted",
    ]
    assert yard.there() == {own}


def test_more_matches_than_the_limit_are_an_error_and_a_warning_of_a_dry_run(yard: Yard) -> None:
    for _ in range(3):
        yard.start("t")
    assert "3 matches found, and limit is 2" in run_inputs(yard, dry_run=True, limit=2).warnings[0]
    with pytest.raises(TooMany):
        run_inputs(yard, limit=2)
    assert yard.gone() == set()


@pytest.mark.parametrize("on_failure", ["error", "warn"])
def test_a_batch_that_could_not_be_stopped_is_an_error_or_a_warning_and_the_rest_is_done(
    yard: Yard, on_failure: str
) -> None:
    stuck, other = yard.start("t"), yard.start("t")
    yard.fail_deletes_of(stuck)
    if on_failure == "error":
        with pytest.raises(CleanupIncomplete, match=f"1 failed: {stuck}") as caught:
            run_inputs(yard)
        told = str(caught.value)
    else:
        told = run_inputs(yard, on_failure="warn").warnings[-1]
    assert "They may still run. Run the same command again for the rest." in told
    assert yard.gone() == {other}


def test_undecided_batches_are_a_warning_with_the_first_of_them(yard: Yard) -> None:
    batch = yard.start("t")
    yard.retag(batch)
    [warning] = run_inputs(yard).warnings
    assert warning.startswith(
        f"skipped 1 possible match as undecided, such as {batch} (completed): 't' is on 1 of its 2 sessions. "
    )


def test_outputs_have_the_plan_the_results_and_the_totals(yard: Yard) -> None:
    done, stuck, protected = yard.start("t"), yard.start("t"), yard.start("t", PROTECT_TAG)
    yard.fail_deletes_of(stuck)
    outputs = outputs_of(yard.run(select=TAGGED))
    assert set(outputs_of(None)) == set(outputs)
    assert (outputs["matched"], outputs["cleaned_batches"], outputs["failed_batches"]) == (2, 1, 1)
    assert [one["batch_id"] for one in outputs["skipped"]] == [protected]
    assert {one["batch_id"] for one in outputs["plan"]} == {done, stuck}
    assert [one["batch_id"] for one in outputs["failures"]] == [stuck]


def test_the_second_key_is_never_used(yard: Yard) -> None:
    from yard import KEY

    batch = yard.start("t")
    client = Client(yard.sim.url, ApiKeys("refused-key", KEY), ClientOptions(max_retries=0))
    batches = Batches(client, Receipts(None), clock=yard.clock)
    with pytest.raises(InvalidApiKey):
        Cleanup(batches).plan(Request(Selection(**TAGGED)), Heard())
    assert yard.there() == {batch}
    client.close()
