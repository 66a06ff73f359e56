"""Reading: a refresh tells what is, and never takes an error, or another team's 404, for "gone"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from lifecycle.one_batch import ON_MISSING, OTHER_KEY, PHASES, STATUSES, Phase, Stage, news_of

from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.lifecycle import BatchRecord, Changes, LifecycleError, changes_between
from pulumi_anchorbrowser.lifecycle.tags import new_claim
from pulumi_anchorbrowser.simulator import Fault, Simulator


def no_unknowns(_: object) -> bool:
    return False


@pytest.mark.parametrize("phase", PHASES)
def test_a_refresh_brings_the_counts_up_to_date_and_changes_nothing_else(stage: Stage, phase: Phase) -> None:
    before = stage.start(phase)
    after = stage.batches.read(before, stage.told)
    assert after is not None
    assert stage.asked == ["GET batch"]
    assert after.live_status == phase
    assert (after.completed_requests or 0) + (after.failed_requests or 0) == {
        "pending": 0,
        "processing": 2,
        "completed": 5,
        "failed": 5,
    }[phase]
    assert changes_between(after.id, after.to_outputs(), news_of(before), no_unknowns) == Changes([], [])
    assert stage.told.warnings == []


def test_sessions_that_expired_are_no_drift(stage: Stage) -> None:
    before = stage.batches.read(stage.start("completed"), stage.told)
    assert before is not None
    stage.sim.expire(before.id)
    assert stage.batches.read(before, stage.told) == before


def test_a_refresh_keeps_every_count_of_a_stop(stage: Stage) -> None:
    cancelled = stage.update(stage.start("processing"), status="cancelled")
    read = stage.batches.read(cancelled, stage.told)
    assert read is not None
    assert read.cancelled_sessions == cancelled.cancelled_sessions
    ended = stage.update(stage.start("completed"), status="cancelled")
    read = stage.batches.read(ended, stage.told)
    assert read is not None
    assert read.ended_sessions == 5
    assert read.is_stopped


@pytest.mark.parametrize("gone", ["404", "empty"])
@pytest.mark.parametrize("on_missing", ON_MISSING)
@pytest.mark.parametrize("status", STATUSES)
def test_a_batch_that_is_gone_stays_as_deleted_unless_it_is_to_be_recreated(
    stage: Stage, status: Any, on_missing: Any, gone: Any
) -> None:
    stage.sim.settings.get_after_delete = gone
    before = stage.start("processing").but(status=status, on_missing=on_missing)
    stage.sim.delete(before.id)
    after = stage.batches.read(before, stage.told)
    # The word of one 404 is not enough: a replica of the API may lag.
    assert stage.asked == ["GET batch"] * (2 if gone == "404" else 1)
    if (status, on_missing) == ("active", "recreate"):
        assert after is None
    else:
        assert after is not None
        assert (after.live_status, after.batch_id, after.deleted_sessions) == ("deleted", before.id, None)
        assert changes_between(after.id, after.to_outputs(), news_of(before), no_unknowns) == Changes([], [])
    assert len(stage.told.warnings) == (0 if status == "deleted" else 1)


def test_a_batch_that_this_provider_deleted_is_not_read_again(stage: Stage) -> None:
    deleted = stage.update(stage.start(), status="deleted")
    stage.forget(deleted)
    assert stage.batches.read(deleted, stage.told) == deleted
    assert stage.sim.requests == []
    assert stage.told.warnings == []


# One that the API does not know for a moment, because the replica that responds lags


def unknown_for(stage: Stage, looks: int) -> None:
    """Let the API respond to so many GETs as it would have before the batch was started."""
    stage.sim.faults.add(Fault("lagging", method="GET", path="/v1/batch-sessions/*", seconds=10_000, times=looks))


@pytest.mark.parametrize("on_missing", ON_MISSING)
def test_one_404_is_looked_at_again_after_a_pause(stage: Stage, on_missing: Any) -> None:
    before = stage.start("completed", on_missing=on_missing)
    unknown_for(stage, 1)
    after = stage.batches.read(before, stage.told)
    assert after is not None
    assert (after.live_status, after.missing, stage.asked) == ("completed", False, ["GET batch"] * 2)
    assert len(stage.clock.slept) == 1
    assert stage.told.warnings == []


def missing(stage: Stage, **given: Any) -> BatchRecord:
    """Return the record of a running batch that a refresh has not found."""
    before = stage.start("completed", **given)
    unknown_for(stage, 2)
    after = stage.batches.read(before, stage.told)
    assert after is not None
    assert (after.live_status, after.missing, after.is_deleted) == ("deleted", True, False)
    [warning] = stage.told.warnings
    assert f"no longer knows batch {before.id}" in warning
    return stage.forget(after)


def test_a_batch_that_only_a_404_calls_gone_is_asked_for_by_every_refresh(stage: Stage) -> None:
    after = missing(stage)
    unknown_for(stage, 2)
    still = stage.later_run().read(after, stage.told)
    assert still == after
    assert stage.asked == ["GET batch"] * 2
    assert stage.told.warnings == []
    found = stage.later_run().read(after, stage.told)
    assert found is not None
    assert (found.live_status, found.missing) == ("completed", False)


@pytest.mark.parametrize("wish", ["delete", "cancel", "end_sessions"])
def test_a_destroy_stops_a_batch_that_only_a_404_calls_gone(stage: Stage, wish: Any) -> None:
    stage.later_run().delete(missing(stage, on_destroy=wish), stage.told)
    assert ("DELETE batch" in stage.asked) is (wish == "delete")
    assert stage.nothing_runs_ever()


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_an_update_stops_a_batch_that_only_a_404_calls_gone(stage: Stage, status: str) -> None:
    after = stage.update(missing(stage), status=status)
    assert (after.missing, after.still_running) == (False, 0)
    assert stage.nothing_runs_ever()


def test_a_batch_that_a_lagging_replica_does_not_show_is_not_replaced_by_a_new_one(stage: Stage) -> None:
    before = stage.start("completed", on_missing="recreate")
    unknown_for(stage, 1)
    assert stage.batches.read(before, stage.told) is not None


@pytest.mark.parametrize("looks", [0, 1])
def test_a_cancel_that_finds_no_batch_is_sent_again_where_the_batch_shows_itself(stage: Stage, looks: int) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault("status", status=404, method="PATCH"))
    unknown_for(stage, looks)
    after = stage.update(before, status="cancelled")
    # The second time it is a session of the batch that runs.
    assert stage.asked == ["PATCH batch", "GET batch", "PATCH batch"]
    assert (after.live_status, after.still_running) == ("cancelled", 0)
    assert after.cancelled_sessions
    assert stage.nothing_runs_ever()


def test_a_deletion_that_finds_no_batch_is_sent_again_where_a_session_of_it_runs(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.faults.add(Fault("status", status=404, method="DELETE"))
    after = stage.batches.delete(before, stage.told)
    assert stage.asked == ["DELETE batch"] * 2
    assert (after.live_status, after.deleted_sessions, after.missing) == ("deleted", 2, False)
    assert stage.nothing_runs_ever()


def test_the_sessions_of_a_batch_that_no_deletion_finds_are_ended(stage: Stage) -> None:
    before = stage.start("completed")
    stage.sim.faults.add(Fault("status", status=404, method="DELETE", path="/v1/batch-sessions/*", times=None))
    after = stage.batches.delete(before, stage.told)
    assert stage.asked == ["DELETE batch"] * 2 + ["DELETE session"] * 5
    assert (after.ended_sessions, after.still_running, after.missing) == (5, 0, True)
    assert stage.live == []


# A batch that is gone, and of which sessions run on


def survivors(stage: Stage, **settings: Any) -> BatchRecord:
    """Return the record of a batch that somebody else deleted, and of which two sessions run on."""
    before = stage.start("completed", on_missing="recreate")
    for name, value in {"surviving_sessions": 2, "survive": ("delete",), **settings}.items():
        setattr(stage.sim.settings, name, value)
    stage.sim.delete(before.id)
    assert len(stage.live) == 2
    return stage.forget(before)


@pytest.mark.parametrize("gone", ["404", "empty"])
def test_a_refresh_keeps_a_batch_that_is_gone_while_sessions_of_it_run(stage: Stage, gone: Any) -> None:
    before = survivors(stage, get_after_delete=gone)
    after: BatchRecord | None = before
    for _ in range(2):
        assert after is not None
        after = stage.batches.read(after, stage.told)
    assert after is not None
    assert (after.missing, after.still_running) == (True, 2)
    assert len([one for one in stage.told.warnings if "2 sessions of it as running" in one]) == 2
    assert len(stage.live) == 2, "a refresh stops nothing"
    stage.later_run().delete(after, stage.told)
    assert stage.live == []


def test_a_refresh_drops_a_batch_that_is_gone_once_its_last_session_has_ended(stage: Stage) -> None:
    before = survivors(stage)
    kept = stage.batches.read(before, stage.told)
    assert kept is not None
    for session in stage.live:
        stage.client().end_session(session.session_id)
    assert stage.batches.read(kept, stage.told) is None


def test_a_refresh_keeps_a_batch_whose_sessions_have_an_unknown_status(stage: Stage) -> None:
    before = survivors(stage, running_word="hibernating")
    assert stage.batches.read(before, stage.told) is not None
    assert [one for one in stage.told.warnings if "'hibernating'" in one]


def test_a_refresh_that_cannot_list_the_sessions_of_a_batch_that_is_gone_is_an_error(stage: Stage) -> None:
    before = survivors(stage)
    stage.sim.faults.add(Fault("status", status=503, path="/v1/sessions/*", times=None))
    with pytest.raises(ApiError, match="503"):
        stage.batches.read(before, stage.told)


def test_a_batch_under_an_unknown_word_that_has_no_session_yet_is_not_gone(stage: Stage) -> None:
    before = stage.start("pending", on_missing="recreate", on_destroy="end_sessions")

    def rename(body: Any) -> None:
        body["data"].update(status="queued", sessions=[], completed_requests=0)

    stage.sim.faults.add(Fault("edited", method="GET", path="/v1/batch-sessions/*", edit=rename, times=None))
    after = stage.batches.read(before, stage.told)
    assert after is not None
    assert (after.live_status, after.missing) == ("queued", False)
    stage.batches.delete(after, stage.told)
    assert "PATCH batch" in stage.asked
    assert stage.nothing_runs_ever()


# A batch that was started just now: a part of the API may not know it, and none of its sessions is listed yet


def hidden(stage: Stage, age: timedelta = timedelta(0), **given: Any) -> BatchRecord:
    """Return the record of a running batch of that age, of which no session is listed."""
    stage.sim.settings.sessions_listed_after = 10_000
    return stage.start("completed", claim=new_claim(datetime.now(timezone.utc) - age, "11111"), **given)


def test_a_deletion_that_finds_no_batch_is_sent_again_where_the_batch_is_new(stage: Stage) -> None:
    before = hidden(stage)
    stage.sim.faults.add(Fault("status", status=404, method="DELETE", times=3))
    after = stage.batches.delete(before, stage.told)
    assert stage.asked == ["DELETE batch"] * 4
    assert (after.deleted_sessions, after.missing) == (5, False)
    assert stage.nothing_runs_ever()


def test_an_ending_of_sessions_looks_again_for_a_new_batch_that_it_does_not_find(stage: Stage) -> None:
    before = hidden(stage, on_destroy="end_sessions")
    unknown_for(stage, 4)
    stage.batches.delete(before, stage.told)
    assert stage.asked == ["GET batch"] * 5 + ["DELETE session"] * 5
    assert stage.nothing_runs_ever()


def test_a_refresh_does_not_drop_a_new_batch_that_it_does_not_find(stage: Stage) -> None:
    before = hidden(stage, on_missing="recreate")
    unknown_for(stage, 4)
    after = stage.batches.read(before, stage.told)
    assert after is not None
    assert (after.missing, stage.asked) == (False, ["GET batch"] * 5)


@pytest.mark.parametrize(("age", "tries"), [(timedelta(0), 5), (timedelta(seconds=57), 2), (timedelta(minutes=2), 1)])
def test_a_deleted_batch_is_gone_after_a_bounded_number_of_deletions(stage: Stage, age: timedelta, tries: int) -> None:
    before = hidden(stage, age)
    stage.sim.delete(before.known_id)
    stage.forget(before)
    after = stage.batches.delete(before, stage.told)
    assert stage.asked == ["DELETE batch"] * tries
    assert sum(stage.clock.slept) < 16
    assert (after.live_status, after.missing) == ("deleted", True)


@pytest.mark.parametrize("on_missing", ON_MISSING)
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=400),
        Fault("status", status=401),
        Fault("status", status=403),
        Fault("status", status=429),
        Fault("status", status=500),
        Fault("reset_before"),
        Fault("garbled"),
        Fault("html", status=404),
        Fault("html", status=200),
        Fault("no_reply"),
    ],
    ids=lambda fault: f"{fault.name}{fault.status or ''}",
)
def test_an_answer_that_is_not_a_404_of_the_api_is_never_taken_for_gone(
    stage: Stage, fault: Fault, on_missing: Any
) -> None:
    before = stage.start("completed", on_missing=on_missing)
    stage.sim.faults.add(Fault(fault.kind, status=fault.status, times=None))
    with pytest.raises(ApiError):
        stage.later_run(request_timeout=0.3).read(before, stage.told)


def test_no_connection_is_never_taken_for_gone(stage: Stage) -> None:
    before = stage.start("completed", on_missing="recreate")
    stage.sim.stop()
    with pytest.raises(ApiError):
        stage.batches.read(before, stage.told)


def call(stage: Stage, operation: str, before: BatchRecord) -> object:
    if operation == "read":
        return stage.batches.read(before, stage.told)
    if operation == "delete":
        return stage.batches.delete(before, stage.told)
    return stage.update(before, status=operation)


OPERATIONS = ["read", "delete", "cancelled", "deleted"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("wish", ["delete", "cancel", "end_sessions"])
def test_a_404_under_another_teams_key_is_an_error_that_says_how_to_confirm(
    stage: Stage, operation: str, wish: Any
) -> None:
    before = stage.start("processing", on_destroy=wish, on_missing="recreate")
    stage.batches = stage.later_run(OTHER_KEY)
    with pytest.raises(LifecycleError, match="may still run") as caught:
        call(stage, operation, before)
    assert len(stage.live) == 5
    assert before.id in str(caught.value)
    for key in ("key-of-team-a", OTHER_KEY):
        assert key not in str(caught.value)
    code = re.search(r"ANCHORBROWSER_CONFIRM_ACCOUNT=(\w+)", str(caught.value))
    assert code is not None

    stage.batches = stage.later_run(OTHER_KEY, confirmed={code[1]})
    after = call(stage, operation, before)
    assert after is None or isinstance(after, BatchRecord)
    assert after is None or after.live_status == "deleted"


def test_the_confirmation_of_one_key_vouches_for_no_other(stage: Stage) -> None:
    before = stage.start("processing")
    with pytest.raises(LifecycleError) as caught:
        stage.later_run(OTHER_KEY).read(before, stage.told)
    code = str(caught.value).rpartition("=")[2].rstrip(".")
    with Simulator({"third-key": "team-c"}) as elsewhere, pytest.raises(LifecycleError):
        stage.later_run("third-key", elsewhere.url, confirmed={code}).read(before, stage.told)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_404_at_another_address_is_an_error_that_names_both(stage: Stage, operation: str) -> None:
    before = stage.start("processing")
    with Simulator({"key-of-team-a": "team-a"}) as elsewhere:
        stage.batches = stage.later_run(url=elsewhere.url)
        with pytest.raises(LifecycleError) as caught:
            call(stage, operation, before)
        assert elsewhere.url in str(caught.value)
    assert stage.sim.url in str(caught.value)
    assert len(stage.live) == 5


def test_a_rotated_key_of_the_same_team_is_taken_into_the_record(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.rotate_key("key-of-team-a", "rotated")
    stage.batches = stage.later_run("rotated")
    read = stage.batches.read(before, stage.told)
    assert read is not None
    assert read.account != before.account
    assert changes_between(read.id, read.to_outputs(), news_of(before), no_unknowns) == Changes([], [])
    stage.sim.delete(read.id)
    gone = stage.batches.read(read, stage.told)
    assert gone is not None
    assert gone.live_status == "deleted"


def test_a_rotated_key_of_the_same_team_still_stops_everything(stage: Stage) -> None:
    before = stage.start("processing")
    stage.sim.rotate_key("key-of-team-a", "rotated")
    stage.batches = stage.later_run("rotated")
    stage.batches.delete(before, stage.told)
    assert stage.nothing_runs_ever()


def test_the_account_stays_as_it_was_written_while_the_key_is_the_same(stage: Stage) -> None:
    before = stage.start("processing")
    read = stage.later_run().read(before, stage.told)
    assert read is not None
    assert read.account == before.account
