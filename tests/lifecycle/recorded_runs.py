"""Runs of the provider that share a simulator and a store of receipts, as those of one machine do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

from lifecycle.one_batch import KEY, MovedClock, Told, inputs

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.lifecycle import Batches, BatchRecord
from pulumi_anchorbrowser.lifecycle.own_state import OwnState
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.trail import Trail
from pulumi_anchorbrowser.lifecycle.waiting import ReadyInputs, Waiting
from pulumi_anchorbrowser.receipts import Receipt, Receipts, new_run
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest, SimulatedBatch, Simulator

PATHS = {"create": "/v1/batch-sessions", "retry": "/v1/batch-sessions/*/retry", "end_sessions": "/v1/sessions/*"}
METHODS = {"create": "POST", "retry": "POST", "cancel": "PATCH", "delete": "DELETE", "end_sessions": "DELETE"}
OPERATIONS = tuple(METHODS)
STOPS = ("cancel", "delete", "end_sessions")
THIS_RUN = "11111"


def where(operation: str) -> dict[str, Any]:
    """Return which requests are those of an operation, as fields of a fault."""
    return {"method": METHODS[operation], "path": PATHS.get(operation, "/v1/batch-sessions/*")}


class Run:
    """One run: a client, its receipts, and what the user is told. `clock` is the client's own."""

    def __init__(self, url: str, place: Path | None, clock: Clock | None = None, **options: Any) -> None:
        self.told, self.receipts, self.clock = Told(), Receipts(place, new_run()), MovedClock()
        self.client = Client(url, ApiKeys(KEY), ClientOptions(**{"max_retries": 0, **options}), clock=clock)
        state = OwnState(self.clock, THIS_RUN, lambda _: StackState())
        trail = Trail(state, self.receipts, self.clock, THIS_RUN)
        state.begin("acme/shop/dev")
        self.batches = Batches(self.client, self.receipts, clock=self.clock, settle_timeout=1, trail=trail)

    def start(self, **given: Any) -> BatchRecord:
        return self.batches.create(inputs(**given), self.told)

    def stop(self, operation: str, record: BatchRecord) -> BatchRecord:
        """Cancel or delete a batch, or end its sessions."""
        return self.batches.delete(record.but(on_destroy=operation), self.told)

    def retry(self, record: BatchRecord) -> None:
        """Wait for all sessions of a batch, and retry those that failed."""
        urn = record.resource_urn
        wanted = ReadyInputs(batch_id=record.known_id, timeout=1000, retry_failed=1, resource_urn=urn)
        Waiting(self.batches.runner, self.told).until(wanted)

    def do(self, operation: str, record: BatchRecord | None) -> BatchRecord | None:
        """Do the operation on the batch; a create takes none."""
        if record is None:
            return self.start()
        if operation == "retry":
            self.retry(record)
            return record
        return self.stop(operation, record)


class Runs:
    """The runs of one test on one machine."""

    def __init__(self, sim: Simulator, place: Path, opened: ExitStack) -> None:
        self.sim, self.place, self._opened = sim, place, opened

    def another(self, place: Path | None = None, **options: Any) -> Run:
        run = Run(self.sim.url, place or self.place, **options)
        run.clock.on_sleep = self.sim.advance
        self._opened.callback(run.client.close)
        self._opened.callback(run.receipts.close)
        return run

    def ready_for(self, operation: str) -> BatchRecord | None:
        """Start a batch, in an earlier run, that the operation can be done on; None for a create."""
        if operation == "create":
            return None
        return self.started(operation)

    def started(self, operation: str) -> BatchRecord:
        """Start a batch, in an earlier run, that the stop or retry can be done on."""
        if operation == "retry":
            self.sim.settings.failing_sessions = 2
        record = self.another().start()
        if operation in ("retry", "end_sessions"):
            self.sim.complete(record.known_id)
        else:
            self.sim.advance(56)
        return record

    @property
    def batch(self) -> SimulatedBatch:
        """The only batch, as it really is."""
        (only,) = self.sim.batches.values()
        return only

    def receipts(self, operation: str | None = None) -> list[Receipt]:
        """Return the receipts on disk, of one operation or of all, oldest first."""
        return [one for one in Receipts(self.place).all() if operation in {None, one.operation}]

    def crash(self, operation: str, record: BatchRecord | None, moment: str) -> None:
        """Do the operation in a process that is killed when the API has its call, before or after it has acted."""
        process: list[subprocess.Popen[bytes]] = []

        def kill(_: LoggedRequest) -> None:
            process[0].send_signal(signal.SIGKILL)
            process[0].wait(30)

        hook: Any = {moment: kill}
        self.sim.faults.add(Fault("no_reply", handled=moment == "after", **where(operation), **hook))
        process.append(self._process(operation, record))
        assert process[0].wait(60) == -signal.SIGKILL
        self.sim.faults.clear()

    def begin_elsewhere(self, operation: str, record: BatchRecord) -> subprocess.Popen[bytes]:
        """Begin the operation in another process. Return that once the API has its call, which gets no response."""
        has_begun = Event()
        fault = Fault("no_reply", handled=False, before=lambda _: has_begun.set(), **where(operation))
        self.sim.faults.add(fault)
        process = self._process(operation, record)
        assert has_begun.wait(60)
        return process

    def _process(self, operation: str, record: BatchRecord | None) -> subprocess.Popen[bytes]:
        arguments = [self.sim.url, str(self.place), operation, record.model_dump_json() if record else ""]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen([sys.executable, "-c", _OPERATION, *arguments], env=env)
        self._opened.callback(process.kill)
        return process


_OPERATION = """
import sys
from pathlib import Path
from lifecycle.recorded_runs import Run
from pulumi_anchorbrowser.lifecycle import BatchRecord
url, place, operation, record = sys.argv[1:]
Run(url, Path(place)).do(operation, BatchRecord.model_validate_json(record) if record else None)
"""
