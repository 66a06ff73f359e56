"""Runs of the real engine that are killed, with every process they started, at a chosen call of the API."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from crashes.truths import truths
from scenarios.one_stack import OWNER, SECONDS, OneStack
from stages import Command, EngineStage, StageResult

from pulumi_anchorbrowser.simulator import Fault, SimulatedBatch, Simulator

Moment = Literal["before", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "after")
OURS = "pulumi-python:dynamic/anchorbrowser:Batch"
SECONDS_PER_LOOK = 25.0
WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
_HOST = b"pulumi.dynamic"
READY = {"ready": {"kind": "BatchReady", "batch_id": "@browsers"}}


class KillableStage(EngineStage):
    """The engine's stage, with every kind of run to be started and left running."""

    def outputs(self) -> dict[str, Any]:
        """None: a killed run has none, and after the others these tests look into the state."""
        return {}

    def start(self, verb: str, flags: Sequence[str] = ()) -> Command:
        """Starts an `up` or a `destroy` and returns at once."""
        return self._start(verb, ["--skip-preview", "--yes", *flags])

    def kill(self) -> None:
        """kill -9 of the latest command: the CLI, the language host, the program and the provider host."""
        command = self._commands[-1]
        assert len(command.pids()) > 1, "there is nothing to kill"
        command.kill_all()

    def run_raw(self, *args: str) -> str:
        """Any `pulumi` command as it is, about more than one stack; what it printed."""
        command = self._start_raw(args, "")
        assert command.wait() == 0, f"pulumi {' '.join(args)} failed:\n{command.text}"
        return command.text

    def project_option(self, **options: Any) -> None:
        """Set options in Pulumi.yaml."""
        place = self.project_dir / "Pulumi.yaml"
        project = yaml.safe_load(place.read_text(encoding="utf-8"))
        place.write_text(yaml.safe_dump(project | options), encoding="utf-8")

    def beside(self, stack: str) -> KillableStage:
        """Another stack of the same project: the same machine, the same backend, settings of its own."""
        other = KillableStage(self._folder / stack)
        other.project_dir, other.home, other.backend = self.project_dir, self.home, self.backend
        other.stack, other.env = stack, self.env
        return other

    def kill_host(self) -> None:
        """kill -9 of the provider host of the latest command alone; the CLI and the program go on."""
        assert self.hosts(), "there is no provider host to kill"
        for pid in self.hosts():
            os.kill(pid, signal.SIGKILL)

    def hosts(self) -> list[int]:
        """The provider hosts of the latest command that run."""
        return [pid for pid in self._commands[-1].pids() if _HOST in _words_of(pid)]

    @property
    def is_locked(self) -> bool:
        """Whether a killed run has left its lock, which makes the CLI ask for a `pulumi cancel`."""
        return any(self.backend.glob(".pulumi/locks/**/*.json"))


class KillableStack(OneStack):
    """One stack, whose runs may be killed."""

    stage: KillableStage

    def __init__(self, stage: KillableStage, sim: Simulator, receipts: Path) -> None:
        super().__init__(stage, sim, receipts)
        self.receipts = receipts

    def time_goes_by(self) -> None:
        """From now on every GET finds the API further on: batches get ready, however fast the machine is."""
        self.sim.faults.add(Fault(method="GET", times=None, before=lambda _: self.sim.advance(SECONDS_PER_LOOK)))

    def killed(self, verb: str, nth: int, moment: Moment, *, method: str | None = None) -> None:
        """Runs it, and kills all of it at its nth call, before or after the API has handled that one."""
        self.sim.clear_requests()
        if moment == "before":
            killing = Fault("no_reply", handled=False, method=method, nth=nth, before=lambda _: self.stage.kill())
        else:
            killing = Fault(method=method, nth=nth, after=lambda _: self.stage.kill())
        self.killed_by(killing, verb)

    def killed_by(self, killing: Fault, verb: str = "up") -> None:
        """Runs it under a fault that kills it. Before and after, time goes by as the run looks."""
        self.unlock()
        self.sim.clear_requests()
        self.sim.faults.clear()
        self.sim.faults.add(killing)
        self.time_goes_by()
        command = self.stage.start(verb)
        result = self.stage.finished(command)
        assert killing.struck == 1, f"it was to be killed and ended by itself:\n{result.text}"
        assert command.popen.returncode < 0
        self.sim.faults.clear()
        self.time_goes_by()

    def unlock(self) -> None:
        """`pulumi cancel`, where a killed run has left its lock, as the CLI's own error says."""
        if self.stage.is_locked:
            self.stage.cancel()

    def same_again(self, verb: str, flags: Sequence[str] = ()) -> StageResult:
        """The same command, as a user gives it once more."""
        self.unlock()
        self.sim.clear_requests()
        result = self.stage.finished(self.stage.start(verb, flags))
        assert not result.failed, result.text
        return result

    def forget_receipts(self) -> None:
        """What another machine sees: none of them."""
        for path in self.receipts.parent.glob(f"{self.receipts.name}*"):
            path.unlink()

    def stacks_batches(self) -> dict[str, dict[str, Any]]:
        """The outputs of every batch in the state by name, those to be deleted left out."""
        return {r["urn"].split("::")[-1]: r["outputs"] for r in self._resources() if not r.get("delete")}

    def known_ids(self) -> set[str]:
        """Every batch that the state knows."""
        return {r["id"] for r in self._resources()}

    def live_ids(self) -> set[str]:
        """Every batch of this stack of which a browser runs or is still to be started."""
        return {session.batch_id for session in self.sim.live_sessions(OWNER)}

    def has_no_orphan(self) -> None:
        """Whatever runs is in the state, and it is one batch at most; what the state says of batches is true."""
        assert self.live_ids() <= self.known_ids()
        assert len(self.live_ids()) <= 1
        for outputs in self.stacks_batches().values():
            counts_are_true(outputs, self.sim.batches[outputs["batch_id"]])

    def last_destroy(self) -> None:
        """After it nothing is left in the state, and nothing of this stack runs or will start."""
        self.same_again("destroy")
        assert self.names() == set()
        self.sim.advance(SECONDS)
        assert self.sim.live_sessions() == []

    def pending_creates(self) -> list[dict[str, Any]]:
        """The inputs of creates that the engine wrote down and never learnt the end of."""
        pending = self.stage.export()["deployment"].get("pending_operations") or []
        assert all(operation["type"] == "creating" for operation in pending)
        return [operation["resource"]["inputs"] for operation in pending if operation["resource"]["type"] == OURS]

    def _resources(self) -> list[dict[str, Any]]:
        resources: list[dict[str, Any]] = self.stage.export()["deployment"].get("resources") or []
        return [resource for resource in resources if resource["type"] == OURS]


def _words_of(pid: int) -> list[bytes]:
    """The command line of a process; empty where it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def counts_are_true(outputs: dict[str, Any], batch: SimulatedBatch) -> None:
    """Each count is what the simulator did, or it is not known."""
    for name, truth in truths(batch).items():
        assert outputs.get(name) in {None, truth}, (name, truth, outputs)


def receipts_by_outcome(place: Path, operation: str) -> list[str | None]:
    """The outcomes of all receipts of one operation, oldest first, read without the product's own code."""
    with sqlite3.connect(place) as connection:
        rows = connection.execute("SELECT outcome FROM receipts WHERE operation = ? ORDER BY id", (operation,))
        return [outcome for (outcome,) in rows]
