"""The numbers are kept, compared with the bars and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.bars import bars
from bench.cells import Cell
from bench.measure import NotDone, must_be_done
from bench.page import BEGIN, END, render
from bench.results import Results
from bench.stats import ratio, spread, told

from pulumi_anchorbrowser.simulator import LoggedRequest

MACHINE = {"CPUs": 2}
STEPS = ("up", "refresh", "cancel", "destroy")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "run.json", MACHINE)


def add_life(results: Results, contender: str, latency_ms: int, repeat: int, seconds: float) -> None:
    """A life of 200 batches, each step of which took so long."""
    labels = {"contender": contender, "batches": 200, "latency_ms": latency_ms}
    step: dict[str, Any] = {"seconds": seconds, "requests": {}, "bytes": 0, "last_patch": 1.0, "confirming": 0.1}
    step |= {"host_peak_bytes": 2**20, "host_cpu": 0.5}
    results.add(Cell("life", labels, repeat, lambda _api, _folder: None), dict.fromkeys(STEPS, step))


def logged(path: str, status: int) -> LoggedRequest:
    return LoggedRequest("PATCH", path, {}, None, "team", "", started_at=0.0, status=status)


def test_an_interrupted_run_continues_where_it_was(results: Results, tmp_path: Path) -> None:
    add_life(results, "ours", 300, 1, 5.0)
    again = Results(tmp_path / "run.json", MACHINE)
    labels = {"contender": "ours", "batches": 200, "latency_ms": 300}
    assert again.has(Cell("life", labels, 1, lambda _api, _folder: None))
    assert not again.has(Cell("life", labels, 2, lambda _api, _folder: None))
    assert not again.has(Cell("life", {**labels, "batches": 50}, 1, lambda _api, _folder: None))


def test_the_results_of_another_machine_are_not_continued(results: Results, tmp_path: Path) -> None:
    add_life(results, "ours", 300, 1, 5.0)
    assert Results(tmp_path / "run.json", {"CPUs": 4}).records == []


def test_a_request_that_was_not_made_as_often_as_intended_is_an_error() -> None:
    log = [logged("/v1/batch-sessions/one", 200), logged("/v1/batch-sessions/two", 409)]
    must_be_done(log, "PATCH batch-sessions/{id}", 1)
    with pytest.raises(NotDone, match="1 were done, 2 were meant"):
        must_be_done(log, "PATCH batch-sessions/{id}", 2)


def test_ratios_are_taken_within_a_repeat() -> None:
    assert ratio({1: 2.0, 2: 20.0, 3: 9.0}, {1: 1.0, 2: 10.0}) == (2.0, 2.0, 2.0)
    assert ratio({1: 3.0}, {1: 1.0}, added=0.5) == (2.0, 2.0, 2.0)
    assert ratio({1: 2.0}, {2: 1.0}) is None
    assert told(spread([5.25, 4.7, 4.9])) == "4.9 (4.7 to 5.2)"


def test_a_bar_is_judged_by_the_median_of_the_ratios(results: Results) -> None:
    # 200 x 0.3 s / 64 is 0.94 s, the physical limit.
    for repeat, ours in enumerate((5.0, 6.0, 30.0), 1):
        add_life(results, "ours", 300, repeat, ours)
        add_life(results, "idle", 0, repeat, 4.0)
        add_life(results, "plain", 300, repeat, 20.0)
    judged = {bar.what: bar for bar in bars(results)}
    against_engine = judged["up of 200 at 300 ms: ours / (engine alone + physical limit)"]
    assert against_engine.found == pytest.approx((5 / 4.9375, 6 / 4.9375, 30 / 4.9375))
    assert against_engine.verdict() == "**missed** by 6 %"
    against_plain = judged["destroy of 200 at 300 ms: plain provider / ours"]
    assert against_plain.verdict() == "**missed** by 5 %"
    assert judged["refresh of 500: requests"].verdict() == "not measured"


def test_a_page_keeps_what_is_written_by_hand(results: Results, tmp_path: Path) -> None:
    add_life(results, "ours", 300, 1, 5.0)
    page = tmp_path / "performance.md"
    page.write_text(f"# By hand\n\n{BEGIN}\nold\n{END}\n\nMore.\n", encoding="utf-8")
    render(results, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# By hand\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nMore.\n")
    assert "| 200 | 300 ms | up | 5.0 |  |  |  |  | 0.94 |" in text
    assert "old" not in text


def test_the_same_results_give_the_same_page_and_plots(results: Results, tmp_path: Path) -> None:
    add_life(results, "ours", 300, 1, 5.0)
    seen = []
    for _ in range(2):
        render(results, tmp_path / "performance.md")
        written = [tmp_path / "performance.md", *sorted((tmp_path / "performance").iterdir())]
        seen.append([path.read_bytes() for path in written])
    assert seen[0] == seen[1]
    assert b"<svg" in seen[0][1]
    assert str(tmp_path).encode() not in b"".join(seen[0])
