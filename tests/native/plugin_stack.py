"""A stack of a YAML program over the native plugin, on the real engine, against one simulator."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crashes.killed_runs import KillableStage
from scenarios.one_stack import KEY
from stages import Command, EngineStage, StageResult
from stages.base import PROJECT, judged
from stages.cli import clean_environment
from stages.events import read_events
from trail.machines import Wanderer

from pulumi_anchorbrowser.simulator import Simulator

NO_YAML = "no pulumi-language-yaml on PATH"
PLUGIN = b"pulumi-resource-anchorbrowser"
OURS = ("anchorbrowser:index:", "pulumi-python:dynamic/anchorbrowser:")
STACK = "::pulumi:pulumi:Stack::"
# How the engine begins the error of a create that left something in the state.
OF_A_HALF_CREATE = "1 error occurred:\n\t* "
ENGINES_OWN = ("update failed", "preview failed", "refresh failed")


def yaml_is_here() -> bool:
    """Whether the language host of YAML programs can be found."""
    return shutil.which("pulumi-language-yaml") is not None


class PluginStage(KillableStage):
    """The engine's stage with a YAML program, which finds the plugin beside the Python of the tests."""

    def outputs(self) -> dict[str, Any]:
        """`pulumi stack output --json --show-secrets`."""
        return EngineStage.outputs(self)

    def write_yaml(self, **parts: Any) -> None:
        """Replace the program: `resources`, `outputs`, `config`, as Pulumi's YAML has them."""
        plugins = {"providers": [{"name": "anchorbrowser", "path": str(Path(sys.executable).parent)}]}
        project = {"name": PROJECT, "runtime": "yaml", "plugins": plugins, **parts}
        (self.project_dir / "Pulumi.yaml").write_text(json.dumps(project, indent=2), encoding="utf-8")

    def write_python(self, source: str) -> None:
        """Replace the program with one in Python."""
        self.write_yaml(runtime="python")
        (self.project_dir / "__main__.py").write_text(source, encoding="utf-8")

    def import_(self, name: str, batch_id: str, *, kind: str = "Batch", expect_failure: bool = False) -> StageResult:
        """`pulumi import`, as the docs say it."""
        flags = [f"anchorbrowser:index:{kind}", name, batch_id, "--yes", "--skip-preview", "--protect=false"]
        command = self._start("import", flags)
        result = self._result(command, failed=command.wait() != 0)
        return judged(result, "pulumi import", expect_failure=expect_failure)

    def up_with_preview(self) -> StageResult:
        """`pulumi up --yes`, which previews first."""
        command = self._start("up", ["--yes"])
        return judged(self._result(command, failed=command.wait() != 0), "pulumi up", expect_failure=False)

    def hosts(self) -> list[int]:
        """The plugins of the latest command that run."""
        return plugins_of(self._commands[-1])

    def detailed_diff(self, name: str) -> dict[str, str]:
        """What the latest command planned for a resource: the kind of the difference at each path."""
        events = read_events(self._folder / f"{len(self._commands) - 1}.events")
        planned = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
        found = [one["detailedDiff"] for one in planned if one["urn"].endswith(f"::{name}") and one.get("detailedDiff")]
        return {path: difference["diffKind"] for path, difference in found[0].items()} if found else {}

    def printed(self) -> list[Path]:
        """What every command printed, and the engine's events."""
        return [*self._folder.glob("*.txt"), *self._folder.glob("*.events")]


class PluginStack(Wanderer):
    """The words of the scenarios and of the kills, over a YAML program: `up({"browsers": {"count": 3}})`.

    Of a resource's properties `kind` is its type, `options` are Pulumi's own, "@name" is the batchId of another one.
    """

    stage: PluginStage

    def __init__(self, stage: PluginStage, sim: Simulator, receipts: Path) -> None:
        super().__init__(stage, sim, receipts)
        self.outputs: dict[str, str] = {}

    def wants(self, resources: dict[str, dict[str, Any]]) -> None:
        """What the program makes from now on."""
        made = {name: _in_yaml(dict(args)) for name, args in resources.items()}
        self.stage.write_yaml(resources=made, outputs=self.outputs)

    def previews(self) -> StageResult:
        """`pulumi preview`."""
        return self.run(self.stage.preview)

    def fails(self, command: Callable[..., StageResult], **options: Any) -> str:
        """The one error of a command that fails, in one line."""
        return one_error(self.run(command, expect_failure=True, **options))

    def names(self) -> set[str]:
        """The names of our resources in the state."""
        resources = self.stage.export()["deployment"].get("resources") or []
        return {one["urn"].split("::")[-1] for one in resources if one["type"].startswith(OURS)}

    def state_of(self, name: str) -> dict[str, Any]:
        """The one resource of this name as the state has it, secrets encrypted."""
        [found] = [one for one in self._resources() if one["urn"].split("::")[-1] == name]
        return found

    def command(self, *args: str) -> str:
        """What a command of the command line prints, in the folder of the project."""
        env = clean_environment(self.stage.home, self.stage.backend) | self.stage.env
        program = str(Path(sys.executable).with_name("pulumi-anchorbrowser"))
        done = subprocess.run(
            [program, *args], cwd=self.stage.project_dir, env=env, capture_output=True, text=True, timeout=100
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _resources(self) -> list[dict[str, Any]]:
        resources = self.stage.export()["deployment"].get("resources") or []
        return [one for one in resources if one["type"].startswith(OURS) and one["type"].endswith(":Batch")]


def one_error(result: StageResult) -> str:
    """The one error beside the engine's own words that the command failed; it is one line."""
    errors = [line for line in result.diagnostics if line.severity == "error" and STACK not in line.urn]
    ours = {line.message for line in errors if not line.message.startswith(ENGINES_OWN)}
    assert len(ours) == 1, (errors, result.text)
    error = ours.pop().removeprefix(OF_A_HALF_CREATE)
    assert "\n" not in error.strip(), error
    assert "Traceback" not in result.text
    return error


def plugins_of(command: Command) -> list[int]:
    """The plugins of a command that run."""
    return [pid for pid in command.pids() if PLUGIN in _command_line(pid)]


def end_plugins(command: Command, number: int = signal.SIGTERM) -> None:
    """Send a signal to the plugins of a command, and to nothing else of it."""
    for pid in plugins_of(command):
        os.kill(pid, number)


def key_of(stage: EngineStage, key: str = KEY) -> None:
    """Have the key come from the stack's config alone, as a secret."""
    stage.env.pop("ANCHORBROWSER_API_KEY", None)
    stage.set_secret("anchorbrowser:apiKey", key)


def _in_yaml(args: dict[str, Any]) -> dict[str, Any]:
    kind, options = args.pop("kind", "Batch"), args.pop("options", {})
    kind = kind if ":" in kind else f"anchorbrowser:{kind}"
    return {"type": kind, "properties": {key: _value(one) for key, one in args.items()}, "options": options}


def _value(given: Any) -> Any:
    return f"${{{given[1:]}.batchId}}" if isinstance(given, str) and given.startswith("@") else given


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
