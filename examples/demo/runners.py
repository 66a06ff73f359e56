"""Where the root program can run: on a real engine, or as a rehearsal. Both do the same steps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

from pulumi_anchorbrowser.rehearsal import Rehearsal, Result

COUNT = 60
MIN_READY = 3
API_KEY = "simulated-key"
STEP_SECONDS = 300


class Runner(Protocol):
    """Runs the program; `up` returns the stack's outputs."""

    name: str

    def up(self, status: str) -> dict[str, Any]: ...
    def destroy(self) -> None: ...
    def close(self) -> None: ...


def config(url: str) -> dict[str, str]:
    """The stack's config, but for the key."""
    # The simulator's browsers are quick, so it is asked more often than the real API would be.
    api = {"anchorbrowser:baseUrl": url, "anchorbrowser:pollInterval": "1"}
    return {**api, "count": str(COUNT), "minReady": str(MIN_READY)}


class Engine:
    """The Pulumi CLI, in a throwaway project with a state of its own; its output is shown as it comes."""

    def __init__(self, root: Path, folder: Path, url: str, command: str, version: str) -> None:
        self.name = f"Pulumi CLI {version}"
        self._command, self._folder = command, folder
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(root / name, folder)
        # Pulumi.yaml names .venv as the environment to run in: the one that runs this demo.
        (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
        (folder / "state").mkdir()
        self._env = _environment(folder, command)
        self._run("stack", "init", "demo", show=False)
        plain = [f"--plaintext={key}={value}" for key, value in config(url).items()]
        self._run("config", "set-all", *plain, f"--secret=anchorbrowser:apiKey={API_KEY}", show=False)

    def up(self, status: str) -> dict[str, Any]:
        self._run("config", "set", "status", status)
        self._run("up", "--yes", "--skip-preview", "--suppress-progress")
        outputs: dict[str, Any] = json.loads(self._run("stack", "output", "--json", show=False))
        return outputs

    def destroy(self) -> None:
        self._run("destroy", "--yes", "--skip-preview", "--suppress-progress")

    def close(self) -> None:
        pass  # the folder goes, and the stack with it

    def _run(self, *arguments: str, show: bool = True) -> str:
        if show:
            print(f"$ pulumi {' '.join(arguments)}", flush=True)
        captured = None if show else subprocess.PIPE
        try:
            done = subprocess.run(  # noqa: S603  # the CLI that was found, with our own arguments
                [self._command, *arguments],
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=captured,
                stderr=captured,
                timeout=STEP_SECONDS,
                text=True,
            )
        except subprocess.TimeoutExpired:
            raise SystemExit(
                f"`pulumi {arguments[0]}` took more than {STEP_SECONDS} s, so the demo ends. No browser is left: "
                "the simulated API ends with the demo."
            ) from None
        if done.returncode:
            print(done.stdout or "", done.stderr or "", file=sys.stderr)
            raise SystemExit(f"`pulumi {arguments[0]}` failed with exit code {done.returncode}; its output is above.")
        return done.stdout or ""


def _environment(folder: Path, command: str) -> dict[str, str]:
    """The user's environment, without what would reach the user's own stacks, settings or keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "ANCHORBROWSER_"))}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(command).parent), os.environ.get("PATH", "")]),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "demo",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


class Rehearsed:
    """The same program against the same provider host, with no engine; its log is shown after each step."""

    name = "rehearsal on the real provider host, no engine"

    def __init__(self, root: Path, folder: Path, url: str) -> None:
        # A setting in the user's environment would be meant for the real API.
        env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("ANCHORBROWSER_")}
        env["PULUMI_HOME"] = str(folder / "home")
        secrets = {"anchorbrowser:apiKey": API_KEY}
        self._rehearsal = Rehearsal(root, stack="demo", config=config(url), secret_config=secrets, env=env)

    def up(self, status: str) -> dict[str, Any]:
        self._rehearsal.config["status"] = status
        print(f"rehearsing: up, with status {status}", flush=True)
        return _shown(self._rehearsal.up()).outputs

    def destroy(self) -> None:
        print("rehearsing: destroy", flush=True)
        _shown(self._rehearsal.destroy())

    def close(self) -> None:
        self._rehearsal.close()


def _shown(result: Result) -> Result:
    for kind, urn in result.operations:
        print(f"    {kind} {_name(urn)}")
    for line in result.log:
        print(f"    {_name(line.urn)}: {line.message}" if line.urn else f"    {line.message}")
    return result


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
