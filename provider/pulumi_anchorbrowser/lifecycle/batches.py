"""The life of a batch as a resource has it: create, read, update and delete each bring the batch to a goal."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

from pulumi_anchorbrowser.api import Client
from pulumi_anchorbrowser.clock import Clock, SystemClock
from pulumi_anchorbrowser.lifecycle.changes import recorded_in_place
from pulumi_anchorbrowser.lifecycle.goals import (
    Goal,
    Refreshed,
    Started,
    goal_of_adoption,
    goal_of_create,
    goal_of_destroy,
    goal_of_update,
    is_dropped_when_missing,
)
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.listing import Listing
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord
from pulumi_anchorbrowser.lifecycle.run import Brought, Runner
from pulumi_anchorbrowser.lifecycle.trail import Trail
from pulumi_anchorbrowser.receipts import Receipts

# How long after its create was sent a batch of unknown outcome is looked for.
SETTLE_TIMEOUT_SECONDS = 60.0


class Batches:
    """The batches of one run of the engine; for many threads.

    Every method raises `ExpectedError`. The second key (environment) serves `read` and `delete` alone: these see the
    config of the last `up`, which may hold a key that was rotated since. `trail` settles interrupted creates; without
    one (commands, tests) none is looked for.
    """

    def __init__(
        self,
        client: Client,
        receipts: Receipts,
        *,
        clock: Clock | None = None,
        confirmed_accounts: Collection[str] = (),
        settle_timeout: float = SETTLE_TIMEOUT_SECONDS,
        trail: Trail | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.settle_timeout = settle_timeout
        self.runner = Runner(client, Listing(client, clock), receipts, clock, confirmed_accounts)
        second = client.second_key()
        self._runner_of_known = Runner(second, Listing(second, clock), receipts, clock, confirmed_accounts)
        self._trail = trail
        self._adopted_in_this_run: set[str] = set()
        self._lock = Lock()

    def new_run(self) -> None:
        """Forget what was adopted: a run of the engine begins in a process that has served another one."""
        with self._lock:
            self._adopted_in_this_run.clear()

    def changed(self, batch_id: str) -> None:
        """Forget what was read of the batch, because this process may have changed it."""
        self.runner.listing.changed(batch_id)
        self._runner_of_known.listing.changed(batch_id)

    def bring(self, record: BatchRecord, goal: Goal, notices: Notices) -> Brought:
        """Bring the batch of a record to a goal, whoever started it."""
        brought = self.runner.bring(record, goal, notices)
        if record.batch_id is not None:
            self.changed(record.batch_id)
        return brought

    def create(self, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        """Start or adopt a batch. Returns as soon as the API has taken it, so that its id is in the state."""
        goal = goal_of_create(inputs, self.settle_timeout)
        account = str(self.runner.client.account())
        if self._trail is not None and goal is not None:
            self._trail.before_create(self.runner, inputs, self.settle_timeout, notices)
        if goal is None:
            notices.warning(
                f"started no batch: the desired status is {inputs.status!r} and there is no batch yet. "
                "There are no counts"
            )
            return BatchRecord.of(inputs, live_status=DELETED, account=account)
        if isinstance(goal, Started):
            return self.runner.bring(BatchRecord.of(inputs, account=account), goal, notices).value()
        return self._adopt(inputs, goal, notices)

    def read(self, record: BatchRecord, notices: Notices) -> BatchRecord | None:
        """Return the record brought up to date; None where the resource is to be dropped and created anew."""
        if record.is_deleted:
            return record
        seen = self._runner_of_known.bring(record, Refreshed(), notices).value()
        if seen.missing and is_dropped_when_missing(record):
            notices.warning(
                f"batch {record.batch_id} is gone; on_missing is 'recreate', so the next `pulumi up` starts a new one"
            )
            return None
        return seen

    def update(self, record: BatchRecord, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        """Bring the batch to its new inputs."""
        if self._trail is not None:
            self._trail.before_change(self.runner, record, self.settle_timeout, notices)
        saved = recorded_in_place(record.model_dump(), inputs.model_dump()) if inputs.batch_id is None else []
        goal = goal_of_update(record, inputs)
        if saved and inputs.status != "active":
            notices.info(f"changed {', '.join(saved)} was saved and has no effect: the batch is {inputs.status}")
        changed = record.with_inputs(inputs)
        return changed if goal is None else self.bring(changed, goal, notices).value()

    def delete(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """Do what `on_destroy` says, and return the record with the final counts."""
        if self._trail is not None:
            self._trail.before_delete(self._runner_of_known, record, self.settle_timeout, notices)
        goal = goal_of_destroy(record)
        if goal is None:
            return record
        with self._lock:
            is_adopted = record.batch_id in self._adopted_in_this_run
        if is_adopted:
            notices.warning(
                f"left batch {record.batch_id} running: it was adopted in this run, and the resource that adopted it "
                "stops it from now on"
            )
            return record
        after = self._runner_of_known.bring(record, goal, notices).value()
        self.changed(record.known_id)
        return after

    def _adopt(self, inputs: BatchInputs, goal: Goal, notices: Notices) -> BatchRecord:
        record = BatchRecord.of(inputs, account=str(self.runner.client.account()))
        record = self.runner.bring(record, goal, notices).value()
        # Before the call that follows: even if that fails, the engine may delete a former owner of this id.
        with self._lock:
            self._adopted_in_this_run.add(record.known_id)
        next_goal = goal_of_adoption(record)
        return record if next_goal is None else self.bring(record, next_goal, notices).value()
