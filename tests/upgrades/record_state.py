"""Records the state of this release for the releases to come. Needs a Pulumi CLI:

    .venv/bin/python tests/upgrades/record_state.py

See recorded/README.md.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from stages import EngineStage
from upgrades.old_states import BASE_URL, KEY, NAMES, RECORDED, placeholder, start

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.simulator import Simulator


def record(folder: Path) -> None:
    """Runs the folder's program on the real engine until everything is as its state is to have it, and writes that."""
    with Simulator({KEY: "team"}) as sim, tempfile.TemporaryDirectory() as elsewhere:
        stage = EngineStage(Path(elsewhere) / "stage")
        stage.env.update(ANCHORBROWSER_API_KEY=KEY, ANCHORBROWSER_POLL_INTERVAL="0.1")
        stage.write_program((folder / "__main__.py").read_text(encoding="utf-8"))
        adopted = start(sim, 2)
        stage.config(**{"anchorbrowser:baseUrl": sim.url, "adopted": adopted, "starting": "true"})
        stage.up()
        # The one that is cancelled is cancelled in the middle of its creation.
        cancelled = sim.batches[stage.resource_outputs("cancelled")["batch_id"]]
        cancelled.plan = replace(cancelled.plan, creation_seconds=1000.0)
        sim.advance(650)
        stage.config(starting=None)
        stage.up()
        stage.refresh()
        stage.up()
        text = json.dumps(without_places(stage.export(show_secrets=True)), indent=2)
        for name in NAMES:
            text = text.replace(str(stage.resource_outputs(name)["batch_id"]), placeholder(name))
        (folder / "deployment.json").write_text(text.replace(sim.url, BASE_URL) + "\n", encoding="utf-8")
        stage.close()


def without_places(deployment: dict[str, Any]) -> dict[str, Any]:
    """The deployment without where in which files of this machine its resources were made."""
    for resource in deployment["deployment"]["resources"]:
        for name in ("sourcePosition", "stackTrace"):
            resource.pop(name, None)
    return deployment


def main() -> None:
    folder = RECORDED / __version__
    if (folder / "deployment.json").exists():
        sys.exit(f"The state of {__version__} is recorded already; what a release has recorded never changes.")
    if not folder.exists():
        before = max(RECORDED.iterdir(), key=lambda old: [int(number) for number in old.name.split(".")])
        shutil.copytree(before, folder, ignore=shutil.ignore_patterns("deployment.json"))
    record(folder)


if __name__ == "__main__":
    main()
