"""Records the states that this release makes, for the releases to come. Needs a Pulumi CLI and a package index:

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
sys.path.insert(0, str(Path(__file__).parents[1] / "packaging"))

from archives import PACKAGE, ROOT, archives
from clean_environments import PLUGIN, CleanEnvironment, clean_environment, empty_machine
from stages import EngineStage
from stages.base import find_resource
from upgrades.old_states import BASE_URL, BINDINGS, KEY, NAMES, RECORDED, RELEASES, Recording, placeholder, start

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.simulator import Simulator

# Reports in a message, which no state has, which package the program has imported.
PROBE = f"import pulumi, {PACKAGE}\npulumi.info({PACKAGE}.__version__ + ' ' + {PACKAGE}.__file__)\n"


def recorded(recording: Recording, stage: EngineStage, environment: CleanEnvironment) -> str:
    """The state that the recording's program has on the real engine, made by the package of the environment."""
    with Simulator({KEY: "team"}) as sim:
        stage.env = empty_machine(environment.bin)
        assert shutil.which(PLUGIN, path=stage.env["PATH"]) == str(environment.bin / PLUGIN)
        stage.env.update(ANCHORBROWSER_API_KEY=KEY, ANCHORBROWSER_POLL_INTERVAL="0.1")
        stage.write_program(PROBE + recording.program)
        stage.config(**{"anchorbrowser:baseUrl": sim.url, "adopted": start(sim, 2), "starting": "true"})
        sim.clear_requests()
        live(stage, sim, f"{__version__} {environment.packages / PACKAGE / '__init__.py'}")
        assert {request.user_agent for request in sim.requests} == {f"pulumi-anchorbrowser/{__version__}"}
    deployment = without_places(stage.export(show_secrets=True))
    text = json.dumps(deployment, indent=2).replace(sim.url, BASE_URL) + "\n"
    for name in NAMES:
        text = text.replace(find_resource(deployment, name)["id"], placeholder(name))
    for place in (stage.project_dir.parent, environment.folder, ROOT, f"{Path.home()}/"):
        assert str(place) not in text, "the state names a folder of this machine"
    return text


def live(stage: EngineStage, sim: Simulator, package: str) -> None:
    """Run the program until every resource is as its state is to have it, each time with this package."""
    assert package in stage.up().messages("info")
    # The one that is cancelled is cancelled in the middle of its creation.
    cancelled = sim.batches[find_resource(stage.export(), "cancelled")["id"]]
    cancelled.plan = replace(cancelled.plan, creation_seconds=1000.0)
    sim.advance(650)
    stage.config(starting=None)
    assert package in stage.up().messages("info")
    stage.refresh()
    assert package in stage.up().messages("info")


def without_places(deployment: dict[str, Any]) -> dict[str, Any]:
    """The deployment without where in which files of this machine its resources were made."""
    for resource in deployment["deployment"]["resources"]:
        for name in ("sourcePosition", "stackTrace"):
            resource.pop(name, None)
    return deployment


def main() -> None:
    """Record, and write all at once."""
    folder = RECORDED / __version__
    if any(folder.glob("*.json")):
        sys.exit(f"The states of {__version__} are recorded already; what a release has recorded never changes.")
    if not folder.exists():
        before = max(RELEASES, key=lambda old: [int(number) for number in old.split(".")])
        folder.mkdir()
        shutil.copy(RECORDED / before / "__main__.py", folder)
    recordings = [Recording(__version__, binding) for binding in BINDINGS]
    with tempfile.TemporaryDirectory() as place:
        environment = clean_environment("base", archives(Path(place) / "dist").wheel)
        stages = [EngineStage(Path(place) / recording.binding) for recording in recordings]
        texts = [recorded(*each, environment) for each in zip(recordings, stages, strict=True)]
    for recording, text in zip(recordings, texts, strict=True):
        recording.file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{recording}: recorded with {PACKAGE} {__version__}, installed from its wheel\n")


if __name__ == "__main__":
    main()
