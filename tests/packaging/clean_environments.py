"""Environments with nothing in them but one archive, its extra, and what they declare: as a user's are.

Their dependencies come from pip's own index, in the versions of `requirements.lock`. They are kept in
`.cache/packaging`, and made anew where the dependencies have changed; the archive is installed anew where it has.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest
from archives import ROOT

CACHE = ROOT / ".cache" / "packaging"
SECONDS = 360
PLUGIN = "pulumi-resource-anchorbrowser"
# How pip words it where it cannot reach an index, and not that a requirement is wrong.
_UNREACHABLE = ("connection broken", "from versions: none", "Read timed out", "Connection timed out")


@dataclass(frozen=True)
class CleanEnvironment:
    """One such environment."""

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        """Where its packages are."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A command of this environment, in a folder that has no part of the project."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=_outside(env or {}),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def distributions(self) -> dict[str, str]:
        """What is installed: names and versions."""
        return {one.name.lower(): one.version for one in distributions(path=[str(self.packages)])}


def empty_machine(*first: Path) -> dict[str, str]:
    """The settings with which an engine's stage finds these folders first, and the project nowhere else."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [folder for folder in folders if not (Path(folder) / PLUGIN).exists()]
    # The environment's own pip is asked for the packages, in place of the tests' quick one.
    return {"PATH": os.pathsep.join([*map(str, first), *others]), "PYTHONPATH": ""}


def clean_environment(
    name: str, archive: Path, extra: str = "", start: CleanEnvironment | None = None
) -> CleanEnvironment:
    """The environment of this name, which starts as a copy of another one, where one is given.

    Skips the test, with the reason, where no package index can be reached.
    """
    made = CleanEnvironment(CACHE / f"py{sys.version_info[0]}.{sys.version_info[1]}-{name}")
    made.folder.mkdir(parents=True, exist_ok=True)
    needs, content = _needs(made), _checksum(archive.read_bytes())
    with _locked(CACHE / f"{made.folder.name}.lock"):
        if not _is(made, ".needs", needs):
            _begin(made, start)
            _install(made, "--constraint", str(_constraints(made)), f"{archive}{extra}")
            _write(made, ".needs", needs)
        if not _is(made, ".archive", content):
            _install(made, "--no-deps", "--force-reinstall", str(archive))
            _write(made, ".archive", content)
    return made


def _begin(environment: CleanEnvironment, start: CleanEnvironment | None) -> None:
    pip = [] if start is None else ["--without-pip"]
    command = [sys.executable, "-m", "venv", "--clear", *pip, str(environment.folder)]
    subprocess.run(command, check=True, timeout=SECONDS)
    if start is not None:
        shutil.copytree(start.packages, environment.packages, dirs_exist_ok=True)


def _install(environment: CleanEnvironment, *what: str) -> None:
    done = environment.run("python", "-m", "pip", "--no-input", "install", "--quiet", *what)
    said = done.stdout + done.stderr
    if done.returncode != 0 and ("PIP_NO_INDEX" in os.environ or any(sign in said for sign in _UNREACHABLE)):
        pytest.skip("no package index can be reached, from which a clean environment could be made")
    assert done.returncode == 0, said


def _constraints(environment: CleanEnvironment) -> Path:
    """The lock without its hashes, which pip does not take for an archive of our own."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    path = environment.folder / "constraints.txt"
    path.write_text("\n".join(line.rstrip(" \\") for line in lines if line[:1] not in {" ", "#", ""}), encoding="utf-8")
    return path


def _outside(env: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what could lead back to the project's own Python or its settings."""
    ours = ("PYTHON", "PULUMI_", "ANCHORBROWSER_", "VIRTUAL_ENV", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | dict(env)


def _needs(environment: CleanEnvironment) -> str:
    declared = (ROOT / "pyproject.toml").read_bytes().partition(b"\n[tool.")[0]
    # The folder is part of it: a copied environment still points to where it was made.
    return _checksum(declared, (ROOT / "requirements.lock").read_bytes(), bytes(environment.folder))


def _checksum(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _is(environment: CleanEnvironment, mark: str, value: str) -> bool:
    path = environment.folder / mark
    return path.exists() and path.read_text(encoding="utf-8") == value


def _write(environment: CleanEnvironment, mark: str, value: str) -> None:
    (environment.folder / mark).write_text(value, encoding="utf-8")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time: tests run on several."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
