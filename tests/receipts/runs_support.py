"""Runs of a keeper of batches that share a simulator and a store, as those of the provider do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lifecycle.kept import CLAIM, KEY, MovedClock, Told, inputs
from receipts.store_support import rows

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.lifecycle import BatchKeeper, BatchRecord, Goal
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Batch, Simulator

PATHS = {"create": "/v1/batch-sessions", "retry": "/v1/batch-sessions/*/retry", "end_sessions": "/v1/sessions/*"}
METHODS = {"create": "POST", "retry": "POST", "cancel": "PATCH", "delete": "DELETE", "end_sessions": "DELETE"}
OPERATIONS = tuple(METHODS)


def where(operation: str) -> dict[str, str]:
    """The requests of an operation, as a fault is told of them."""
    return {"method": METHODS[operation], "path": PATHS.get(operation, "/v1/batch-sessions/*")}


class Run:
    """One run: a client, its receipts, and what the user is told."""

    def __init__(
        self, url: str, place: Path | None, on_sleep: Callable[[float], object] | None = None, **options: Any
    ) -> None:
        self.told, self.receipts = Told(), Receipts(place)
        self.client = Client(url, ApiKeys(KEY), ClientOptions(**{"max_retries": 0, **options}))
        self.clock = MovedClock(on_sleep)
        self.keeper = BatchKeeper(self.client, self.receipts, clock=self.clock, settle_timeout=1)

    def start(self, **given: Any) -> BatchRecord:
        return self.keeper.create(inputs(**{"claim": CLAIM, **given}), self.told)

    def stop(self, operation: str, record: BatchRecord) -> BatchRecord:
        """Cancels, deletes, or ends the sessions of a batch."""
        on_destroy: Any = operation
        return self.keeper.delete(record.but(on_destroy=on_destroy), self.told)

    def retry(self, record: BatchRecord) -> None:
        waiting = self.keeper.waiting(self.told)
        waiting.until(record.known_id, Goal(min_ready=None, timeout=1000, retry_failed=1), record.resource_urn or "")

    def do(self, operation: str, record: BatchRecord | None) -> BatchRecord | None:
        """The operation on the batch; a create takes none."""
        if record is None:
            return self.start()
        return self.retry(record) if operation == "retry" else self.stop(operation, record)


class Runs:
    """The runs of one test."""

    def __init__(self, sim: Simulator, place: Path, opened: ExitStack) -> None:
        self.sim, self.place, self._opened = sim, place, opened

    def another(self, place: Path | None = None, **options: Any) -> Run:
        run = Run(self.sim.url, place or self.place, self.sim.advance, **options)
        self._opened.callback(run.client.close)
        return run

    def ready_for(self, operation: str) -> BatchRecord | None:
        """A batch, of an earlier run, that the operation can be done on; None for a create."""
        if operation == "create":
            return None
        if operation == "retry":
            self.sim.settings.failing_sessions = 2
        run = self.another()
        record = run.start()
        run.receipts.end_run({record.known_id})
        if operation in ("retry", "end_sessions"):
            self.sim.complete(record.known_id)
        else:
            self.sim.advance(56)
        return record

    def truth(self, record: BatchRecord | None = None) -> Batch:
        """The batch as it really is; the only one, where none is named."""
        if record is not None:
            return self.sim.batches[record.known_id]
        (only,) = self.sim.batches.values()
        return only

    def rows_of(self, operation: str) -> list[dict[str, Any]]:
        return [row for row in rows(self.place) if row["operation"] == operation] if self.place.exists() else []
