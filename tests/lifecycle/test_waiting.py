"""Waits until browsers are ready, on a clock that moves the simulator's along."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import pytest
from lifecycle.one_batch import ID, KEY, OWNER, URN, MovedClock, Stage, Told, inputs

from pulumi_anchorbrowser.api import ApiError, ApiKeys, Client, Forbidden
from pulumi_anchorbrowser.clock import Clock, Interrupted, SystemClock
from pulumi_anchorbrowser.lifecycle import Batches
from pulumi_anchorbrowser.lifecycle.listing import Listing
from pulumi_anchorbrowser.lifecycle.run import Runner
from pulumi_anchorbrowser.lifecycle.waiting import NotReady, Reached, ReadyInputs, Waiting, ready_problems
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault, Simulator, SimulatorSettings


def runner_of(client: Client, clock: Clock, receipts: Receipts | None = None) -> Runner:
    return Runner(client, Listing(client, clock), receipts or Receipts(None), clock, settle_timeout=60)


def waiting_on(stage: Stage, clock: MovedClock, receipts: Receipts | None = None, **options: Any) -> Waiting:
    own = {name: options.pop(name) for name in ("pause", "is_young") if name in options}
    return Waiting(runner_of(stage.client(**options), clock, receipts), stage.told, **own)


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
    inputs = ReadyInputs(
        batch_id=batch_id, min_ready=min_ready, timeout=timeout, retry_failed=retry_failed, resource_urn=URN
    )
    return waiting_on(stage, stage.clock, **options).until(inputs)


def test_a_wait_ends_when_all_browsers_are_ready(stage: Stage) -> None:
    batch_id = stage.foreign()
    reached = wait(stage, batch_id)
    assert (reached.batch.status, reached.batch.completed_requests, reached.retried_sessions) == ("completed", 5, None)
    assert set(stage.asked) == {"GET batch"}
    assert sum(stage.clock.slept) == 100


def test_the_pause_is_constant(stage: Stage) -> None:
    wait(stage, stage.foreign())
    assert set(stage.clock.slept) == {5.0}
    wait(stage, stage.foreign(), pause=20)
    assert set(stage.clock.slept) == {20.0}


def test_a_wait_that_begins_between_two_looks_of_the_others_joins_them_at_the_next(stage: Stage) -> None:
    clock = MovedClock(stage.sim.advance)
    clock.at = 1003.5
    waiting_on(stage, clock).until(ReadyInputs(batch_id=stage.foreign()))
    assert clock.slept[:3] == [pytest.approx(1.5), pytest.approx(5), pytest.approx(5)]


class BusyClock(SystemClock):
    """The clock of a machine on which a thread's turn comes up to 1.4 s late."""

    def __init__(self) -> None:
        super().__init__()
        self._late = cycle((0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4))

    def sleep(self, seconds: float) -> None:
        """Sleep, and longer than asked for where it is the pause between two looks."""
        super().sleep(seconds + (next(self._late) if seconds > 0.1 else 0))


@pytest.mark.parametrize("clock", [SystemClock(), BusyClock()], ids=["on time", "late"])
def test_many_waits_share_their_requests(clock: SystemClock) -> None:
    count, pause, ready_after = 60, 2.0, 3.3
    with Simulator({KEY: "team"}, SimulatorSettings(creation_seconds=ready_after)) as sim:
        client = Client(sim.url, ApiKeys(KEY), clock=clock)
        waiting = Waiting(runner_of(client, clock), Told(), pause=pause)
        ids = [client.create_batch(1).value().batch_id for _ in range(count)]
        sim.clear_requests()
        with ThreadPoolExecutor(count) as pool:
            reached = list(pool.map(lambda batch_id: waiting.until(ReadyInputs(batch_id=batch_id)), ids))
        client.close()
        assert {one.batch.status for one in reached} == {"completed"}
        # Two reads come before it is known that there are many; the others share one page, at each look.
        assert len(sim.requests) <= 2 + 1 + 4


def test_a_wait_ends_when_min_ready_browsers_are_ready(stage: Stage) -> None:
    reached = wait(stage, stage.foreign(), min_ready=2)
    assert reached.batch.status == "processing"
    assert 2 <= (reached.batch.completed_requests or 0) < 5


def test_a_batch_that_is_ready_is_not_waited_for(stage: Stage) -> None:
    wait(stage, stage.foreign("completed"))
    assert (stage.asked, stage.clock.slept) == (["GET batch"], [])


def test_a_failed_batch_with_enough_browsers_is_ready(stage: Stage) -> None:
    assert wait(stage, stage.foreign("failed"), min_ready=3).batch.status == "failed"


def test_a_wait_reports_each_change_at_once_and_otherwise_twice_a_minute(stage: Stage) -> None:
    stage.sim.settings.creation_seconds = 400
    wait(stage, stage.foreign())
    *passing, last = [line.split(" browsers ready; ") for line in stage.told.passing]
    shown = [(ready, int(left.removesuffix(" s left"))) for ready, left in passing]
    assert shown[:2] == [("0 of 5", 600), ("0 of 5", 570)]
    for (before, earlier), (after, later) in pairwise(shown):
        assert before != after or earlier - later == 30
    assert [*dict(shown)] == [f"{ready} of 5" for ready in range(5)]
    assert last == ["5 of 5 browsers ready"]
    assert len(stage.asked) == 81


def test_a_failure_that_passes_is_followed_by_the_status_of_the_batch(stage: Stage) -> None:
    stage.sim.faults.add(Fault("status", method="GET", status=503, message="busy", nth=2))
    wait(stage, stage.foreign(), timeout=300)
    assert stage.told.passing[:3] == [
        "0 of 5 browsers ready; 300 s left",
        "HTTP 503: busy; 295 s left",
        "0 of 5 browsers ready; 290 s left",
    ]


def test_a_timeout_is_an_error_and_the_next_run_waits_on(stage: Stage) -> None:
    batch_id = stage.foreign()
    with pytest.raises(NotReady, match="not ready within 60 s") as caught:
        wait(stage, batch_id, timeout=60)
    assert sum(stage.clock.slept) == 60
    assert "of 5 browsers ready" in str(caught.value)
    assert len(stage.live) == 5
    assert wait(stage, batch_id, timeout=60).batch.status == "completed"


def test_a_wait_with_a_timeout_of_zero_looks_once(stage: Stage) -> None:
    with pytest.raises(NotReady, match="not ready within 0 s"):
        wait(stage, stage.foreign(), timeout=0)
    assert stage.asked == ["GET batch"]
    assert wait(stage, stage.foreign("completed"), timeout=0).batch.status == "completed"


@pytest.mark.parametrize("partly", ["completed", "failed"])
def test_creation_that_ends_with_too_few_browsers_is_an_error_at_once(stage: Stage, partly: Any) -> None:
    stage.sim.settings.partly_failed_status = partly
    stage.sim.settings.failing_sessions = 2
    batch_id = stage.foreign()
    with pytest.raises(NotReady, match=f"is {partly}") as caught:
        wait(stage, batch_id)
    assert "3 of 5 browsers ready, 2 failed" in str(caught.value)
    assert "; 5 browsers needed. " in str(caught.value)
    assert set(stage.asked) == {"GET batch"}
    assert sum(stage.clock.slept) < 200


def test_failed_sessions_are_retried_once_and_then_waited_for(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    reached = wait(stage, stage.foreign(), retry_failed=2)
    posts = stage.sim.requests_of("POST")
    assert [post.body for post in posts] == [{"retry_failed_only": True, "max_retries": 2}]
    assert (reached.batch.completed_requests, reached.retried_sessions) == (5, 2)


def test_a_retry_is_recorded_for_the_resource_that_waits(stage: Stage, tmp_path: Path) -> None:
    stage.sim.settings.failing_sessions = 2
    batch_id, receipts = stage.foreign(), Receipts(tmp_path / "receipts.sqlite3")
    wait(stage, batch_id, retry_failed=1, receipts=receipts)
    [receipt] = receipts.all()
    assert (receipt.operation, receipt.subject.batch_id, receipt.subject.urn) == ("retry", batch_id, URN)
    assert receipt.subject.account.startswith(stage.sim.url)
    receipts.close()


def test_a_retry_belongs_to_the_stack_that_started_the_batch(stage: Stage, tmp_path: Path) -> None:
    stage.sim.settings.failing_sessions = 2
    receipts = Receipts(tmp_path / "receipts.sqlite3")
    started = Batches(stage.client(), receipts, clock=stage.clock).create(inputs(), stage.told)
    wait(stage, started.known_id, retry_failed=1, receipts=receipts)
    assert [(one.operation, one.subject.owner) for one in receipts.all()] == [("create", OWNER), ("retry", OWNER)]
    receipts.close()


def test_a_batch_of_no_session_at_first_is_waited_for(stage: Stage) -> None:
    nothing_yet = Fault(
        "edited", method="GET", path="/v1/batch-sessions/*", edit=lambda body: body["data"].update(total_requests=0)
    )
    stage.sim.faults.add(nothing_yet)
    assert wait(stage, stage.foreign()).batch.completed_requests == 5


@pytest.mark.parametrize("failing", [0, 2])
def test_all_browsers_are_awaited_where_the_api_does_not_say_how_many_there_are(stage: Stage, failing: int) -> None:
    stage.sim.settings.failing_sessions = failing
    without = Fault(
        "edited",
        method="GET",
        path="/v1/batch-sessions/*",
        times=None,
        edit=lambda body: body["data"].pop("total_requests", None) and None,
    )
    stage.sim.faults.add(without)
    batch_id = stage.foreign()
    if failing:
        with pytest.raises(NotReady, match="all needed"):
            wait(stage, batch_id)
    else:
        assert wait(stage, batch_id).batch.completed_requests == 5
        assert stage.sim.batches[batch_id].status == "completed"


def test_a_retry_that_fails_as_well_is_an_error_that_names_it(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    stage.sim.settings.retries_to_heal = None
    with pytest.raises(NotReady, match="3 of 5 browsers ready, 2 failed after a retry of 2 sessions"):
        wait(stage, stage.foreign(), retry_failed=3)
    assert len(stage.sim.requests_of("POST")) == 1


def test_failed_sessions_are_not_retried_where_enough_browsers_are_ready(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    assert wait(stage, stage.foreign(), retry_failed=3, min_ready=3).retried_sessions is None
    assert stage.sim.requests_of("POST") == []


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
def test_a_retry_whose_response_is_lost_is_not_sent_again(stage: Stage, kind: Any) -> None:
    stage.sim.settings.failing_sessions = 2
    stage.sim.faults.add(Fault(kind, method="POST", path="*/retry"))
    batch_id = stage.foreign()
    if kind == "reset_after":
        assert wait(stage, batch_id, retry_failed=1, max_retries=3).batch.completed_requests == 5
    else:
        with pytest.raises(NotReady, match="3 of 5 browsers ready"):
            wait(stage, batch_id, retry_failed=1, max_retries=3)
    assert len(stage.sim.requests_of("POST")) == 1
    assert len(stage.told.warnings) == 1


def test_a_retry_that_was_certainly_not_taken_is_sent_again(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    stage.sim.faults.add(Fault("status", method="POST", path="*/retry", status=429))
    reached = wait(stage, stage.foreign(), retry_failed=1)
    assert (reached.batch.completed_requests, reached.retried_sessions) == (5, 2)
    assert len(stage.sim.requests_of("POST")) == 2
    assert stage.told.warnings == []


def test_a_retry_that_the_api_refuses_ends_the_wait(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    stage.sim.faults.add(Fault("status", method="POST", path="*/retry", status=402))
    with pytest.raises(ApiError, match="HTTP 402"):
        wait(stage, stage.foreign(), retry_failed=1)


def test_sessions_that_have_recovered_before_their_retry_are_not_an_error(stage: Stage) -> None:
    stage.sim.settings.failing_sessions = 2
    batch_id = stage.foreign()
    heal = Fault(
        "callback", method="POST", path="*/retry", before=lambda _: stage.client().retry_batch(batch_id).value()
    )
    stage.sim.faults.add(heal)
    assert wait(stage, batch_id, retry_failed=1).batch.completed_requests == 5


@pytest.mark.parametrize("gone", ["cancelled", "deleted", "empty"])
def test_a_wait_ends_when_somebody_stops_the_batch(stage: Stage, gone: str) -> None:
    batch_id = stage.foreign()
    stage.sim.settings.get_after_delete = "empty" if gone == "empty" else "404"
    stop = stage.sim.cancel if gone == "cancelled" else stage.sim.delete
    stage.sim.faults.add(Fault("callback", method="GET", nth=3, before=lambda _: stop(batch_id)))
    with pytest.raises(NotReady, match=batch_id):
        wait(stage, batch_id)
    assert len(stage.asked) == 3


def test_a_batch_that_does_not_exist_ends_the_wait(stage: Stage) -> None:
    with pytest.raises(NotReady, match=r"does not exist \(HTTP 404\)"):
        wait(stage, ID)
    assert stage.clock.slept == []


def test_a_batch_of_this_run_may_be_unknown_to_the_api_for_a_while(stage: Stage) -> None:
    batch_id = stage.foreign()
    stage.sim.faults.add(Fault("status", method="GET", status=404, times=3))
    reached = wait(stage, batch_id, is_young=lambda one: one == batch_id and stage.clock.monotonic() < 1030)
    assert reached.batch.status == "completed"


def test_a_batch_of_this_run_that_stays_unknown_ends_the_wait(stage: Stage) -> None:
    with pytest.raises(NotReady, match="HTTP 404"):
        wait(stage, ID, is_young=lambda _: stage.clock.monotonic() < 1030)
    assert sum(stage.clock.slept) == 30


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


def test_a_wait_outlives_a_server_that_is_down_for_a_while(stage: Stage) -> None:
    batch_id = stage.foreign()
    away = iter([stage.sim.stop, stage.sim.start])

    def later(seconds: float) -> None:
        stage.sim.advance(seconds)
        next(away, lambda: None)()

    assert waiting_on(stage, MovedClock(later)).until(ReadyInputs(batch_id=batch_id)).batch.status == "completed"


def test_failures_that_last_end_the_wait_at_its_timeout(stage: Stage) -> None:
    batch_id = stage.foreign()
    stage.sim.faults.add(Fault("status", status=503, times=None))
    with pytest.raises(NotReady, match="no response from the API"):
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
    with pytest.raises(NotReady, match="No session of the batch could be created") as caught:
        wait(stage, batch_id)
    assert "\n" not in str(caught.value)


def test_a_min_ready_above_the_size_of_the_batch_is_an_error_at_once(stage: Stage) -> None:
    batch_id = stage.foreign()
    with pytest.raises(NotReady, match=f"min_ready is 999, and batch {batch_id} has 5 browsers"):
        wait(stage, batch_id, min_ready=999)
    assert stage.clock.slept == []


def test_a_batch_of_one_browser_is_not_reported_in_the_plural(stage: Stage) -> None:
    batch_id = stage.client().create_batch(1).value().batch_id
    with pytest.raises(NotReady, match=r"has 1 browser\. The batch keeps running"):
        wait(stage, batch_id, min_ready=2)


@pytest.mark.parametrize(("min_ready", "count", "problems"), [(3, 2, 1), (2, 2, 0), (3, None, 0), (None, 2, 0)])
def test_a_min_ready_above_a_known_size_is_found_by_check(min_ready: int, count: int, problems: int) -> None:
    news = {"batch_id": ID, "min_ready": min_ready}
    found = ready_problems({name: one for name, one in news.items() if one is not None}, lambda _: False, count)
    assert [one.property for one in found] == ["min_ready"] * problems
    assert all(one.reason == "must not exceed the batch's 2 browsers (got 3)" for one in found)


def test_ctrl_c_ends_a_wait_at_once(stage: Stage) -> None:
    clock = SystemClock()
    client = Client(stage.sim.url, ApiKeys(KEY), clock=clock)
    waiting = Waiting(runner_of(client, clock), stage.told, pause=60)
    batch_id = stage.foreign()
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(waiting.until, ReadyInputs(batch_id=batch_id))
        while not stage.told.passing:
            time.sleep(0.01)
        began = time.monotonic()
        clock.interrupt()
        assert isinstance(waited.exception(timeout=5), Interrupted)
    client.close()
    assert time.monotonic() - began < 1
