"""Up, refresh, cancel and destroy of N batches: ours, the plugin, a plain provider, a script, the engine alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.api import Api
from bench.cells import Cell, Life, Size
from bench.engine import Project
from bench.measure import Measured, NotDone, measured, must_be_done
from bench.process import Ran, run
from pulumi_anchorbrowser.simulator import LoggedRequest, SimulatorSettings

AN_HOUR = 3600.0
ENGINE_ALONE, SCRIPT, OURS, NATIVE, PLAIN = "idle", "script", "ours", "native", "plain"
_ROOT = Path(__file__).parents[2]
# What each step has to have done to each batch, for whoever calls the API at all.
_DONE = {"up": "POST batch-sessions", "cancel": "PATCH batch-sessions/{id}", "destroy": "DELETE batch-sessions/{id}"}
Steps = dict[str, Callable[[], Ran]]


def life_cells(size: Size) -> list[Cell]:
    """One life in each cell; the contenders take turns."""
    most = max((life.repeats for life in size.lives), default=0)
    return [
        Cell("life", _labels(life), repeat, partial(_live, life, size.sessions))
        for repeat in range(1, most + 1)
        for life in size.lives
        if repeat <= life.repeats
    ]


def script_steps(folder: Path, project: Project, batches: int, sessions: int) -> Steps:
    """The steps of the script, in the environment of a project."""

    def step(name: str, *options: str) -> Ran:
        command = [sys.executable, "-m", "bench.script", name, "--ids", str(folder / "ids.json"), *options]
        return run(command, cwd=_ROOT, env=project.env)

    steps: Steps = {name: partial(step, name) for name in ("refresh", "cancel", "destroy", "cleanup")}
    return {"up": partial(step, "up", "--count", str(batches), "--sessions", str(sessions)), **steps}


def _live(life: Life, sessions: int, api: Api, folder: Path) -> dict[str, Measured]:
    # Creation takes an hour, so that a cancel is one PATCH of a batch half of whose browsers run.
    latency = life.latency_ms / 1000
    url = api.start(SimulatorSettings(latency_seconds=latency, creation_seconds=AN_HOUR, minute_seconds=AN_HOUR))
    found: dict[str, Measured] = {}
    for name, step in _steps(life, sessions, folder, url).items():
        if name == "cancel":
            api.advance(AN_HOUR / 2)
        found[name], log = measured(api, step)
        _check(life, name, log)
    if api.live_sessions():
        raise NotDone(f"{life}: {api.live_sessions()} browsers are left")
    return found


def _steps(life: Life, sessions: int, folder: Path, url: str) -> Steps:
    if life.contender == SCRIPT:
        steps = script_steps(folder, Project(folder, OURS, url), life.batches, sessions)
        del steps["cleanup"]
        return steps
    project = Project(folder, life.contender, url)
    return {
        "up": lambda: project.up(batches=life.batches, sessions=sessions),
        "refresh": project.refresh,
        "cancel": lambda: project.up(status="cancelled"),
        "destroy": project.destroy,
    }


def _check(life: Life, step: str, log: Sequence[LoggedRequest]) -> None:
    if life.contender == ENGINE_ALONE:
        if log:
            raise NotDone(f"{life}: the engine alone is to call nothing")
    elif step in _DONE:
        must_be_done(log, _DONE[step], life.batches)


def _labels(life: Life) -> dict[str, str | int]:
    return {"contender": life.contender, "batches": life.batches, "latency_ms": life.latency_ms}
