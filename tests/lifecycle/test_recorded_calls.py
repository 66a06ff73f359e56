"""The receipts of real calls have what the simulator did; what is not known, they do not say."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lifecycle.one_batch import CLAIM, KEY, OWNER, STATUSES_PATH, URN, Told, same_inputs
from lifecycle.recorded_runs import OPERATIONS, STOPS, Runs, where

from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.clock import Interrupted, SystemClock
from pulumi_anchorbrowser.lifecycle import BatchRecord, LifecycleError
from pulumi_anchorbrowser.lifecycle.errors import OutcomeUnknown, StillRunning
from pulumi_anchorbrowser.receipts import Receipt
from pulumi_anchorbrowser.receipts.report import ReceiptsReport
from pulumi_anchorbrowser.simulator import Fault

COUNTS = ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions")
PROMPT = ("create", *STOPS)


def counts(receipt: Receipt) -> dict[str, int]:
    """Return the counts that a receipt has."""
    return {name: getattr(receipt, name) for name in COUNTS if getattr(receipt, name) is not None}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_intent_is_written_before_the_api_is_called_and_the_outcome_after(runs: Runs, operation: str) -> None:
    record = runs.ready_for(operation)
    met: list[list[Receipt]] = []
    runs.sim.faults.add(Fault(before=lambda _: met.append(runs.receipts(operation)), **where(operation)))
    runs.another().do(operation, record)
    [[intent]] = met
    assert (intent.outcome, intent.answered_at) == (None, None)
    assert intent.subject.urn == URN
    if operation != "retry":
        assert (intent.subject.owner, intent.subject.claim) == (OWNER, CLAIM)
    assert intent.subject.account.startswith(runs.sim.url)
    assert KEY not in intent.subject.account
    [receipt] = runs.receipts(operation)
    assert (receipt.id, receipt.outcome, receipt.was_lost, receipt.note) == (intent.id, "done", False, None)
    assert receipt.subject.batch_id == runs.batch.id
    assert receipt.answered_at is not None
    assert receipt.answered_at > receipt.intended_at


def test_a_whole_life_has_the_counts_of_the_simulator(runs: Runs) -> None:
    first, second = runs.another(), runs.another()
    record = first.start()
    runs.sim.advance(56)
    running = len(runs.batch.running())
    cancelled = first.stop("cancel", record)
    after = second.stop("delete", cancelled)

    create, cancel, delete = runs.receipts()
    assert (create.operation, create.subject.count, create.subject.batch_id) == ("create", 5, record.batch_id)
    assert counts(cancel) == {"cancelled_sessions": running}
    assert counts(delete) == {"deleted_sessions": len(runs.batch.removed), "failed_deletions": 0}
    assert {one.outcome for one in (create, cancel, delete)} == {"done"}
    assert [one.run for one in (create, cancel, delete)] == [first.receipts.run] * 2 + [second.receipts.run]
    assert first.receipts.run != second.receipts.run
    assert (after.cancelled_sessions, after.deleted_sessions) == (running, len(runs.batch.removed))


@pytest.mark.parametrize("operation", STOPS)
def test_the_receipt_of_a_stop_has_what_the_api_listed_after_it(runs: Runs, operation: str) -> None:
    after = runs.another().stop(operation, runs.started(operation))
    [receipt] = runs.receipts(operation)
    assert (receipt.still_running, receipt.confirmed_at) == (0, after.confirmed_at)
    assert receipt.confirmed_at is not None


def test_the_receipt_of_the_last_stop_has_what_the_api_listed_in_the_end(runs: Runs) -> None:
    record = runs.started("cancel")
    runs.sim.settings.surviving_sessions = 1
    runs.sim.settings.survive = ["cancel"]
    runs.another().stop("cancel", record)
    cancel, end = runs.receipts()[1:]
    assert (cancel.operation, cancel.still_running) == ("cancel", None)
    assert (end.operation, end.still_running) == ("end_sessions", 0)


def test_a_failed_run_writes_how_many_sessions_still_run(runs: Runs) -> None:
    record = runs.started("cancel")
    runs.sim.settings.surviving_sessions = 1
    runs.sim.settings.survive = ["cancel", "end"]
    with pytest.raises(StillRunning):
        runs.another().stop("cancel", record)
    assert runs.receipts()[-1].still_running == 1
    runs.sim.faults.add(Fault("status", status=503, path=STATUSES_PATH))
    runs.another().stop("cancel", record)
    assert (runs.receipts()[-1].still_running, runs.receipts()[-1].confirmed_at) == (None, None)


@pytest.mark.parametrize("ended_before", [0, 2])
def test_sessions_that_are_ended_one_by_one_are_counted_and_404s_are_not(runs: Runs, ended_before: int) -> None:
    record = runs.started("end_sessions")
    runs.sim.settings.end_ended_session = "404"
    runs.sim.stop_sessions(record.known_id, ended_before)
    runs.another().stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, counts(receipt)) == ("done", {"ended_sessions": 5 - ended_before})
    assert len(receipt.ended) == 5 - ended_before
    assert receipt.lost == ()


def test_an_ending_that_finds_no_session_is_gone(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.settings.end_ended_session = "404"
    runs.sim.expire(record.known_id)
    runs.another().stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, receipt.http_status, counts(receipt)) == ("gone", 404, {})


def test_an_ending_that_is_refused_for_every_session_is_refused(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.faults.add(Fault("status", status=403, times=None, **where("end_sessions")))
    with pytest.raises(LifecycleError):
        runs.another().stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, receipt.http_status, counts(receipt)) == ("refused", 403, {})
    assert "HTTP 403" in str(receipt.note)


def test_an_ending_that_is_refused_for_one_session_is_done_and_says_why_it_was_not_all(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.faults.add(Fault("status", status=403, **where("end_sessions")))
    with pytest.raises(LifecycleError):
        runs.another().stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, counts(receipt)) == ("done", {"ended_sessions": 4})
    assert "HTTP 403" in str(receipt.note)


def test_the_receipt_of_a_retry_has_the_number_of_retried_sessions(runs: Runs) -> None:
    runs.another().retry(runs.started("retry"))
    [receipt] = runs.receipts("retry")
    assert (receipt.subject.count, receipt.outcome) == (2, "done")
    assert len(runs.batch.retried) == 2


def test_every_try_of_a_partial_deletion_has_a_receipt_and_their_sum_is_the_truth(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.settings.failing_deletions, runs.sim.settings.deletions_heal_after = 2, 2
    after = runs.another().stop("delete", record)
    deletes = runs.receipts("delete")
    assert [one.failed_deletions for one in deletes] == [2, 2, 0]
    assert sum(one.deleted_sessions or 0 for one in deletes) == after.deleted_sessions == len(runs.batch.removed) == 5


def test_counts_add_up_over_runs_after_a_failed_run_too(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.settings.failing_deletions = 2
    runs.sim.faults.add(Fault("status", status=403, path="/v1/sessions/*", method="DELETE", times=None))
    with pytest.raises(LifecycleError):
        runs.another().stop("delete", record)
    runs.sim.settings.failing_deletions = 0
    runs.sim.faults.clear()
    # The engine passes the state of before the failed run.
    after = runs.another().stop("delete", record)
    assert after.deleted_sessions == len(runs.batch.removed) == 5
    assert ReceiptsReport(runs.receipts()).totals()["deleted_sessions"] == 5


# Refused calls


@pytest.mark.parametrize("operation", ["create", "cancel", "delete", "retry"])
def test_a_refusal_has_its_status_and_its_reason_and_no_counts(runs: Runs, operation: str) -> None:
    record = runs.ready_for(operation)
    runs.sim.faults.add(Fault("status", status=403, message="not allowed", **where(operation)))
    with pytest.raises(ApiError, match="403"):
        runs.another().do(operation, record)
    [receipt] = runs.receipts(operation)
    assert (receipt.outcome, receipt.http_status, receipt.was_lost) == ("refused", 403, False)
    assert counts(receipt) == {}
    assert "not allowed" in str(receipt.note)
    assert runs.another().receipts.creates_without_end(OWNER) == []


@pytest.mark.parametrize("operation", ["cancel", "delete"])
def test_a_stop_of_a_batch_that_is_gone_is_no_refusal(runs: Runs, operation: str) -> None:
    record = runs.started(operation)
    runs.sim.delete(record.known_id)
    runs.another().stop(operation, record)
    [receipt] = runs.receipts(operation)
    assert (receipt.outcome, receipt.http_status, counts(receipt)) == ("gone", 404, {})


@pytest.mark.parametrize("operation", ["create", "cancel", "delete"])
def test_a_call_that_is_interrupted_before_it_is_sent_has_a_known_end(runs: Runs, operation: str) -> None:
    record = runs.ready_for(operation)
    runs.sim.clear_requests()
    clock = SystemClock()
    clock.interrupt()
    with pytest.raises(Interrupted):
        runs.another(clock=clock).do(operation, record)
    [receipt] = runs.receipts(operation)
    assert receipt.outcome == "refused"
    assert "interrupted" in str(receipt.note)
    assert runs.sim.requests == []
    assert runs.another().receipts.creates_without_end(OWNER) == []


# Lost responses

LOST: dict[str, dict[str, Any]] = {
    "reset after it was handled": {"kind": "reset_after"},
    "cut body": {"kind": "reset_mid_body"},
    "502 after it was handled": {"kind": "status", "status": 502, "handled": True},
    "garbled": {"kind": "garbled"},
}


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("operation", ["create", "cancel", "delete"])
def test_a_lost_response_is_an_unknown_outcome_with_a_reason_and_without_counts(
    runs: Runs, operation: str, fault: str
) -> None:
    record = runs.ready_for(operation)
    runs.sim.faults.add(Fault(**LOST[fault], **where(operation)))
    if record is None:
        # Its batch cannot be found either.
        runs.sim.faults.add(Fault("status", status=500, method="GET", times=None))
    with pytest.raises((ApiError, OutcomeUnknown)):
        runs.another().do(operation, record)
    [receipt] = runs.receipts(operation)
    assert (receipt.outcome, receipt.was_lost, counts(receipt)) == ("unknown", True, {})
    assert receipt.note
    without_end = runs.another().receipts.creates_without_end(OWNER)
    assert [one.subject.claim for one in without_end] == ([CLAIM] if record is None else [])


@pytest.mark.parametrize("operation", ["cancel", "delete"])
def test_the_run_after_a_lost_response_invents_no_count(runs: Runs, operation: str) -> None:
    record = runs.started(operation)
    runs.sim.faults.add(Fault("reset_after", **where(operation)))
    with pytest.raises(ApiError):
        runs.another().stop(operation, record)
    after = runs.another().stop(operation, record)
    assert (after.cancelled_sessions, after.deleted_sessions) == (None, None)
    assert runs.sim.live_sessions() == []


@pytest.mark.parametrize("operation", ["cancel", "delete"])
def test_a_lost_response_that_a_retry_covers_leaves_no_false_count(runs: Runs, operation: str) -> None:
    record = runs.started(operation)
    runs.sim.faults.add(Fault("reset_after", **where(operation)))
    after = runs.another(max_retries=2).stop(operation, record)
    assert (after.cancelled_sessions, after.deleted_sessions) == (None, None)
    receipt = runs.receipts(operation)[0]
    assert (receipt.was_lost, counts(receipt)) == (True, {})
    assert receipt.outcome == ("gone" if operation == "delete" else "unknown")
    assert runs.sim.live_sessions() == []


def test_a_partial_deletion_whose_repetition_was_lost_has_no_certain_count(runs: Runs) -> None:
    """The second DELETE is handled and its response lost; a gateway's page answers the third one."""
    record = runs.started("end_sessions")
    runs.sim.settings.failing_deletions, runs.sim.settings.deletions_heal_after = 2, 1
    runs.sim.faults.add(Fault("reset_after", nth=2, **where("delete")))
    runs.sim.faults.add(Fault("html", status=404, handled=False, nth=2, times=None, **where("delete")))
    with pytest.raises(ApiError):
        runs.another(max_retries=2, retry_limit=5).stop("delete", record)
    assert [(one.outcome, one.was_lost) for one in runs.receipts("delete")] == [("done", False), ("unknown", True)]
    runs.sim.faults.clear()
    after = runs.another().stop("delete", record)
    assert after.deleted_sessions is None
    assert [one.outcome for one in runs.receipts("delete")] == ["done", "unknown", "gone"]


def test_a_create_that_is_found_by_its_claim_becomes_done_with_its_batch(runs: Runs) -> None:
    runs.sim.settings.creation_seconds = 0
    runs.sim.faults.add(Fault("reset_after", **where("create")))
    record = runs.another().start()
    [receipt] = runs.receipts("create")
    assert (receipt.outcome, receipt.subject.batch_id, receipt.was_lost) == ("done", record.batch_id, True)
    assert (receipt.note, receipt.http_status) == (None, None)
    assert list(runs.sim.batches) == [record.batch_id]
    assert runs.another().receipts.creates_without_end(OWNER) == []


def test_a_lost_ending_names_that_session_and_counts_the_others(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.settings.end_ended_session = "404"
    runs.sim.faults.add(Fault("reset_after", **where("end_sessions")))
    with pytest.raises(LifecycleError):
        runs.another().stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, counts(receipt)) == ("unknown", {"ended_sessions": 4})
    assert (len(receipt.ended), len(receipt.lost)) == (4, 1)
    assert receipt.note
    after = runs.another().stop("end_sessions", record)
    assert after.ended_sessions is None
    assert runs.sim.live_sessions() == []


def test_an_interrupt_leaves_the_names_of_the_sessions_whose_turn_had_not_come(runs: Runs) -> None:
    record, clock = runs.started("end_sessions"), SystemClock()
    runs.sim.faults.add(Fault(**where("end_sessions"), after=lambda _: clock.interrupt()))
    with pytest.raises(Interrupted):
        runs.another(clock=clock, max_concurrency=1).stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, len(receipt.ended), len(receipt.refused)) == ("done", 1, 4)


def test_a_lost_ending_that_a_retry_covers_is_counted(runs: Runs) -> None:
    record = runs.started("end_sessions")
    runs.sim.faults.add(Fault("reset_after", **where("end_sessions")))
    after = runs.another(max_retries=2).stop("end_sessions", record)
    [receipt] = runs.receipts("end_sessions")
    assert (receipt.outcome, receipt.was_lost, counts(receipt)) == ("done", True, {"ended_sessions": 5})
    assert (after.ended_sessions, len(receipt.ended), receipt.lost) == (5, 5, ())


def test_a_call_of_the_same_run_that_is_in_flight_is_no_lost_response(runs: Runs) -> None:
    """A cleanup and the batch itself delete at the same time."""
    record, run = runs.started("end_sessions"), runs.another()
    during: list[BatchRecord] = []
    runs.sim.faults.add(Fault(before=lambda _: during.append(run.stop("delete", record)), **where("delete")))
    last = run.stop("delete", record)
    assert [one.deleted_sessions for one in during] == [5]
    assert run.told.warnings == []
    assert last.still_running == 0
    assert [one.outcome for one in runs.receipts("delete")] == ["gone", "done"]
    assert ReceiptsReport(runs.receipts()).totals()["deleted_sessions"] == 5


@pytest.mark.parametrize("operation", ["cancel", "delete"])
def test_a_call_in_flight_in_another_process_is_no_lost_response_until_that_is_killed(
    runs: Runs, operation: str
) -> None:
    """A cleanup in a hook and the batch's own provider host, or the command line and a destroy."""
    # So long that no session is created meanwhile.
    runs.sim.settings.creation_seconds = 10_000
    record = runs.another().start()
    runs.sim.advance(5_000)
    running = len(runs.batch.running())
    process = runs.begin_elsewhere(operation, record)
    [in_flight] = runs.receipts(operation)
    assert in_flight.outcome is None
    run = runs.another()
    after = run.stop(operation, record)
    assert run.told.warnings == []
    stopped = {"cancel": (running, None), "delete": (None, len(runs.batch.removed))}[operation]
    assert (after.cancelled_sessions, after.deleted_sessions) == stopped
    process.kill()
    process.wait(30)
    later = runs.another().stop(operation, record)
    assert (later.cancelled_sessions, later.deleted_sessions) == (None, None)


# Runs that were killed


@pytest.mark.long
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_of_a_run_that_was_killed_has_no_outcome(runs: Runs, operation: str, moment: str) -> None:
    record = runs.ready_for(operation)
    runs.crash(operation, record, moment)
    receipt = runs.receipts(operation)[-1]
    assert (receipt.outcome, receipt.answered_at) == (None, None)
    assert {name: count for name, count in counts(receipt).items() if name != "ended_sessions"} == {}
    without_end = runs.another().receipts.creates_without_end(OWNER)
    assert [one.subject.claim for one in without_end] == ([CLAIM] if record is None else [])


@pytest.mark.long
@pytest.mark.parametrize("moment", ["before", "after"])
def test_after_a_run_that_was_killed_in_a_create_one_batch_runs_and_never_two(runs: Runs, moment: str) -> None:
    runs.sim.settings.creation_seconds = 0
    runs.crash("create", None, moment)
    assert len(runs.sim.batches) == (moment == "after")
    record = runs.another().start(claim="claim-2")
    assert {session.batch_id for session in runs.sim.live_sessions()} == {record.batch_id}
    assert [one.outcome for one in runs.receipts("create")] == ["settled", "done"]
    assert record.deleted_sessions is None


@pytest.mark.long
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", STOPS)
def test_after_a_run_that_was_killed_in_a_stop_no_count_is_invented(runs: Runs, operation: str, moment: str) -> None:
    record = runs.started(operation)
    running = len(runs.batch.running())
    runs.crash(operation, record, moment)
    after = runs.another().stop(operation, record)
    assert runs.sim.live_sessions() == []
    count = {
        "cancel": after.cancelled_sessions,
        "delete": after.deleted_sessions,
        "end_sessions": after.ended_sessions,
    }[operation]
    # All of the sessions that ended by name are the whole batch, whichever run has ended each of them.
    assert count in ({None} if moment == "after" and operation != "end_sessions" else {None, running})


# A store that fails


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("not a folder", encoding="utf-8")
    return folder / "file" / "receipts.sqlite3"


def no_database(folder: Path) -> Path:
    (folder / "notes.txt").write_text("no database " * 1000, encoding="utf-8")
    return folder / "notes.txt"


def of_a_newer_release(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "newer.sqlite3")) as connection:
        connection.executescript("PRAGMA application_id = 1634624360; PRAGMA user_version = 99")
    return folder / "newer.sqlite3"


@pytest.mark.parametrize("failing", [below_a_file, no_database, of_a_newer_release])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_store_that_fails_stops_no_call_and_is_one_warning(
    runs: Runs, tmp_path: Path, operation: str, failing: Callable[[Path], Path]
) -> None:
    record = runs.ready_for(operation)
    # Three deletions, and two endings, so that many receipts fail.
    runs.sim.settings.failing_deletions = 2
    place = failing(tmp_path)
    run = runs.another(place)
    run.do(operation, record)
    [warning] = [one for one in run.told.warnings if "receipts in" in one and "Continuing without" in one]
    assert f"The receipts in {place} cannot be used" in warning
    if operation == "create":
        assert len(runs.sim.live_sessions()) == 5
    elif operation == "retry":
        assert len(runs.batch.retried) == 2
    else:
        assert runs.sim.live_sessions() == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_store_that_fails_between_intent_and_outcome_takes_nothing_back(runs: Runs, operation: str) -> None:
    record = runs.ready_for(operation)

    def drop(_: object) -> None:
        with closing(sqlite3.connect(runs.place)) as connection:
            connection.executescript("DROP TABLE sessions; DROP TABLE receipts")

    runs.sim.faults.add(Fault(before=drop, **where(operation)))
    run = runs.another()
    after = run.do(operation, record)
    [warning] = [one for one in run.told.warnings if "cannot be used" in one]
    assert "Continuing without a receipt" in warning
    assert after is not None
    assert after.batch_id == runs.batch.id
    if operation in STOPS:
        assert runs.sim.live_sessions() == []


def test_a_store_that_fails_is_a_warning_of_each_operation_on_a_resource(runs: Runs, tmp_path: Path) -> None:
    run, later = runs.another(no_database(tmp_path)), Told()
    record = run.start()
    run.batches.update(record, same_inputs(record, status="deleted"), later)
    assert len([one for one in later.warnings if "Continuing without a receipt" in one]) == 1


def test_receipts_that_are_off_change_neither_the_calls_nor_the_counts(runs: Runs) -> None:
    run = runs.another()
    run.receipts.place = None
    record = run.start()
    runs.sim.advance(56)
    running = len(runs.batch.running())
    cancelled = run.stop("cancel", record)
    deleted = run.stop("delete", cancelled)
    assert (cancelled.cancelled_sessions, deleted.deleted_sessions) == (running, len(runs.batch.removed))
    assert (deleted.cancelled_sessions, deleted.still_running) == (running, 0)
    assert run.told.warnings == []
    assert not runs.place.exists()
