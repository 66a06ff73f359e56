"""Sessions that the API does not list or name are looked for, or are an error: none is taken for stopped unseen."""

from __future__ import annotations

from typing import Any

import pytest
from lifecycle.one_batch import STATUSES_PATH, Stage

from pulumi_anchorbrowser.lifecycle import BatchRecord, LifecycleError
from pulumi_anchorbrowser.lifecycle.errors import DeletionIncomplete, SessionsNotListed
from pulumi_anchorbrowser.simulator import Fault

SESSIONS = "/v1/sessions"
every_gap = pytest.mark.parametrize("gap", ["left_out", "without_ids"])


def end_all(stage: Stage, by: str, before: BatchRecord) -> BatchRecord:
    """End the sessions of a completed batch, one by one, by an update or by a destroy."""
    if by == "update":
        return stage.update(before, status="cancelled")
    return stage.batches.delete(before.but(on_destroy=by), stage.told)


# A GET of the batch that does not show its sessions


@every_gap
@pytest.mark.parametrize("by", ["update", "cancel", "end_sessions"])
def test_sessions_that_a_get_of_the_batch_leaves_out_are_listed_and_ended(stage: Stage, by: str, gap: Any) -> None:
    before = stage.start("completed")
    stage.sim.settings.batch_sessions = gap
    after = end_all(stage, by, before)
    assert len(stage.sim.requests_of("DELETE", f"{SESSIONS}/")) == 5
    assert (after.ended_sessions, after.still_running, after.is_stopped) == (5, 0, True)
    assert {one.query["batch_id"] for one in stage.sim.requests if one.path == SESSIONS} == {before.id}
    assert stage.nothing_runs_ever()


def test_more_sessions_than_fit_on_a_page_are_all_ended(stage: Stage) -> None:
    before = stage.start("completed", count=120)
    stage.sim.settings.batch_sessions = "left_out"
    after = end_all(stage, "update", before)
    assert after.ended_sessions == 120
    assert [one.query["page"] for one in stage.sim.requests if one.path == SESSIONS] == ["1", "2", "3", "4"]
    assert stage.live == []


def test_a_get_that_leaves_out_one_session_of_several_is_not_believed(stage: Stage) -> None:
    before = stage.start("completed")
    drop_one = Fault(
        "edited", method="GET", path="/v1/batch-sessions/*", edit=lambda body: body["data"]["sessions"].pop() and None
    )
    stage.sim.faults.add(drop_one)
    assert end_all(stage, "end_sessions", before).ended_sessions == 5
    assert stage.nothing_runs_ever()


ODD_ROWS = {"null": lambda _: None, "a number as status": lambda row: {**row, "status": 1}}


@pytest.mark.parametrize("row", ODD_ROWS)
@pytest.mark.parametrize("completed", [4, None])
def test_a_session_whose_row_in_the_batch_cannot_be_read_is_listed_and_ended(
    stage: Stage, row: str, completed: int | None
) -> None:
    before = stage.start("completed")

    def garble_one(body: Any) -> None:
        rows = body["data"]["sessions"]
        rows[0] = ODD_ROWS[row](rows[0])
        body["data"]["completed_requests"] = completed

    stage.sim.faults.add(Fault("edited", method="GET", path="/v1/batch-sessions/*", times=None, edit=garble_one))
    # Statuses that cannot be listed: nothing but the odd row shows that a session is missing.
    stage.sim.faults.add(Fault("status", status=503, path=STATUSES_PATH, times=None))
    assert end_all(stage, "end_sessions", before).ended_sessions == 5
    assert stage.live == []


LISTS_THAT_LACK_SOMETHING = {
    "an error": Fault("status", status=503, path=SESSIONS, times=None),
    "no response": Fault("reset_before", path=SESSIONS, times=None),
    "no list": Fault("edited", path=SESSIONS, times=None, edit=lambda body: body["data"].pop("sessions") and None),
    "an empty list": Fault(
        "edited", path=SESSIONS, times=None, edit=lambda body: body["data"].update(sessions=[], total=0)
    ),
    "fewer than the total": Fault("edited", path=SESSIONS, times=None, edit=lambda body: body["data"].update(total=6)),
    "a row without an id": Fault(
        "edited", path=SESSIONS, times=None, edit=lambda body: body["data"]["sessions"][0].update(id="all")
    ),
}  # fmt: skip


@every_gap
@pytest.mark.parametrize("lacking", LISTS_THAT_LACK_SOMETHING)
def test_sessions_that_cannot_be_listed_are_an_error_and_the_next_run_ends_them(
    stage: Stage, gap: Any, lacking: str
) -> None:
    before = stage.start("completed")
    stage.sim.settings.batch_sessions = gap
    stage.sim.faults.add(LISTS_THAT_LACK_SOMETHING[lacking])
    with pytest.raises(SessionsNotListed, match=f"Could not end the sessions of batch {before.id}"):
        end_all(stage, "end_sessions", before)
    assert stage.told.infos == []
    stage.sim.faults.clear()
    assert end_all(stage, "end_sessions", before).ended_sessions == 5
    assert stage.nothing_runs_ever()


def test_a_list_that_shows_too_few_is_found_out_by_the_look_at_the_statuses(stage: Stage) -> None:
    before = stage.start("completed")
    stage.sim.settings.batch_sessions = "left_out"

    def keep_two(body: Any) -> None:
        body["data"]["sessions"] = body["data"]["sessions"][:2]
        body["data"].pop("total", None)

    stage.sim.faults.add(Fault("edited", path=SESSIONS, times=None, edit=keep_two))
    after = end_all(stage, "update", before)
    assert (after.ended_sessions, after.still_running) == (5, 0)
    assert stage.nothing_runs_ever()


# A deletion that does not say what it left


@pytest.mark.parametrize("report", ["all", "errors", "counts", "nothing"])
@every_gap
def test_sessions_that_a_deletion_left_are_ended_however_it_reports_them(stage: Stage, gap: Any, report: Any) -> None:
    """The kinds of reports: with counts and names, with names alone, with counts alone, and with neither."""
    before = stage.start("completed")
    stuck = {session.session_id for session in sorted(stage.live)[:2]}
    stage.sim.settings.batch_sessions = gap
    stage.sim.settings.failing_deletions, stage.sim.settings.deletion_report = 2, report
    after = stage.update(before, status="deleted")
    ended = {one.path.rpartition("/")[2] for one in stage.sim.requests_of("DELETE", f"{SESSIONS}/")}
    assert ended == stuck
    assert (after.ended_sessions, after.still_running, after.live_status) == (2, 0, "deleted")
    assert after.failed_deletions == (None if report == "nothing" else 2)
    assert after.deleted_sessions == (None if report == "nothing" else 3)
    assert stage.live == []


def test_errors_without_a_count_of_failures_count_as_failures(stage: Stage) -> None:
    before = stage.start("completed")
    stage.sim.settings.failing_deletions, stage.sim.settings.deletion_report = 2, "errors"
    after = stage.update(before, status="deleted")
    assert stage.asked.count("DELETE batch") == 3
    assert after.failed_deletions == 2
    assert any("2 sessions" in warning and "could not be deleted" in warning for warning in stage.told.warnings)


@pytest.mark.parametrize("stated", [{"errors": ["out of order"]}, {"failed_deletions": 0, "errors": [{"error": "x"}]}])
def test_an_error_that_names_no_session_counts_as_a_failure(stage: Stage, stated: dict[str, Any]) -> None:
    before = stage.start("completed")
    stage.sim.settings.failing_deletions = 1
    stage.sim.settings.deletion_report = "nothing"
    say = Fault("edited", method="DELETE", times=3, edit=lambda body: body["data"].update(deleted_sessions=4, **stated))
    stage.sim.faults.add(say)
    after = stage.update(before, status="deleted")
    assert (after.failed_deletions, after.ended_sessions) == (1, 1)
    assert stage.live == []


def test_a_failed_session_that_is_not_named_beside_one_that_is_gets_ended(stage: Stage) -> None:
    before = stage.start("completed")
    stage.sim.settings.failing_deletions = 2
    name_one = Fault("edited", method="DELETE", times=3, edit=lambda body: body["data"]["errors"].pop() and None)
    stage.sim.faults.add(name_one)
    # Statuses that cannot be listed: nothing but the deletion's own counts shows that a session is missing.
    stage.sim.faults.add(Fault("status", status=503, path=STATUSES_PATH, times=None))
    after = stage.update(before, status="deleted")
    assert (after.failed_deletions, after.ended_sessions) == (2, 2)
    assert stage.live == []


@pytest.mark.parametrize("lacking", ["an error", "an empty list"])
def test_the_failed_sessions_that_are_named_are_ended_also_where_no_other_can_be_learnt(
    stage: Stage, lacking: str
) -> None:
    before = stage.start("completed")
    stage.sim.settings.failing_deletions, stage.sim.settings.batch_sessions = 2, "left_out"
    name_one = Fault("edited", method="DELETE", times=3, edit=lambda body: body["data"]["errors"].pop() and None)
    stage.sim.faults.add(name_one)
    stage.sim.faults.add(LISTS_THAT_LACK_SOMETHING[lacking])
    stage.sim.faults.add(Fault("status", status=503, path=STATUSES_PATH, times=None))
    with pytest.raises(DeletionIncomplete, match="did not name"):
        stage.update(before, status="deleted")
    assert len(stage.live) == 1


@pytest.mark.parametrize("lacking", ["an error", "an empty list"])
@every_gap
def test_fewer_sessions_to_end_than_failed_are_an_error(stage: Stage, gap: Any, lacking: str) -> None:
    before = stage.start("completed")
    stage.sim.settings.batch_sessions = gap
    stage.sim.settings.failing_deletions, stage.sim.settings.deletion_report = 2, "counts"
    stage.sim.faults.add(LISTS_THAT_LACK_SOMETHING[lacking])
    with pytest.raises(DeletionIncomplete, match=f"Could not delete 2 sessions of batch {before.id}") as caught:
        stage.update(before, status="deleted")
    assert "did not name" in str(caught.value)
    stage.sim.faults.clear()
    stage.sim.settings.failing_deletions = 0
    assert stage.update(before, status="deleted").still_running == 0
    assert stage.nothing_runs_ever()


# Endings that all find nothing


def test_a_404_to_every_ending_does_not_stop_the_listed_sessions(stage: Stage) -> None:
    before = stage.start("completed")
    stage.sim.faults.add(Fault("status", status=404, method="DELETE", path=f"{SESSIONS}/*", times=None))
    with pytest.raises(LifecycleError, match="5 sessions as running"):
        end_all(stage, "update", before)
    assert len(stage.live) == 5


def test_a_404_to_every_ending_is_a_success_where_no_session_is_listed_as_running(stage: Stage) -> None:
    stage.sim.settings.end_ended_session = "404"
    before = stage.start("completed")
    stage.sim.expire(before.id)
    after = end_all(stage, "update", before)
    assert (after.ended_sessions, after.still_running) == (0, 0)
    assert stage.sim.requests_of("GET", STATUSES_PATH)
    assert stage.told.warnings == []
