"""Batches that are created slowly, each of which is waited for."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

from bench.api import Api
from bench.cells import Cell, Size
from bench.engine import Project
from bench.measure import kind_of, measured, must_be_done
from pulumi_anchorbrowser.simulator import LoggedRequest, SimulatorSettings

LATENCY_MS = 50


def waiting_cells(size: Size) -> list[Cell]:
    """Return cells for some numbers of batches, which show what grows with the number."""
    most = max((repeats for _, repeats in size.waits), default=0)
    return [
        Cell("waiting", {"batches": batches}, repeat, partial(_wait, batches, size))
        for repeat in range(1, most + 1)
        for batches, repeats in size.waits
        if repeat <= repeats
    ]


def _wait(batches: int, size: Size, api: Api, folder: Path) -> dict[str, Any]:
    url = api.start(SimulatorSettings(latency_seconds=LATENCY_MS / 1000, creation_seconds=size.creation_seconds))
    env = {"ANCHORBROWSER_POLL_INTERVAL": str(size.poll_seconds)}
    project = Project(folder, "waiting", url, env)
    began = api.now()
    found, log = measured(api, lambda: project.up(batches=batches, sessions=size.sessions))
    must_be_done(log, "POST batch-sessions", batches)
    ready = _last_ready(log, size.creation_seconds)
    return {
        **found,
        "looks": 1 + math.ceil(size.creation_seconds / size.poll_seconds),
        "pause": size.poll_seconds,
        "call_after_ready": max(_ends(log, "GET")) - ready,
        "end_after_ready": began + found["seconds"] - ready,
        "polling_requests": sum(kind_of(request).startswith("GET batch-sessions") for request in log),
    }


def _last_ready(log: list[LoggedRequest], creation_seconds: float) -> float:
    return max(_ends(log, "POST")) + creation_seconds


def _ends(log: list[LoggedRequest], method: str) -> list[float]:
    return [one.finished_at for one in log if one.method == method and one.finished_at is not None]
