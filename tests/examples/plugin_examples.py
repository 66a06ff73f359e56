"""The examples over the native plugin, put on the engine as they are in the repository."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from examples_support import API_KEY, ROOT
from stages import EngineStage

from pulumi_anchorbrowser.simulator import Simulator

PLUGIN = "provider/plugin"
# How pip and npm word it where they cannot reach an index.
_UNREACHABLE = ("connection broken", "from versions: none", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT")


def put(stage: EngineStage, folder: str, simulator: Simulator) -> str:
    """Copy the example into the stage's project. Return the name of its project."""
    for host in hosts_of(folder):
        if shutil.which(host) is None:
            pytest.skip(f"{host} is not on PATH")
    shutil.rmtree(stage.project_dir)
    ignored = shutil.ignore_patterns("node_modules", "sdks", "Pulumi.*.yaml", "package-lock.json")
    shutil.copytree(ROOT / folder, stage.project_dir, ignore=ignored)
    stage.config(**{"anchorbrowser:baseUrl": simulator.url, "anchorbrowser:pollInterval": "0.1"})
    stage.set_secret("anchorbrowser:apiKey", API_KEY)
    return str(_project(ROOT / folder)["name"])


def hosts_of(folder: str) -> list[str]:
    """Return the programs that the example's language needs."""
    runtime = _project(ROOT / folder)["runtime"]
    return [f"pulumi-language-{runtime}", *(["node", "npm"] if runtime == "nodejs" else [])]


def copy_plugin(target: Path) -> None:
    """Copy the plugin's folder, whose requirement stays this checkout."""
    target.mkdir(parents=True)
    for name in ("PulumiPlugin.yaml", "__main__.py"):
        shutil.copy(ROOT / PLUGIN / name, target)
    requirement = (ROOT / PLUGIN / "requirements.txt").read_text(encoding="utf-8")
    (target / "requirements.txt").write_text(requirement.replace("../..", str(ROOT)), encoding="utf-8")


def run_with_an_index(stage: EngineStage, *args: str) -> str:
    """Run a command that installs something; skip the test where no package index can be reached."""
    try:
        return stage.run(*args, seconds=500)
    except AssertionError as error:
        if any(sign in str(error) for sign in _UNREACHABLE):
            pytest.skip(f"no package index can be reached, which `pulumi {args[0]}` needs")
        raise


def printed_program(text: str, beginning: str) -> str:
    """Return the code that `pulumi import` prints, from the line that begins so."""
    found = re.search(rf"^{re.escape(beginning)}.*", text, re.MULTILINE | re.DOTALL)
    assert found is not None, text
    return found[0]


def _project(folder: Path) -> dict[str, str]:
    project: dict[str, str] = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    return project
