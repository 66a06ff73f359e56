"""A stop is read back: what the API reports of a stop, and whether its sessions have ended, are two things."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, get_args

import pytest
from lifecycle.one_batch import STATUSES_PATH, Phase, Stage, record

from pulumi_anchorbrowser.api import Lost, NoAnswer, Outcome
from pulumi_anchorbrowser.lifecycle import BatchRecord, LifecycleError
from pulumi_anchorbrowser.lifecycle.errors import StillRunning
from pulumi_anchorbrowser.lifecycle.fold import fold
from pulumi_anchorbrowser.lifecycle.next_step import CANCELLING_PAUSES, CONFIRM_PAUSES
from pulumi_anchorbrowser.lifecycle.steps import Delete, Entry
from pulumi_anchorbrowser.simulator import Fault
from pulumi_anchorbrowser.simulator.settings import SimulatedStop

# A stop, and the phase of a batch in which the API takes it.
PHASE_OF: dict[str, Phase] = {"cancel": "processing", "delete": "completed", "end": "completed"}
PATIENCE = sum(CONFIRM_PAUSES)
ALL_STOPS = get_args(SimulatedStop)


def stop(stage: Stage, how: str, before: BatchRecord) -> BatchRecord:
    """Stop a batch by a cancel, by a deletion, or by ending each of its sessions."""
    return stage.update(before, status="deleted" if how == "delete" else "cancelled")


def ready_for(stage: Stage, how: str, *, surviving: int = 0, survive: Any = ALL_STOPS, **settings: Any) -> BatchRecord:
    """Start a batch of which some sessions run on although a stop reports success. Time passes in every sleep."""
    before = stage.start(PHASE_OF[how])
    stage.clock.on_sleep = stage.sim.advance
    for name, value in {"surviving_sessions": surviving, "survive": survive, **settings}.items():
        setattr(stage.sim.settings, name, value)
    return before


every_stop = pytest.mark.parametrize("how", PHASE_OF)


@every_stop
def test_a_stop_is_confirmed_by_one_look_at_the_sessions(stage: Stage, how: str) -> None:
    after = stop(stage, how, ready_for(stage, how))
    assert stage.looks == 1
    assert after.still_running == 0
    assert after.confirmed_at is not None
    said = datetime.fromisoformat(after.confirmed_at.replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - said).total_seconds()) < 60
    assert stage.told.warnings == []


def test_a_destroy_that_keeps_the_data_is_confirmed_as_well(stage: Stage) -> None:
    before = stage.start("completed", on_destroy="end_sessions")
    after = stage.batches.delete(before, stage.told)
    assert (stage.looks, after.still_running) == (1, 0)


@every_stop
def test_sessions_that_run_on_for_a_while_are_waited_for(stage: Stage, how: str) -> None:
    before = ready_for(stage, how, surviving=2, survive_seconds=4)
    after = stop(stage, how, before)
    assert after.still_running == 0
    assert stage.looks > 2
    assert 4 <= sum(stage.clock.slept) < PATIENCE
    assert stage.asked.count("DELETE session") == (5 if how == "end" else 0)
    assert stage.live == []
    assert stage.told.warnings == []
    assert any("no session is listed as running" in text for text in stage.told.passing)


@pytest.mark.parametrize(
    ("how", "survive", "seconds"),
    [
        ("cancel", ("cancel",), None),
        ("delete", ("delete",), None),
        ("cancel", ALL_STOPS, PATIENCE + 2),
        ("delete", ALL_STOPS, PATIENCE + 2),
        ("end", ALL_STOPS, PATIENCE + 2),
    ],
)
def test_sessions_that_outlast_the_wait_are_ended_one_by_one(
    stage: Stage, how: str, survive: Any, seconds: float | None
) -> None:
    before = ready_for(stage, how, surviving=2, survive=survive, survive_seconds=seconds)
    stubborn = sorted(session.session_id for session in stage.live)[:2]
    after = stop(stage, how, before)
    ended = [one.path.rpartition("/")[2] for one in stage.sim.requests_of("DELETE", "/v1/sessions/")]
    assert sorted(ended[-2:]) == stubborn
    assert after.still_running == 0
    assert after.ended_sessions == (5 if how == "end" else 2)
    assert stage.live == []


@every_stop
@pytest.mark.parametrize("answer", [200, 404])
def test_sessions_that_no_call_ends_are_an_error_that_names_them(stage: Stage, how: str, answer: Any) -> None:
    before = ready_for(stage, how, surviving=2, end_survivor=answer)
    stubborn = {session.session_id for session in sorted(stage.live)[:2]}
    with pytest.raises(StillRunning, match="2 sessions as running") as caught:
        stop(stage, how, before)
    for named in (before.id, *stubborn):
        assert named in str(caught.value)
    assert {session.session_id for session in stage.live} == stubborn
    assert sum(stage.clock.slept) <= 2 * PATIENCE


@every_stop
def test_the_run_after_one_that_could_not_stop_everything_converges(stage: Stage, how: str) -> None:
    before = ready_for(stage, how, surviving=2)
    with pytest.raises(StillRunning):
        stop(stage, how, before)
    stage.sim.settings.surviving_sessions = 0
    after = stop(stage, how, before)
    assert after.still_running == 0
    assert after.is_stopped
    assert stage.nothing_runs_ever()


def test_a_session_that_the_api_refuses_to_end_is_named_with_the_reason(stage: Stage) -> None:
    before = ready_for(stage, "cancel", surviving=1, survive=("cancel",))
    stage.sim.faults.add(Fault("status", status=403, path="/v1/sessions/*", method="DELETE", times=None))
    with pytest.raises(LifecycleError, match="HTTP 403") as caught:
        stop(stage, "cancel", before)
    assert stage.live[0].session_id in str(caught.value)


# The words of a listing


@pytest.mark.parametrize("word", ["active", "IDLE", "stopping", "pending"])
def test_every_known_word_for_running_counts_as_running(stage: Stage, word: str) -> None:
    before = ready_for(stage, "cancel", surviving=2, survive=("cancel",), running_word=word)
    after = stop(stage, "cancel", before)
    assert (after.still_running, after.ended_sessions) == (0, 2)
    assert stage.live == []


@pytest.mark.parametrize("word", ["failed", "Cancelled", "timed-out", "terminated"])
def test_every_known_word_for_ended_counts_as_ended(stage: Stage, word: str) -> None:
    after = stop(stage, "cancel", ready_for(stage, "cancel", ended_word=word))
    assert (after.still_running, stage.looks) == (0, 1)


@every_stop
def test_an_unknown_word_confirms_nothing_and_is_named_in_one_warning(stage: Stage, how: str) -> None:
    before = ready_for(stage, how, surviving=2, running_word="hibernating")
    after = stop(stage, how, before)
    assert (after.still_running, after.confirmed_at) == (None, None)
    assert stage.looks == len(CONFIRM_PAUSES) + 1
    [warning] = stage.told.warnings
    assert "'hibernating'" in warning
    assert f"pulumi-anchorbrowser show {before.id}" in warning
    assert stage.asked.count("DELETE session") == (5 if how == "end" else 0)


def test_an_unknown_word_beside_running_sessions_does_not_hide_them(stage: Stage) -> None:
    before = ready_for(stage, "cancel", surviving=2, survive=("cancel",))
    odd = min(session.session_id for session in stage.live if session.running)

    def rename(body: Any) -> None:
        for row in body["data"]["items"]:
            row["status"] = "hibernating" if row["session_id"] == odd else row["status"]

    stage.sim.faults.add(Fault("edited", path=STATUSES_PATH, edit=rename, times=None))
    after = stop(stage, "cancel", before)
    assert (after.still_running, after.ended_sessions) == (None, 1)
    assert [session.session_id for session in stage.live] == [odd]
    assert len(stage.told.warnings) == 1


# Listings that fail, lag, or are incomplete

FAILING = [
    Fault("status", status=503, message="out of order"),
    Fault("status", status=403),
    Fault("reset_before"),
    Fault("garbled"),
    Fault("html", status=404),
    Fault("edited", edit=lambda body: body["data"].pop("items") and None),
]


@every_stop
@pytest.mark.parametrize("fault", FAILING, ids=lambda fault: f"{fault.name}{fault.status or ''}")
def test_a_look_that_fails_gives_no_number_and_one_warning(stage: Stage, how: str, fault: Fault) -> None:
    before = ready_for(stage, how, surviving=2)
    given = {"status": fault.status, "message": fault.message, "edit": fault.edit}
    stage.sim.faults.add(Fault(fault.kind, path=STATUSES_PATH, times=None, **given))  # type: ignore[arg-type]
    after = stop(stage, how, before)
    assert (after.still_running, after.confirmed_at) == (None, None)
    [warning] = stage.told.warnings
    assert f"could not confirm that batch {before.id} has stopped" in warning


@pytest.mark.parametrize("hidden", ["a row without an id", "a row that only the count has"])
def test_a_row_that_cannot_be_read_confirms_nothing(stage: Stage, hidden: str) -> None:
    before = ready_for(stage, "cancel")

    def hide(body: Any) -> None:
        if hidden == "a row without an id":
            body["data"]["items"][0]["session_id"] = "all"
        else:
            body["data"]["count"] = len(body["data"]["items"]) + 1

    stage.sim.faults.add(Fault("edited", path=STATUSES_PATH, edit=hide, times=None))
    after = stop(stage, "cancel", before)
    assert after.still_running is None
    assert len(stage.told.warnings) == 1


@every_stop
def test_an_unconfirmed_stop_is_looked_at_again_by_a_destroy(stage: Stage, how: str) -> None:
    before = ready_for(stage, how, surviving=2, survive=("cancel", "delete"))
    stage.sim.faults.add(Fault("status", status=503, path=STATUSES_PATH))
    unconfirmed = stop(stage, how, before)
    stage.forget(unconfirmed)
    after = stage.later_run().delete(unconfirmed.but(on_destroy="cancel"), stage.told)
    assert stage.looks
    assert after.still_running == 0
    assert stage.live == []


@every_stop
def test_a_listing_that_lags_is_waited_for(stage: Stage, how: str) -> None:
    before = ready_for(stage, how, lag_seconds=3, lagging=("statuses",))
    stage.sim.advance(3)
    after = stop(stage, how, before)
    assert after.still_running == 0
    assert 3 <= sum(stage.clock.slept) < PATIENCE
    assert stage.asked.count("DELETE session") == (5 if how == "end" else 0)


@every_stop
def test_a_listing_that_leaves_out_ended_sessions_confirms_a_stop(stage: Stage, how: str) -> None:
    before = ready_for(stage, how, surviving=2, survive_seconds=2, ended_sessions_in_all_status=False)
    after = stop(stage, how, before)
    assert after.still_running == 0
    assert stage.looks > 1


def test_what_was_confirmed_before_a_stop_says_nothing_after_it() -> None:
    confirmed = record(live_status="cancelled", still_running=0, confirmed_at="2026-01-01T00:00:00Z")
    lost = Entry(Delete(), Outcome((Lost(NoAnswer("delete", "no response")),)))
    after = fold(confirmed, [lost])
    assert (after.still_running, after.confirmed_at) == (None, None)


def test_batches_that_are_stopped_at_once_are_confirmed_each_by_its_own_sessions(stage: Stage) -> None:
    befores = [stage.start("completed", claim=f"claim-{number}", count=2) for number in range(4)]
    odd = befores[1].known_id
    stage.sim.batches[odd].running_word = "hibernating"
    stage.clock.on_sleep = stage.sim.advance
    stage.sim.settings.surviving_sessions = 1
    with ThreadPoolExecutor(4) as pool:
        afters = list(pool.map(lambda before: stage.batches.delete(before, stage.told), befores))
    assert [one.still_running for one in afters] == [0, None, 0, 0]
    assert [one.ended_sessions for one in afters] == [1, None, 1, 1]
    assert {session.batch_id for session in stage.live} == {odd}
    assert len(stage.told.warnings) == 1


# A cancel that takes time


def test_a_batch_that_is_cancelling_is_waited_for(stage: Stage) -> None:
    before = ready_for(stage, "cancel", cancelling_seconds=5)
    after = stop(stage, "cancel", before)
    assert stage.asked == ["PATCH batch", *["GET batch"] * 4]
    assert (after.live_status, after.still_running) == ("cancelled", 0)
    assert stage.told.warnings == []
    assert stage.nothing_runs_ever()


def test_a_batch_that_never_becomes_cancelled_is_ended_one_by_one_with_a_warning(stage: Stage) -> None:
    before = ready_for(stage, "cancel", cancelling_seconds=1000)
    running = sum(session.running for session in stage.live)
    after = stop(stage, "cancel", before)
    assert sum(stage.clock.slept) >= sum(CANCELLING_PAUSES)
    assert (after.live_status, after.is_stopped, after.still_running) == ("cancelling", False, 0)
    assert (after.cancelled_sessions, after.ended_sessions) == (running, running)
    [warning] = stage.told.warnings
    assert "still reports 'cancelling'" in warning
    assert stage.live == []


@pytest.mark.parametrize("becomes", ["cancelled", "cancelling"])
def test_a_destroy_acts_again_where_a_batch_never_became_cancelled(stage: Stage, becomes: str) -> None:
    before = ready_for(stage, "cancel", cancelling_seconds=1000)
    cancelling = stop(stage, "cancel", before).but(on_destroy="cancel")
    stage.sim.advance(1000 if becomes == "cancelled" else 10)
    stage.forget(cancelling)
    after = stage.later_run().delete(cancelling, stage.told)
    assert stage.asked[:2] == ["PATCH batch", "GET batch"]
    assert after.live_status == becomes
    assert after.cancelled_sessions == cancelling.cancelled_sessions
    assert len(stage.told.warnings) == (becomes == "cancelling")


@pytest.mark.parametrize("if_completed", ["end_sessions", "delete", "accept", "fail"])
def test_a_batch_that_somebody_else_is_cancelling_is_waited_for(stage: Stage, if_completed: Any) -> None:
    before = ready_for(stage, "cancel", cancelling_seconds=5)
    stage.sim.cancel(before.id)
    after = stage.update(before, status="cancelled", if_completed=if_completed)
    assert (after.live_status, after.cancelled_sessions, after.still_running) == ("cancelled", None, 0)
    assert "DELETE batch" not in stage.asked
    assert stage.nothing_runs_ever()
