"""A cleanup of many batches that no stack knows: the command, the resource, and a script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.api import Api
from bench.cells import Cell, Size
from bench.engine import Project
from bench.measure import measured, must_be_done
from bench.process import Ran, run
from bench.sections.life import SCRIPT, script_steps
from pulumi_anchorbrowser.simulator import SimulatorSettings

SWEEP, RESOURCE = "sweep", "resource"
LATENCY_MS = 50


def cleanup_cells(size: Size) -> list[Cell]:
    """The same batches for each; they take turns."""
    return [
        Cell("cleanup", {"contender": name, "batches": size.cleaned}, repeat, partial(_clean, name, size.cleaned))
        for repeat in range(1, size.repeats + 1)
        for name in (SWEEP, RESOURCE, SCRIPT)
    ]


def _clean(contender: str, batches: int, api: Api, folder: Path) -> dict[str, Any]:
    project = Project(folder, "cleaning", api.start(SimulatorSettings()))
    script = script_steps(folder, project, batches, sessions=1)
    script["up"]()
    api.set_latency(LATENCY_MS / 1000)
    commands: dict[str, Callable[[], Ran]] = {
        SWEEP: lambda: _sweep(project, batches),
        RESOURCE: lambda: project.up(limit=batches),
        SCRIPT: script["cleanup"],
    }
    found, log = measured(api, commands[contender])
    must_be_done(log, "DELETE batch-sessions/{id}", batches)
    return found


def _sweep(project: Project, limit: int) -> Ran:
    command = ["pulumi-anchorbrowser", "sweep", "--owner", "any", "--tag", "bench", "--limit", str(limit), "--yes"]
    return run(command, cwd=project.folder, env=project.env)
