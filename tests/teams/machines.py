"""Machines of one team: each with its own disk, and all of them with the same stack in one database."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from crashes.killed_runs import KillableStack, KillableStage
from stages.cli import clean_environment
from teams.postgres import LOCKS, Database

from pulumi_anchorbrowser.simulator import Simulator


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


class MachineStage(KillableStage):
    """A checkout of the project on one machine, with the state in PostgreSQL."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder)
        self._database = database
        self.env["PULUMI_BACKEND_URL"] = database.url

    @property
    def is_locked(self) -> bool:
        """Whether anything holds the lock, by the table itself."""
        return bool(self._database.keys(LOCKS))

    def check_out(self, settings: Path | None) -> None:
        """The stack is there already: this machine has what the repository has, and initializes nothing."""
        self._is_made = True
        if settings is not None:
            shutil.copy(settings, self._settings)

    @property
    def settings(self) -> Path:
        """The stack's settings file, which a team commits."""
        return self._settings


class Machine(KillableStack):
    """A stack as one machine sees it. Its receipts are on its own disk."""

    stage: MachineStage

    def __init__(self, folder: Path, database: Database, sim: Simulator) -> None:
        folder.mkdir()
        self.folder = folder
        super().__init__(MachineStage(folder / "engine-stage", database), sim, folder / "receipts.sqlite3")

    def join(self, other: Machine) -> None:
        """Takes what the other one has committed."""
        self.stage.check_out(other.stage.settings)

    def run_tool(self, *args: str) -> Ended:
        """`pulumi-anchorbrowser` on this machine, in the project's folder."""
        home = clean_environment(self.stage.home, self.folder)
        done = subprocess.run(
            ["pulumi-anchorbrowser", *args],
            cwd=self.stage.project_dir,
            env=home | self.stage.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def throw_away(self) -> None:
        """The machine and its disk are gone, and the receipts with them."""
        self.stage.close()
        shutil.rmtree(self.folder)
