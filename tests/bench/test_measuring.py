"""The bench measures what the API has seen; here at a size at which no number is of use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.api import Api, api_in_its_own_process
from bench.cells import Cell, Life, Size
from bench.engine import Project
from bench.process import CommandFailed
from bench.sections import SECTIONS
from stages import NO_ENGINE, engine_is_here

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not engine_is_here(), reason=NO_ENGINE)]

TINY = Size(
    repeats=1,
    sessions=2,
    lives=tuple(Life(contender, 2, 10, 1) for contender in ("ours", "native", "plain", "script", "idle")),
    waits=((2, 1),),
    creation_seconds=1.0,
    poll_seconds=0.2,
    cleaned=3,
    quota=(2, 1, 0.3),
    states=((2, 1),),
    weighed=2,
    lists=(250,),
)
Measure = Callable[..., list[Any]]
CONFIRMATION = "GET sessions/all/status"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with api_in_its_own_process() as running:
        yield running


@pytest.fixture
def measure(api: Api, tmp_path: Path) -> Measure:
    """Measures the cells of a section that have these labels."""

    def measure_cells(section: str, **labels: object) -> list[Any]:
        cells: list[Cell] = [one for one in SECTIONS[section](TINY) if labels.items() <= one.labels.items()]
        assert cells
        return [cell.measure(api, tmp_path / str(number)) for number, cell in enumerate(cells)]

    return measure_cells


@pytest.mark.parametrize("contender", ["ours", "native", "plain", "script"])
def test_a_life_is_one_call_for_each_change_of_each_batch(measure: Measure, contender: str) -> None:
    (life,) = measure("life", contender=contender)
    assert life["up"]["requests"] == {"POST batch-sessions": 2}
    confirmations = life["cancel"]["requests"].pop(CONFIRMATION, 0), life["destroy"]["requests"].pop(CONFIRMATION, 0)
    assert (
        all(1 <= count <= 2 for count in confirmations) if contender in {"ours", "native"} else confirmations == (0, 0)
    )
    assert life["cancel"]["requests"] == {"PATCH batch-sessions/{id}": 2}
    assert life["destroy"]["requests"] == {"DELETE batch-sessions/{id}": 2}
    assert (life["cancel"]["confirming"] > 0) == (contender in {"ours", "native"})
    assert sum(life["refresh"]["requests"].values()) > 0
    assert 0 < life["cancel"]["last_patch"] <= life["cancel"]["seconds"]
    assert all(step["bytes"] > 100 and 0 < step["span"] < step["seconds"] for step in life.values())
    has_host = contender != "script"
    for value in ("host_peak_bytes", "host_cpu"):
        assert all((step[value] is not None) == has_host for step in life.values())


def test_the_engine_alone_calls_nothing(measure: Measure) -> None:
    (life,) = measure("life", contender="idle")
    assert [step["requests"] for step in life.values()] == [{}] * 4
    assert all(step["seconds"] > 0 for step in life.values())


def test_a_wait_ends_after_the_last_batch_is_ready(measure: Measure) -> None:
    (wait,) = measure("waiting")
    assert wait["requests"]["POST batch-sessions"] == 2
    assert 0 < wait["call_after_ready"] < wait["end_after_ready"]
    assert wait["polling_requests"] >= wait["looks"] > 2


@pytest.mark.parametrize(("contender", "looks_at_tags"), [("sweep", True), ("resource", True), ("script", False)])
def test_a_cleanup_deletes_what_was_seeded(measure: Measure, contender: str, looks_at_tags: bool) -> None:
    (cleanup,) = measure("cleanup", contender=contender)
    assert cleanup["requests"]["DELETE batch-sessions/{id}"] == 3
    assert "POST batch-sessions" not in cleanup["requests"]
    assert (sum(cleanup["requests"].values()) > 4) == looks_at_tags


def test_two_hosts_are_turned_away_and_finish(measure: Measure) -> None:
    (shared,) = measure("quota")
    assert shared["quota"] == pytest.approx(3 * 0.3)
    assert shared["creating"] >= shared["quota"]
    assert shared["requests"]["POST batch-sessions"] == 4 + shared["turned_away"]


def test_the_state_is_weighed_by_property(measure: Measure) -> None:
    (weight,) = measure("state", contender="ours")
    assert {"claim", "batch_id", "(the engine's own)"} <= weight["parts"].keys()
    assert sum(weight["parts"].values()) == pytest.approx(weight["bytes_per_batch"])


@pytest.mark.parametrize("setting", ["default", "gzip", "no checkpoints"])
def test_the_engine_runs_with_each_of_its_settings(measure: Measure, setting: str) -> None:
    (found,) = measure("state", setting=setting)
    assert found["destroy"]["requests"]["DELETE batch-sessions/{id}"] == 2


def test_a_list_of_which_nothing_matches_is_read_page_by_page_without_any_other_request(measure: Measure) -> None:
    (found,) = measure("memory")
    assert found["requests"] == {"GET batch-sessions": 2 * 3}, "the list is read twice"
    assert found["peak_bytes"] > 10 * 2**20


def test_a_command_that_fails_is_not_measured(tmp_path: Path) -> None:
    project = Project(tmp_path, "ours", "http://127.0.0.1:1")
    with pytest.raises(CommandFailed, match="Missing required configuration variable 'bench:batches'"):
        project.up()
