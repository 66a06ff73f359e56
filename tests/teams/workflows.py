"""The shell steps of a GitHub workflow, run as a runner does: on a checkout of its own that is thrown away."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from stages.cli import Command, is_foreign

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path("examples/environment-per-pull-request")
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass
class Job:
    """What became of the steps: their exit codes, what they printed, and the files that GitHub reads."""

    codes: dict[str, int] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    output: str = ""


class Runner:
    """A fresh machine with a checkout. `values` are what GitHub puts for `${{ ... }}`, and says of an `if`."""

    def __init__(self, folder: Path, values: Mapping[str, Any], settings: Mapping[str, str]) -> None:
        self.folder, self.checkout = folder, folder / "checkout"
        self._values = {**values, "github.workspace": str(self.checkout), "always()": True}
        self._settings = settings
        shutil.copytree(ROOT / PROJECT, self.checkout / PROJECT)
        # What `make setup` would have made.
        (self.checkout / ".venv").symlink_to(sys.prefix, target_is_directory=True)

    def run(self, workflow: Mapping[str, Any], job: str, *, only: str | None = None) -> Job:
        """Runs the steps of a job that are shell scripts, but the installation; with `only`, one of them."""
        done = Job()
        env = self.environment(workflow, job)
        for step in shell_steps(workflow, job):
            if step["name"] == "Install" or only not in {None, step["name"]} or not self._is_due(step, done):
                continue
            # GitHub's own two ways to start bash: with `shell: bash` a pipe fails where any part of it does.
            options = ["-eo", "pipefail"] if step.get("shell") == "bash" else ["-e"]
            ended = bash(step["run"], self.folder_of(workflow, job), env, options)
            done.codes[step["name"]] = ended.returncode
            done.log += ended.stdout
        done.summary, done.output = (self._file(name).read_text(encoding="utf-8") for name in ("summary", "output"))
        return done

    def start_up(self, workflow: Mapping[str, Any], job: str) -> Command:
        """Starts the `up` of the job, which is going to be killed."""
        env = self.environment(workflow, job)
        args = ["up", "--yes", "--skip-preview", "--stack", env["STACK"]]
        return Command(args, cwd=self.folder_of(workflow, job), env=env, output=self.folder / "up.txt")

    def folder_of(self, workflow: Mapping[str, Any], job: str) -> Path:
        """Where the scripts of the job run."""
        run = workflow["jobs"][job].get("defaults", {}).get("run", {})
        return self.checkout / run.get("working-directory", ".")

    def environment(self, workflow: Mapping[str, Any], job: str) -> dict[str, str]:
        """What a script of the job sees, and none of this machine's settings."""
        kept = {name: value for name, value in os.environ.items() if not is_foreign(name)}
        own = {**workflow.get("env", {}), **workflow["jobs"][job].get("env", {})}
        files = {f"GITHUB_{name}": str(self._file(name.lower())) for name in ("STEP_SUMMARY", "OUTPUT")}
        return {
            **kept,
            **{name: self._filled_in(value) for name, value in own.items()},
            **self._settings,
            **files,
            "HOME": str(self.folder),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }

    def throw_away(self) -> None:
        """The runner and its disk are gone, and the receipts with them."""
        shutil.rmtree(self.folder)

    def _is_due(self, step: Mapping[str, Any], done: Job) -> bool:
        condition = step.get("if")
        has_failed = any(done.codes.values())
        return (
            bool(self._values[condition])
            if condition and (not has_failed or condition == "always()")
            else not has_failed
        )

    def _filled_in(self, value: str) -> str:
        return _EXPRESSION.sub(lambda found: str(self._values[found[1]]), value)

    def _file(self, name: str) -> Path:
        path = self.folder / name.replace("step_", "")
        path.touch()
        return path


def bash(
    script: str, folder: Path, env: Mapping[str, str], options: Sequence[str] = ("-e",)
) -> subprocess.CompletedProcess[str]:
    """What a runner makes of a script: its exit code, and everything it printed, in `stdout`."""
    return subprocess.run(
        ["bash", *options, "-c", script],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=170,
    )


def load(path: str) -> dict[str, Any]:
    """A workflow of the examples."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "examples" / path).read_text(encoding="utf-8"))
    return loaded


def shell_steps(workflow: Mapping[str, Any], job: str) -> list[dict[str, Any]]:
    """The steps of a job that are scripts."""
    return [step for step in workflow["jobs"][job]["steps"] if "run" in step]
