"""States that earlier releases have recorded, with batches of a running simulator filled in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import httpx
from stages import EngineStage, RehearsalStage
from stages.base import SIGNATURE
from stages.native import PLUGIN_TYPE

from pulumi_anchorbrowser.rehearsal import ResourceState
from pulumi_anchorbrowser.simulator import Simulator

RECORDED = Path(__file__).parent / "recorded"
Binding = Literal["dynamic", "native"]
BINDINGS: tuple[Binding, ...] = get_args(Binding)
TYPES: dict[Binding, str] = {"dynamic": "pulumi-python:dynamic/anchorbrowser:", "native": PLUGIN_TYPE}
KEY = "key-of-the-recorded-state"
BATCHES = "/v1/batch-sessions"
BASE_URL = "@base_url@"
NAMES = ("active", "cancelled", "deleted", "adopted")


def placeholder(name: str) -> str:
    """What stands in a recorded state where the id of this batch was."""
    return f"@{name}@"


@dataclass(frozen=True)
class Recording:
    """What a release has recorded of one binding."""

    release: str
    binding: Binding

    def __str__(self) -> str:
        return f"{self.release}-{self.binding}"

    @property
    def file(self) -> Path:
        """Where it is."""
        return RECORDED / self.release / f"{self.binding}.json"

    @property
    def text(self) -> str:
        """The state as it was recorded, with its placeholders."""
        return self.file.read_text(encoding="utf-8")

    @property
    def program(self) -> str:
        """The release's program; over the plugin it imports the same names from another module."""
        source = (RECORDED / self.release / "__main__.py").read_text(encoding="utf-8")
        dynamic, native = (f"\nfrom pulumi_anchorbrowser{module} import " for module in ("", ".native"))
        assert source.count(dynamic) == 1
        return source if self.binding == "dynamic" else source.replace(dynamic, native)


RELEASES = sorted(folder.name for folder in RECORDED.iterdir() if (folder / "__main__.py").exists())
RECORDINGS = [Recording(release, binding) for release in RELEASES for binding in BINDINGS]


@dataclass
class OldState:
    """A recorded state whose batches are in a simulator: the ids by name, and the deployment."""

    recording: Recording
    batches: dict[str, str]
    deployment: dict[str, Any]

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Its resources, without the stack and the provider's own."""
        return resources_of(self.deployment, self.recording.binding)


def resources_of(deployment: dict[str, Any], binding: Binding) -> list[dict[str, Any]]:
    """The resources of this binding in a deployment."""
    return [one for one in deployment["deployment"]["resources"] if one["type"].startswith(TYPES[binding])]


def fill_in(recording: Recording, sim: Simulator) -> OldState:
    """The recorded state, of batches that are made for it now, and brought to where it has them."""
    sim.settings.creation_seconds = 0
    counts = {"active": 3, "cancelled": 4, "deleted": 2, "adopted": 2}
    batches: dict[str, str] = {}
    for name, count in counts.items():
        sim.settings.creation_seconds = 1000 if name == "cancelled" else 0
        batches[name] = start(sim, count)
    sim.cancel(batches["cancelled"])
    sim.delete(batches["deleted"])
    sim.clear_requests()
    text = recording.text.replace(BASE_URL, sim.url)
    for name, batch_id in batches.items():
        text = text.replace(placeholder(name), batch_id)
    return OldState(recording, batches, json.loads(text))


def start(sim: Simulator, count: int) -> str:
    """A batch that somebody has started."""
    answer = httpx.post(sim.url + BATCHES, headers={"anchor-api-key": KEY}, json={"count": count}, trust_env=False)
    return str(answer.raise_for_status().json()["data"]["batch_id"])


def load(stage: EngineStage | RehearsalStage, old: OldState, sim: Simulator) -> None:
    """Makes the old state that of a fresh stack, with the program and the config that go with it."""
    stage.env["ANCHORBROWSER_API_KEY"] = KEY
    stage.write_program(old.recording.program)
    stage.config(**{"anchorbrowser:baseUrl": sim.url, "adopted": old.batches["adopted"]})
    if isinstance(stage, EngineStage):
        file = stage.project_dir.parent / "deployment.json"
        file.write_text(json.dumps(old.deployment), encoding="utf-8")
        stage.run("stack", "import", "--file", str(file))
        return
    state = stage.rehearsal.state
    state.config = dict(stage.rehearsal.config)
    for resource in old.resources:
        state.resources[resource["urn"]] = _loaded(resource)


def _loaded(resource: dict[str, Any]) -> ResourceState:
    inputs, outputs = resource["inputs"], resource["outputs"]
    named = {*resource.get("additionalSecretOutputs", ())}
    return ResourceState(
        urn=resource["urn"],
        type=resource["type"],
        id=resource["id"],
        inputs=_shown(inputs),
        outputs=_shown(outputs),
        parent=resource.get("parent", ""),
        dependencies=tuple(resource.get("dependencies", ())),
        secret_inputs=frozenset(name for name, value in inputs.items() if SIGNATURE in json.dumps(value)),
        secret_outputs=frozenset(
            {name for name, value in outputs.items() if SIGNATURE in json.dumps(value)} | (named & outputs.keys())
        ),
    )


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        if SIGNATURE in value:
            return _shown(json.loads(value["plaintext"]))
        return {name: _shown(item) for name, item in value.items()}
    return value
