"""The engine's own cost: what a batch adds to the state, and which of the engine's settings help."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from bench.api import Api
from bench.cells import Cell, Size
from bench.engine import Project
from bench.measure import measured, must_be_done
from bench.sections.life import ENGINE_ALONE, NATIVE, OURS, PLAIN
from pulumi_anchorbrowser.simulator import SimulatorSettings

SETTINGS: dict[str, dict[str, str]] = {
    "default": {},
    "gzip": {"PULUMI_DIY_BACKEND_GZIP": "true"},
    "no checkpoints": {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"},
}
LATENCY_MS = 50
_IS_A_BATCH = "::batch-"


def state_cells(size: Size) -> list[Cell]:
    """The weight of a state by contender, and the time by setting."""
    weights = [
        Cell("weight", {"contender": contender}, 1, partial(_weigh, contender, size))
        for contender in (OURS, NATIVE, PLAIN, ENGINE_ALONE)
    ]
    most = max((repeats for _, repeats in size.states), default=0)
    times = [
        Cell("state", {"setting": setting, "batches": batches}, repeat, partial(_time, setting, batches, size.sessions))
        for repeat in range(1, most + 1)
        for batches, repeats in size.states
        if repeat <= repeats
        for setting in SETTINGS
    ]
    return weights + times


def _weigh(contender: str, size: Size, api: Api, folder: Path) -> dict[str, Any]:
    project = Project(folder, contender, api.start(SimulatorSettings()))
    project.up(batches=size.weighed, sessions=size.sessions)
    resources = json.loads(project.state())["deployment"]["resources"]
    batches = [resource for resource in resources if _IS_A_BATCH in resource["urn"]]
    parts: Counter[str] = Counter()
    for batch in batches:
        parts.update(_parts(batch))
    return {
        "bytes_per_batch": sum(map(_weight, batches)) / len(batches),
        "parts": {name: weight / len(batches) for name, weight in parts.most_common()},
    }


def _time(setting: str, batches: int, sessions: int, api: Api, folder: Path) -> dict[str, Any]:
    url = api.start(SimulatorSettings(latency_seconds=LATENCY_MS / 1000, creation_seconds=60))
    project = Project(folder, OURS, url, SETTINGS[setting])
    up, log = measured(api, lambda: project.up(batches=batches, sessions=sessions))
    must_be_done(log, "POST batch-sessions", batches)
    destroy, log = measured(api, project.destroy)
    must_be_done(log, "DELETE batch-sessions/{id}", batches)
    return {"up": up, "destroy": destroy}


def _parts(resource: dict[str, Any]) -> dict[str, int]:
    """The bytes of each property, as input and as output together; and of everything else."""
    found: Counter[str] = Counter()
    for side in ("inputs", "outputs"):
        for name, value in resource.get(side, {}).items():
            found[name] += _weight({name: value})
    found["(the engine's own)"] = _weight(resource) - sum(found.values())
    return dict(found)


def _weight(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))
