"""One stack that goes from machine to machine, as CI runners do: nothing stays but the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crashes.killed_runs import KillableStack
from scenarios.one_stack import OWNER, browsers
from stages import StageResult

from pulumi_anchorbrowser.simulator import Fault

OTHER: dict[str, dict[str, Any]] = {"other": {"count": 1}}
CLEANUP = {"left": {"kind": "BatchCleanup", "select": {"tags": ["nightly"]}}}


class Wanderer(KillableStack):
    """A stack whose next command can run on another machine: another PULUMI_HOME, no receipts, another temp folder."""

    machines = 0

    def goes_elsewhere(self) -> None:
        """From now on the stack's commands run on a machine that has nothing of the former ones."""
        self.machines += 1
        folder = self.receipts.parent / f"machine-{self.machines}"
        (folder / "tmp").mkdir(parents=True)
        self.stage.home = folder / "home"
        self.receipts = folder / "receipts.sqlite3"
        self.stage.env.update(ANCHORBROWSER_RECEIPTS=str(self.receipts), TMPDIR=str(folder / "tmp"))

    def batches_of(self, name: str) -> list[dict[str, Any]]:
        """The outputs of every resource of this name in the state."""
        return [r["outputs"] for r in self._resources() if r["urn"].split("::")[-1] == name]

    def creates_again_elsewhere(self, kill: Callable[[Any], Fault], ready: dict[str, dict[str, Any]]) -> None:
        """An `up` of three browsers is killed, and made again on another machine, with a wait (`ready`) for them."""
        self.sim.settings.creation_seconds = 1e6
        self.wants(browsers(count=3) | ready)
        self.killed_by(kill(self))
        self.goes_elsewhere()
        for batch in self.sim.batches:
            self.sim.complete(batch)
        self.sim.settings.creation_seconds = 0
        self.same_again("up")

    def destroys_elsewhere(self, kill: Callable[[Any], Fault]) -> StageResult:
        """An `up` of three browsers beside one that runs is killed; another machine destroys the stack."""
        self.up(OTHER)
        self.wants(OTHER | browsers(count=3))
        self.killed_by(kill(self))
        assert self.browsers_running() == 4
        self.goes_elsewhere()
        return self.same_again("destroy")

    def browsers_running(self) -> int:
        """How many browsers of this stack run, or will."""
        return len(self.sim.live_sessions(OWNER))
