"""A throwaway Pulumi project: one program, one stack, a folder as the backend, 64 operations at once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.api import KEY
from bench.process import Ran, run

PARALLEL = 64
PROJECT = "bench"
_BENCH = Path(__file__).parent
# The native plugin is the one of the bench's own Python; a program without resources of it does not start it.
_PROJECT_FILE = f"""\
name: {PROJECT}
runtime: python
plugins:
  providers:
    - name: anchorbrowser
      path: {Path(sys.executable).parent}
"""


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment without what would make a run differ from machine to machine.

    The bench's own Python comes first on PATH, so that the language host uses it.
    """
    kept = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PULUMI_BACKEND_URL": f"file://{home}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the bench",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(_BENCH.parent),
    }


def _is_foreign(name: str) -> bool:
    return name.startswith(("PULUMI_", "ANCHORBROWSER_", "PYTHON")) or name.lower().endswith("_proxy")


class Project:
    """A program of `programs/` as a project with a new stack. `env` is laid over a clean environment."""

    def __init__(self, folder: Path, program: str, url: str, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder / "project"
        home = folder / "home"
        home.mkdir(parents=True)
        self.folder.mkdir()
        shutil.copy(_BENCH / "programs" / f"{program}.py", self.folder / "__main__.py")
        (self.folder / "Pulumi.yaml").write_text(_PROJECT_FILE, encoding="utf-8")
        api = {"ANCHORBROWSER_BASE_URL": url, "ANCHORBROWSER_API_KEY": KEY}
        self.env = clean_environment(home) | api | dict(env or {})
        self._pulumi("stack", "init", "dev")

    def up(self, **config: object) -> Ran:
        """`pulumi up` with these values of the project's config, which stay for the next one."""
        flags = [part for key, value in config.items() for part in ("--config", f"{PROJECT}:{key}={value}")]
        return self._operate("up", *flags)

    def refresh(self) -> Ran:
        """`pulumi refresh`."""
        return self._operate("refresh")

    def destroy(self) -> Ran:
        """`pulumi destroy`."""
        return self._operate("destroy")

    def state(self) -> str:
        """`pulumi stack export`."""
        return self._pulumi("stack", "export").text

    def _operate(self, verb: str, *flags: str) -> Ran:
        return self._pulumi(verb, "--yes", "--skip-preview", "--parallel", str(PARALLEL), *flags)

    def _pulumi(self, *args: str) -> Ran:
        return run(["pulumi", *args, "--non-interactive"], cwd=self.folder, env=self.env)
