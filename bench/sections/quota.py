"""Two provider hosts under one creation quota, a minute scaled down to seconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench.api import Api
from bench.cells import Cell, Size
from bench.engine import Project
from bench.measure import measured, must_be_done, span
from bench.process import Ran
from pulumi_anchorbrowser.simulator import SimulatorSettings

HOSTS = 2
LATENCY_MS = 50


def quota_cells(size: Size) -> list[Cell]:
    """Two stacks at once."""
    labels = {"batches": HOSTS * size.quota[0]}
    return [Cell("quota", labels, repeat, partial(_share, size)) for repeat in range(1, size.repeats + 1)]


def _share(size: Size, api: Api, folder: Path) -> dict[str, Any]:
    batches, allowed, window = size.quota
    url = api.start(
        SimulatorSettings(
            latency_seconds=LATENCY_MS / 1000,
            creation_seconds=60,
            creation_quota=allowed,
            creation_quota_seconds=window,
        )
    )
    projects = [Project(folder / str(number), "ours", url) for number in range(HOSTS)]

    def up(project: Project) -> Ran:
        return project.up(batches=batches, sessions=size.sessions)

    def up_of_all() -> Ran:
        with ThreadPoolExecutor(HOSTS) as pool:
            return max(pool.map(up, projects), key=lambda ran: ran.seconds)

    found, log = measured(api, up_of_all)
    must_be_done(log, "POST batch-sessions", HOSTS * batches)
    full_windows = -(-HOSTS * batches // allowed) - 1
    return {**found, "creating": span([one for one in log if one.method == "POST"]), "quota": full_windows * window}
