"""The provider host works on many resources at once, although the SDK gives it four threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi

import pulumi_anchorbrowser as anchorbrowser
from pulumi_anchorbrowser.dynamic.sdk_patches import widen_worker_pool
from pulumi_anchorbrowser.rehearsal import Rehearsal
from pulumi_anchorbrowser.simulator import Simulator, most_at_once

BATCHES = 40


def program() -> None:
    for number in range(BATCHES):
        batch = anchorbrowser.Batch(f"batch-{number}", count=1)
        pulumi.export(f"batch-{number}", batch.batch_id)


def rehearsal_of(sim: Simulator, folder: Path, run: Callable[[], None] = program, **config: str) -> Rehearsal:
    return Rehearsal(
        run,
        config={"anchorbrowser:baseUrl": sim.url, **config},
        secret_config={"anchorbrowser:apiKey": "key-at-scale"},
        env={"ANCHORBROWSER_RECEIPTS": str(folder / "receipts.sqlite3"), "ANCHORBROWSER_API_KEY": None},
        parallel=64,
    )


def test_many_more_than_four_calls_are_in_flight_at_once(sim: Simulator, tmp_path: Path) -> None:
    sim.settings.latency_seconds = 0.5
    with rehearsal_of(sim, tmp_path) as stage:
        stage.up()
        assert most_at_once(sim.requests_of("POST", "/v1/batch-sessions")) > 16
        stage.destroy()
        assert most_at_once(sim.requests_of("DELETE", "/v1/batch-sessions")) > 16
    assert sim.live_sessions() == []


def test_calls_that_were_queued_before_the_pool_was_widened_run_on_the_new_threads_too(
    sim: Simulator, tmp_path: Path
) -> None:
    with rehearsal_of(sim, tmp_path) as stage:
        stage.up()
        # A GET for each, so that the reads cannot share a page: every batch is finished without a session.
        for batch_id in sim.batches:
            sim.settings.get_after_delete = "empty"
            sim.delete(batch_id)
        sim.clear_requests()
        sim.settings.latency_seconds = 0.5
        stage.refresh()
        assert most_at_once(sim.requests_of("GET", "/v1/batch-sessions/")) > 16


def test_max_concurrency_bounds_the_calls_and_not_the_waits(sim: Simulator, tmp_path: Path) -> None:
    sim.settings.latency_seconds = 0.1
    with rehearsal_of(sim, tmp_path, **{"anchorbrowser:maxConcurrency": "3"}) as stage:
        stage.up()
        assert most_at_once(sim.requests) == 3
        stage.destroy()


def test_a_waiting_batch_costs_no_worker_that_another_call_needs(sim: Simulator, tmp_path: Path) -> None:
    sim.settings.creation_seconds = 3.0

    def waits_and_starts() -> None:
        for number in range(12):
            batch = anchorbrowser.Batch(f"batch-{number}", count=1)
            anchorbrowser.BatchReady(f"ready-{number}", batch_id=batch.batch_id, timeout="2m")

    config = {"anchorbrowser:maxConcurrency": "2", "anchorbrowser:pollInterval": "0.5"}
    with rehearsal_of(sim, tmp_path, waits_and_starts, **config) as stage:
        stage.up()
        posts = sim.requests_of("POST", "/v1/batch-sessions")
        assert len(posts) == 12
        # All were started before the first of them can have been ready.
        assert max(r.started_at for r in posts) - min(r.started_at for r in posts) < sim.settings.creation_seconds
        stage.destroy()


def test_outside_a_pool_nothing_is_widened_and_nothing_breaks() -> None:
    assert widen_worker_pool() is False


def test_without_more_threads_those_that_exist_do_all_the_work(
    leave_threads: Callable[[int], None],
) -> None:
    def sleepy() -> int:
        time.sleep(0.05)
        return threading.get_ident()

    with ThreadPoolExecutor(4) as pool:
        assert pool.submit(widen_worker_pool, 64).result()
        leave_threads(2)
        done = [pool.submit(sleepy) for _ in range(20)]
        assert len({one.result(timeout=20) for one in done}) == 3


def test_calls_that_are_queued_while_the_system_gives_no_threads_are_done_nevertheless(
    leave_threads: Callable[[int], None],
) -> None:
    with ThreadPoolExecutor(1) as pool:
        may_widen = threading.Event()
        widened = pool.submit(lambda: may_widen.wait(20) and widen_worker_pool(64))
        queued = [pool.submit(int, "7") for _ in range(5)]
        leave_threads(0)
        may_widen.set()
        assert widened.result(timeout=20) is True
        assert [one.result(timeout=20) for one in queued] == [7] * 5
