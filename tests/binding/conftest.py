"""The binding's functions on a simulator, with a state in a file: no engine, and nothing of Pulumi."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pulumi_anchorbrowser.binding import batch
from pulumi_anchorbrowser.binding.services import Services
from pulumi_anchorbrowser.binding.settings import Settings
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-team-a"
OWNER = "acme/shop/dev"
TYPE = "pulumi-python:dynamic/anchorbrowser:Batch"
THIS_RUN, EARLIER_RUN = "11111", "22222"


def urn_of(name: str, stack: str = "dev") -> str:
    return f"urn:pulumi:{stack}::shop::{TYPE}::{name}"


@dataclass
class Said:
    """What was reported."""

    infos: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, text: str) -> None:
        """Not kept."""


@dataclass
class Machine:
    """A machine with receipts and a state; `run` begins a run of the engine on it."""

    sim: Simulator
    folder: Path
    said: Said = field(default_factory=Said)
    pending: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    open: list[Services] = field(default_factory=list)

    def run(self, mark: str = THIS_RUN, **settings: Any) -> Services:
        """The services of a run that finds the state as it is now."""
        entries = [
            {"type": "creating", "resource": {"urn": urn, "type": TYPE, "inputs": inputs}}
            for urn, inputs in self.pending
        ]
        document = {"deployment": {"resources": [], "pending_operations": entries}}
        self.state.write_text(json.dumps(document), encoding="utf-8")
        place = self.folder / "receipts.sqlite3"
        chosen = {"settle_timeout": 0.2, "max_retries": 0, "receipts": place, **settings}
        services = Services(Settings(KEY, None, self.sim.url, **chosen), self.said, mark)
        self.open.append(services)
        return services

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    def create(self, services: Services, name: str = "crawl", *, stack: str = "dev", **inputs: Any) -> dict[str, Any]:
        """Check and create a batch, as an engine does. Returns its outputs."""
        urn = urn_of(name, stack)
        checked = batch.check(services, {}, {"count": 2, **inputs}, urn=urn, owner=OWNER, is_unknown=lambda _: False)
        assert checked.problems == []
        return batch.create(services, checked.inputs, urn=urn, notices=self.said)[1]

    def delete(self, services: Services, outputs: dict[str, Any], name: str = "crawl") -> None:
        batch.delete(services, outputs, urn=urn_of(name), notices=self.said)

    def live(self) -> set[str]:
        """The ids of the batches of which a session runs."""
        return {session.batch_id for session in self.sim.live_sessions()}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine, and an API that creates sessions at once."""
    with Simulator({KEY: "team-a"}) as sim:
        made = Machine(sim, tmp_path)
        monkeypatch.setenv("ANCHORBROWSER_STATE_FILE", str(made.state))
        yield made
        for services in made.open:
            services.close()
