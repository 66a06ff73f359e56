"""Waiting until browsers are ready, on a clock that moves the simulator's along."""

from __future__ import annotations

from typing import Any

import pytest
from lifecycle.kept import ID, MovedClock, Stage

from pulumi_anchorbrowser.api import ApiError, Forbidden
from pulumi_anchorbrowser.lifecycle import Goal, LifecycleError, Reached, Waiting
from pulumi_anchorbrowser.lifecycle.reading import BatchReader
from pulumi_anchorbrowser.lifecycle.recording import RecordedCalls
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault


def waiting_on(stage: Stage, clock: MovedClock, **options: Any) -> Waiting:
    client = stage.client(**options)
    reader = BatchReader(client, clock)
    return Waiting(client, reader, RecordedCalls(client, Receipts(None), reader.changed), clock, stage.told)


def wait(
    stage: Stage,
    batch_id: str,
    *,
    min_ready: int | None = None,
    timeout: float = 600,
    retry_failed: int = 0,
    **options: Any,
) -> Reached:
    stage.clock = MovedClock(stage.sim.advance)
    return waiting_on(stage, stage.clock, **options).until(batch_id, Goal(min_ready, timeout, retry_failed))


def test_all_browsers_are_waited_for(stage: Stage) -> None:
    batch_id = stage.foreign()
    reached = wait(stage, batch_id)
    assert (reached.batch.status, reached.batch.completed_requests, reached.retried_sessions) == ("completed", 5, None)
    assert set(stage.asked) == {"GET batch"}
    assert 100 <= sum(stage.clock.slept) < 140


def test_the_pauses_are_the_vendors_own_advice(stage: Stage) -> None:
    wait(stage, stage.foreign())
    assert stage.clock.slept == [5, 7.5, 11.25, 16.875, 25.3125, 30, 30][: len(stage.clock.slept)]
    assert len(stage.clock.slept) >= 5


def test_enough_browsers_are_enough(stage: Stage) -> None:
    reached = wait(stage, stage.foreign(), min_ready=2)
    assert reached.batch.status == "processing"
    assert 2 <= (reached.batch.completed_requests or 0) < 5


def test_a_batch_that_is_ready_is_not_waited_for(stage: Stage) -> None:
    wait(stage, stage.foreign("completed"))
    assert (stage.asked, stage.clock.slept) == (["GET batch"], [])


def test_enough_browsers_of_a_batch_that_failed_are_enough(stage: Stage) -> None:
    assert wait(stage, stage.foreign("failed"), min_ready=3).batch.status == "failed"


def test_progress_is_told_at_every_look(stage: Stage) -> None:
    wait(stage, stage.foreign(), timeout=300)
    assert len(stage.told.passing) == len(stage.asked)
    assert stage.told.passing[0] == "0 of 5 browsers ready; 300 s left"
    assert stage.told.passing[-1].startswith("5 of 5 browsers ready; ")


def test_too_late_is_an_error_and_the_next_run_goes_on(stage: Stage) -> None:
    batch_id = stage.foreign()
    with pytest.raises(LifecycleError, match="not ready within 60 s") as caught:
        wait(stage, batch_id, timeout=60)
    assert sum(stage.clock.slept) == 60
    assert "of 5 browsers ready" in str(caught.value)
    assert len(stage.live) == 5
    assert wait(stage, batch_id, timeout=60).batch.status == "completed"


def test_a_timeout_of_nothing_looks_once(stage: Stage) -> None:
    with pytest.raises(LifecycleError, match="not ready within 0 s"):
        wait(stage, stage.foreign(), timeout=0)
    assert stage.asked == ["GET batch"]
    assert wait(stage, stage.foreign("completed"), timeout=0).batch.status == "completed"


@pytest.mark.parametrize("partly", ["completed", "failed"])
def test_too_few_browsers_at_the_end_of_creation_is_an_error_at_once(stage: Stage, partly: Any) -> None:
    stage.sim.settings.partly_failed_status = partly
    stage.sim.settings.failing_sessions = 2
    batch_id = stage.foreign()
    with pytest.raises(LifecycleError, match=f"is {partly}") as caught:
        wait(stage, batch_id)
    assert "3 of 5 browsers ready, 2 failed" in str(caught.value)
    assert "5 are needed" in str(caught.value)
    assert set(stage.asked) == {"GET batch"}
    assert sum(stage.clock.slept) < 200


def test_failed_sessions_are_retried_once_and_then_waited_for(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    reached = wait(stage, stage.foreign(), retry_failed=2)
    posts = stage.sim.requests_of("POST")
    assert [post.body for post in posts] == [{"retry_failed_only": True, "max_retries": 2}]
    assert (reached.batch.completed_requests, reached.retried_sessions) == (5, 2)


def test_sessions_that_fail_again_are_an_error_that_says_so(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    stage.sim.settings.retries_to_heal = None
    with pytest.raises(LifecycleError, match="after 2 were retried"):
        wait(stage, stage.foreign(), retry_failed=3)
    assert len(stage.sim.requests_of("POST")) == 1


def test_nothing_is_retried_that_nobody_needs(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    assert wait(stage, stage.foreign(), retry_failed=3, min_ready=3).retried_sessions is None
    assert stage.sim.requests_of("POST") == []


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
def test_a_retry_whose_answer_is_lost_is_not_sent_again(stage: Stage, kind: Any) -> None:
    stage.sim.settings.failing_sessions = 2
    stage.sim.faults.add(Fault(kind, method="POST", path="*/retry"))
    batch_id = stage.foreign()
    if kind == "reset_after":
        assert wait(stage, batch_id, retry_failed=1, max_retries=3).batch.completed_requests == 5
    else:
        with pytest.raises(LifecycleError, match="3 of 5 browsers ready"):
            wait(stage, batch_id, retry_failed=1, max_retries=3)
    assert len(stage.sim.requests_of("POST")) == 1
    assert len(stage.told.warnings) == 1


@pytest.mark.parametrize("gone", ["cancelled", "deleted", "empty"])
def test_a_batch_stopped_meanwhile_ends_the_wait(stage: Stage, gone: str) -> None:
    batch_id = stage.foreign()
    stage.sim.settings.get_after_delete = "empty" if gone == "empty" else "404"
    stop = stage.sim.cancel if gone == "cancelled" else stage.sim.delete
    stage.sim.faults.add(Fault("callback", method="GET", nth=3, before=lambda _: stop(batch_id)))
    with pytest.raises(LifecycleError, match=batch_id):
        wait(stage, batch_id)
    assert len(stage.asked) == 3


def test_a_batch_that_never_was_ends_the_wait(stage: Stage) -> None:
    with pytest.raises(LifecycleError, match=r"not known to the API \(HTTP 404\)"):
        wait(stage, ID)
    assert stage.clock.slept == []


PASSING = [
    Fault("status", status=429),
    Fault("status", status=500),
    Fault("status", status=503),
    Fault("reset_before"),
    Fault("reset_mid_body"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name)
def test_a_wait_outlives_a_passing_failure(stage: Stage, fault: Fault) -> None:
    batch_id = stage.foreign()
    passing = Fault(fault.kind, status=fault.status, nth=2, times=3)
    stage.sim.faults.add(passing)
    assert wait(stage, batch_id).batch.status == "completed"
    assert passing.struck == 3


def test_a_wait_outlives_a_server_that_is_away_for_a_while(stage: Stage) -> None:
    batch_id = stage.foreign()
    away = iter([stage.sim.stop, stage.sim.start])

    def later(seconds: float) -> None:
        stage.sim.advance(seconds)
        next(away, lambda: None)()

    assert waiting_on(stage, MovedClock(later)).until(batch_id, Goal(None, 600, 0)).batch.status == "completed"


def test_failures_that_do_not_pass_end_at_the_deadline(stage: Stage) -> None:
    batch_id = stage.foreign()
    stage.sim.faults.add(Fault("status", status=503, times=None))
    with pytest.raises(LifecycleError, match="the API did not answer"):
        wait(stage, batch_id, timeout=60)
    assert sum(stage.clock.slept) == 60


@pytest.mark.parametrize(("status", "error"), [(401, ApiError), (403, Forbidden)])
def test_a_refusal_ends_the_wait(stage: Stage, status: int, error: type[ApiError]) -> None:
    batch_id = stage.foreign()
    stage.sim.faults.add(Fault("status", status=status))
    with pytest.raises(error, match=f"HTTP {status}"):
        wait(stage, batch_id)
    assert stage.clock.slept == []


def test_every_error_of_a_wait_is_one_line(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 5
    batch_id = stage.foreign()
    with pytest.raises(LifecycleError, match="No session of the batch could be created") as caught:
        wait(stage, batch_id)
    assert "\n" not in str(caught.value)


def test_more_than_the_batch_has_is_refused_at_once(stage: Stage) -> None:
    batch_id = stage.foreign()
    with pytest.raises(LifecycleError, match=r"has only \d+ browsers, and min_ready is 999"):
        wait(stage, batch_id, min_ready=999)
    assert stage.clock.slept == []
