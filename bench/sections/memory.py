"""A cleanup that reads a long list of which nothing matches: whether its memory grows with the list."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from bench.api import Api
from bench.cells import Cell, Size
from bench.engine import Project
from bench.measure import measured
from bench.process import Ran, run
from pulumi_anchorbrowser.simulator import SimulatorSettings

# The API cannot filter by two statuses, so every page is read, and nothing on it matches.
_COMMAND = "pulumi-anchorbrowser sweep --owner any --status cancelled --status failed --dry-run"


def memory_cells(size: Size) -> list[Cell]:
    """Return cells for lists of some lengths."""
    return [Cell("memory", {"batches": batches}, 1, partial(_look_through, batches)) for batches in size.lists]


def _look_through(batches: int, api: Api, folder: Path) -> dict[str, Any]:
    project = Project(folder, "cleaning", api.start(SimulatorSettings()))
    api.fill(batches)

    def sweep() -> Ran:
        return run(_COMMAND.split(), cwd=project.folder, env=project.env)

    return measured(api, sweep)[0]
