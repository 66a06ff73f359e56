"""The receipts of real calls hold what the simulator did; and what is not known, they do not say."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lifecycle.kept import CLAIM, KEY, OWNER, URN
from receipts.runs_support import OPERATIONS, Runs, where
from receipts.store_support import rows
from receipts.test_places import below_a_file, no_database
from receipts.test_versions import of_the_future

from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.lifecycle import BatchRecord, LifecycleError
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest, Simulator

COUNTS = ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions")


def counts(row: dict[str, Any]) -> dict[str, int]:
    """The counts that a receipt holds."""
    return {name: row[name] for name in COUNTS if row[name] is not None}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_intent_is_written_before_the_api_is_called_and_the_outcome_after(
    runs: Runs, sim: Simulator, operation: str
) -> None:
    record = runs.ready_for(operation)
    met: list[list[dict[str, Any]]] = []
    sim.faults.add(Fault(before=lambda _: met.append(runs.rows_of(operation)), **where(operation)))  # type: ignore[arg-type]
    runs.another().do(operation, record)
    (meanwhile,) = met
    (open_one,) = meanwhile
    assert (open_one["outcome"], open_one["answered_at"]) == (None, None)
    assert open_one["account"].startswith(sim.url)
    assert KEY not in open_one["account"]
    (closed,) = runs.rows_of(operation)
    assert (closed["outcome"], closed["uncertain"]) == ("done", 0)
    assert closed["answered_at"] > closed["intended_at"]
    assert closed["batch_id"] == runs.truth().id
    if operation != "retry":
        assert (closed["owner"], closed["urn"], closed["claim"]) == (OWNER, URN, CLAIM)


def test_a_whole_life_is_told_by_its_receipts(runs: Runs, sim: Simulator) -> None:
    run = runs.another()
    record = run.start(metadata={"job": "nightly"})
    sim.advance(56)
    running = len(runs.truth().running())
    assert running > 0
    run.stop("cancel", record)
    existing = len(runs.truth().existing())
    runs.another().stop("delete", record.but(status="deleted", live_status="cancelled"))

    create, cancel, delete = rows(runs.place)
    assert (create["operation"], create["count"], create["batch_id"]) == ("create", 5, record.known_id)
    assert (cancel["operation"], counts(cancel)) == ("cancel", {"cancelled_sessions": running})
    assert delete["operation"] == "delete"
    assert counts(delete) == {"deleted_sessions": existing, "failed_deletions": 0}
    assert len(runs.truth().removed) == existing
    assert {row["outcome"] for row in (create, cancel, delete)} == {"done"}
    assert create["run"] == cancel["run"] != delete["run"]
    told = runs.another().receipts.counts(record.known_id)
    assert (told.cancelled_sessions, told.deleted_sessions) == (running, existing)


def test_sessions_ended_one_by_one_are_counted(runs: Runs, sim: Simulator) -> None:
    record = runs.ready_for("end_sessions")
    assert record is not None
    sim.settings.end_ended_session = "404"
    sim.stop_sessions(record.known_id, 2)
    runs.another().stop("end_sessions", record)
    (row,) = runs.rows_of("end_sessions")
    assert (counts(row), row["outcome"]) == ({"ended_sessions": 3}, "done")
    assert len(runs.truth().ended) == 5


def test_a_retry_is_counted(runs: Runs) -> None:
    runs.another().do("retry", runs.ready_for("retry"))
    (row,) = runs.rows_of("retry")
    assert (row["count"], row["outcome"]) == (2, "done")
    assert len(runs.truth().retried) == 2


def test_every_try_of_a_partial_deletion_has_its_receipt(runs: Runs, sim: Simulator) -> None:
    record = runs.ready_for("end_sessions")
    assert record is not None
    sim.settings.failing_deletions, sim.settings.deletions_heal_after = 2, 2
    after = runs.another().stop("delete", record)
    told = [counts(row) for row in runs.rows_of("delete")]
    assert [one["failed_deletions"] for one in told] == [2, 2, 0]
    assert sum(one["deleted_sessions"] for one in told) == after.deleted_sessions == len(runs.truth().removed) == 5


def test_counts_add_up_over_runs_even_if_one_of_them_has_failed(runs: Runs, sim: Simulator) -> None:
    record = runs.ready_for("end_sessions")
    assert record is not None
    sim.settings.failing_deletions = 2
    sim.faults.add(Fault("status", status=403, path="/v1/sessions/*", times=None))
    with pytest.raises(LifecycleError):
        runs.another().stop("delete", record)
    sim.settings.failing_deletions = 0
    sim.faults.clear()
    after = runs.another().stop("delete", record)
    assert after.deleted_sessions == len(runs.truth().removed) == 5
    assert runs.another().receipts.counts(record.known_id).deleted_sessions == 5


# Refused, and unknown


@pytest.mark.parametrize("operation", ["create", "cancel", "delete", "retry"])
def test_a_refusal_is_written_down_with_its_reason_and_without_counts(
    runs: Runs, sim: Simulator, operation: str
) -> None:
    record = runs.ready_for(operation)
    sim.faults.add(Fault("status", status=403, **where(operation)))  # type: ignore[arg-type]
    with pytest.raises(ApiError, match="403"):
        runs.another().do(operation, record)
    (row,) = runs.rows_of(operation)
    assert (row["outcome"], row["http_status"], counts(row), row["uncertain"]) == ("refused", 403, {}, 0)
    assert "HTTP 403" in row["note"]
    assert runs.another().receipts.unsettled_creates(OWNER, URN) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after"},
        {"kind": "reset_mid_body"},
        {"kind": "status", "status": 502, "handled": True},
        {"kind": "garbled"},
    ],
    ids=lambda fault: fault["kind"],
)
@pytest.mark.parametrize("operation", ["create", "cancel", "delete"])
def test_an_answer_that_was_lost_is_written_down_as_unknown(
    runs: Runs, sim: Simulator, operation: str, fault: dict[str, Any]
) -> None:
    record = runs.ready_for(operation)
    sim.faults.add(Fault(**fault, **where(operation)))
    if record is None:
        # The batch cannot be found either.
        sim.faults.add(Fault("status", status=500, method="GET", times=None))
    with pytest.raises((ApiError, LifecycleError)):
        runs.another().do(operation, record)
    (row,) = runs.rows_of(operation)
    assert (row["outcome"], counts(row)) == ("unknown", {})
    assert row["note"]
    later = runs.another().receipts
    if record is None:
        assert [receipt.subject.claim for receipt in later.unanswered_creates(OWNER)] == [CLAIM]
    elif operation == "delete":
        assert later.counts(record.known_id).deleted_uncertain


def test_a_lost_answer_that_a_repeat_covers_leaves_no_false_count(runs: Runs, sim: Simulator) -> None:
    record = runs.ready_for("delete")
    assert record is not None
    sim.faults.add(Fault("reset_after", method="DELETE"))
    after = runs.another(max_retries=2).stop("delete", record)
    assert after.deleted_sessions is None
    (row,) = runs.rows_of("delete")
    assert counts(row).get("deleted_sessions") is None
    assert runs.another().receipts.counts(record.known_id).deleted_uncertain
    assert runs.truth().deleted


def test_a_create_found_by_its_claim_is_done_after_all(runs: Runs, sim: Simulator) -> None:
    sim.settings.creation_seconds = 0
    sim.faults.add(Fault("reset_after", method="POST"))
    record = runs.another().start()
    create = runs.rows_of("create")[-1]
    assert (create["outcome"], create["batch_id"]) == ("done", record.known_id)
    assert list(sim.batches) == [record.known_id]


def test_a_session_whose_end_is_not_known_makes_the_count_uncertain(runs: Runs, sim: Simulator) -> None:
    record = runs.ready_for("end_sessions")
    assert record is not None
    sim.faults.add(Fault("reset_after", path="/v1/sessions/*"))
    with pytest.raises(LifecycleError):
        runs.another().stop("end_sessions", record)
    (row,) = runs.rows_of("end_sessions")
    assert (row["outcome"], counts(row)) == ("unknown", {"ended_sessions": 4})
    assert runs.another().receipts.counts(record.known_id).ended_uncertain


# Left open by a crash

CRASHING_RUN = """
import sys
from pathlib import Path
from lifecycle.kept import KEY
from receipts.runs_support import Run
from pulumi_anchorbrowser.lifecycle import BatchRecord
url, place, operation, record = sys.argv[1:]
run = Run(url, Path(place))
run.do(operation, BatchRecord.model_validate_json(record) if record else None)
"""


def crash(runs: Runs, operation: str, record: BatchRecord | None, moment: str) -> None:
    """The operation in a process of its own, which is killed when the API has its call, before or after it acts."""
    process: list[subprocess.Popen[bytes]] = []

    def kill(_: LoggedRequest) -> None:
        process[0].send_signal(signal.SIGKILL)
        process[0].wait(30)

    hook: Any = {moment: kill}
    runs.sim.faults.add(Fault("no_reply", handled=moment == "after", **where(operation), **hook))
    arguments = [runs.sim.url, str(runs.place), operation, record.model_dump_json() if record else ""]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process.append(subprocess.Popen([sys.executable, "-c", CRASHING_RUN, *arguments], env=env))
    assert process[0].wait(60) == -signal.SIGKILL
    runs.sim.faults.clear()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_that_a_crash_cut_off_is_known_to_the_next_run(runs: Runs, operation: str, moment: str) -> None:
    record = runs.ready_for(operation)
    crash(runs, operation, record, moment)
    row = runs.rows_of(operation)[-1]
    assert (row["outcome"], row["answered_at"]) == (None, None)
    known = runs.another().receipts
    if record is None:
        assert [receipt.subject.claim for receipt in known.unsettled_creates(OWNER, URN)] == [CLAIM]
        return
    told = known.counts(record.known_id)
    assert told.deleted_uncertain is (operation == "delete")
    assert told.ended_uncertain is (operation == "end_sessions")
    assert (told.cancelled_sessions, told.deleted_sessions) == (None, None)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_after_a_crash_in_a_create_there_is_one_batch_and_never_two(runs: Runs, sim: Simulator, moment: str) -> None:
    sim.settings.creation_seconds = 0
    crash(runs, "create", None, moment)
    assert len(sim.batches) == (moment == "after")
    run = runs.another()
    record = run.start(claim="claim-2")
    assert list(sim.batches) == [record.known_id]
    assert record.claim == (CLAIM if moment == "after" else "claim-2")
    run.receipts.end_run({record.known_id})
    later = runs.another()
    left = [receipt.subject.claim for receipt in later.receipts.unsettled_creates(OWNER, URN)]
    # A create that has shown nothing yet may still be acted on, late; so it is looked for some more times.
    assert left == ([] if moment == "after" else [CLAIM])


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", ["cancel", "delete", "end_sessions"])
def test_after_a_crash_in_a_stop_no_count_is_invented(runs: Runs, sim: Simulator, operation: str, moment: str) -> None:
    record = runs.ready_for(operation)
    assert record is not None
    running = len(runs.truth().running())
    crash(runs, operation, record, moment)
    after = runs.another().stop(operation, record)
    assert sim.live_sessions() == []
    said = {"cancel": after.cancelled_sessions, "delete": after.deleted_sessions, "end_sessions": after.ended_sessions}
    if moment == "after":
        assert said[operation] is None
    elif said[operation] is not None:
        assert said[operation] == running


# A store that fails


def later_version(folder: Path) -> Path:
    of_the_future(folder / "later.sqlite3")
    return folder / "later.sqlite3"


FAILING = [below_a_file, no_database, later_version]


@pytest.mark.parametrize("failing", FAILING)
def test_a_store_that_fails_stops_a_create_before_any_call(
    runs: Runs, sim: Simulator, tmp_path: Path, failing: Any
) -> None:
    place = failing(tmp_path)
    with pytest.raises(LifecycleError, match="Nothing was started") as caught:
        runs.another(place).start()
    assert str(place) in str(caught.value)
    assert "ANCHORBROWSER_RECEIPTS=off" in str(caught.value)
    assert sim.requests == []


@pytest.mark.parametrize("failing", FAILING)
@pytest.mark.parametrize("operation", ["cancel", "delete", "end_sessions", "retry"])
def test_a_store_that_fails_stops_no_stop(
    runs: Runs, sim: Simulator, tmp_path: Path, operation: str, failing: Any
) -> None:
    record = runs.ready_for(operation)
    run = runs.another(failing(tmp_path))
    run.do(operation, record)
    assert any("cannot be used" in warning for warning in run.told.warnings)
    assert len(runs.truth().retried) == 2 if operation == "retry" else sim.live_sessions() == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_store_that_fails_between_intent_and_outcome_takes_nothing_back(
    runs: Runs, sim: Simulator, operation: str
) -> None:
    record = runs.ready_for(operation)

    def drop(_: LoggedRequest) -> None:
        connection = sqlite3.connect(runs.place)
        connection.execute("DROP TABLE receipts")
        connection.close()

    sim.faults.add(Fault(before=drop, **where(operation)))  # type: ignore[arg-type]
    run = runs.another()
    answer = run.do(operation, record)
    assert any("goes on without a receipt" in warning for warning in run.told.warnings)
    if operation == "create":
        assert answer is not None
        assert answer.known_id == runs.truth().id
    elif operation != "retry":
        assert sim.live_sessions() == []


def test_receipts_that_are_off_stop_nothing(sim: Simulator, runs: Runs) -> None:
    run = runs.another()
    run.receipts.place = None
    record = run.start()
    sim.advance(56)
    running = len(runs.truth().running())
    assert run.stop("cancel", record).cancelled_sessions == running
    run.stop("delete", record)
    assert run.told.warnings == []
    assert not runs.place.exists()
    assert json.loads(record.model_dump_json())["batch_id"] == runs.truth().id
