"""The life of a batch as a resource has it: create, read, update and delete each bring the batch to a goal."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pulumi_anchorbrowser.api import Account, Client
from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.clock import Clock, Interrupted, SystemClock
from pulumi_anchorbrowser.lifecycle.changes import started_with_changes
from pulumi_anchorbrowser.lifecycle.errors import AccountUnknown, AdoptionFailed, OutcomeUnknown
from pulumi_anchorbrowser.lifecycle.goals import (
    Adopted,
    Deleted,
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
from pulumi_anchorbrowser.lifecycle.own_state import OwnState
from pulumi_anchorbrowser.lifecycle.record import DELETED, UNKNOWN_OUTCOME, BatchRecord
from pulumi_anchorbrowser.lifecycle.run import Brought, Runner
from pulumi_anchorbrowser.lifecycle.steps import Entry
from pulumi_anchorbrowser.lifecycle.trail import Trail
from pulumi_anchorbrowser.receipts import Receipts

# How long after its create was sent a batch of unknown outcome is looked for.
SETTLE_TIMEOUT_SECONDS = 60.0


class Batches:
    """The batches of one run of the engine; for many threads.

    Every method raises `ExpectedError`. The second key (environment) serves `read` and `delete` alone: these see the
    config of the last `up`, which may hold a key that was rotated since. `trail` settles interrupted creates; one that
    was never begun (commands, tests) knows of none.
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
        self.runner, self._runner_of_known = (
            Runner(one, Listing(one, clock), receipts, clock, settle_timeout, confirmed_accounts)
            for one in (client, client.second_key())
        )
        self._trail = trail or Trail(OwnState(clock, ""), receipts, clock, "")
        # Of each batch that was adopted in this run: whether the resource that adopts it is in the state.
        self._adopted: dict[str, bool] = {}

    def changed(self, batch_id: str) -> None:
        """Forget what was read of the batch, because this process may have changed it."""
        self.runner.listing.changed(batch_id)
        self._runner_of_known.listing.changed(batch_id)

    def bring(self, record: BatchRecord, goal: Goal, notices: Notices, entries: list[Entry] | None = None) -> Brought:
        """Bring the batch of a record to a goal, whoever started it. `entries` is as for Runner.bring."""
        brought = self.runner.bring(record, goal, notices, entries)
        if record.batch_id is not None:
            self.changed(record.batch_id)
        return brought

    def create(
        self, inputs: BatchInputs, notices: Notices, keep: Callable[[BatchRecord], object] | None = None
    ) -> BatchRecord:
        """Start or adopt a batch. Returns as soon as the API has taken it, so that its id is in the state.

        Where it raises after a batch was adopted, or after one may have been started, `keep` first gets what is known;
        None where that is not saved.
        """
        goal = goal_of_create(inputs, self.runner.settle_timeout)
        record = BatchRecord.of(inputs, account=str(self.runner.client.account()))
        self._trail.before_create(self.runner, inputs, notices)
        if goal is None:
            notices.warning(f"started no batch, because status is {inputs.status!r}; the counts are empty")
            return record.but(live_status=DELETED)
        if isinstance(goal, Started):
            return self._start(record, goal, notices, keep)
        return self._adopt(record, goal, notices, keep)

    def imported(self, batch_id: str, owner: str, claim: str, notices: Notices) -> BatchRecord:
        """Return the record of a resource that adopts the batch as it is. Raises NotAdopted where there is none."""
        inputs = BatchInputs(batch_id=batch_id, status="cancelled", owner=owner, claim=claim)
        record = BatchRecord.of(inputs, account=str(self.runner.client.account()))
        found = self.runner.bring(record, Adopted(), notices).value()
        return found if found.live_status == CANCELLED else found.but(status="active")

    def read(self, record: BatchRecord, notices: Notices) -> BatchRecord | None:
        """Return the record brought up to date; None where the resource is to be dropped and created anew."""
        if record.is_deleted or record.is_of_unknown_outcome:
            return record
        seen = self._runner_of_known.bring(record, Refreshed(), notices).value()
        if seen.missing and seen.still_running == 0 and is_dropped_when_missing(record):
            notices.warning(
                f"batch {record.batch_id} is gone; on_missing is 'recreate', so the next `pulumi up` starts a new one"
            )
            return None
        return seen

    def update(self, record: BatchRecord, inputs: BatchInputs, notices: Notices) -> BatchRecord:
        """Bring the batch to its new inputs."""
        self._trail.before_change(self.runner, record, notices)
        saved = started_with_changes(record.model_dump(), inputs.model_dump()) if inputs.batch_id is None else []
        goal = goal_of_update(record, inputs)
        if saved and inputs.status != "active":
            notices.info(f"changed {', '.join(saved)} was saved and has no effect: the batch is {inputs.status}")
        changed = record.with_inputs(inputs)
        return changed if goal is None else self.bring(changed, goal, notices).value()

    def delete(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """Do what `on_destroy` says, and return the record with the final counts."""
        self._trail.before_delete(self._runner_of_known, record, notices)
        if record.is_of_unknown_outcome:
            return self._settle(record, notices)
        goal = goal_of_destroy(record)
        if goal is None:
            return record
        is_saved = self._adopted.get(record.known_id)
        if is_saved is False:
            raise AdoptionFailed(record.known_id)
        if is_saved or self._trail.state.is_adopted(record):
            notices.warning(
                f"left batch {record.batch_id} running: another resource adopted the batch in this run and will stop it"
            )
            return record
        after = self._runner_of_known.bring(record, goal, notices).value()
        self.changed(record.known_id)
        return after

    def _start(
        self, record: BatchRecord, goal: Started, notices: Notices, keep: Callable[[BatchRecord], object] | None
    ) -> BatchRecord:
        entries: list[Entry] = []
        try:
            return self.runner.bring(record, goal, notices, entries).value()
        except (OutcomeUnknown, Interrupted):
            # An interrupt before the create is sent leaves nothing that could be looked for.
            if entries and keep is not None:
                keep(record.but(live_status=UNKNOWN_OUTCOME))
            raise

    def _settle(self, record: BatchRecord, notices: Notices) -> BatchRecord:
        """Delete the batch that a create of unknown outcome has started, if it has started one."""
        account, client = Account.parse(record.account), self._runner_of_known.client
        if not client.opens(account):
            raise AccountUnknown(record.claim)
        found = self._trail.find(self._runner_of_known, record, notices).value()
        if found.batch_id is None:
            # The look itself may have gone over to the second key, which shows nothing of another account.
            if not client.opens(account):
                raise AccountUnknown(record.claim)
            if found.still_running == 0:
                notices.info(
                    f"found no batch of the create of unknown outcome (claim {record.claim}): none was started, or it "
                    "has been deleted"
                )
            else:
                notices.warning(
                    f"found no batch of the create of unknown outcome (claim {record.claim}), though the API lists "
                    "sessions of it, none of which is known to run; check with `pulumi-anchorbrowser orphans`"
                )
            return found.but(live_status=DELETED)
        if self._adopted.get(found.batch_id) or self._trail.is_saved(found.batch_id):
            notices.warning(
                f"left batch {found.batch_id} running, which the create of unknown outcome (claim {record.claim}) had "
                "started: another resource has adopted it and will stop it"
            )
            return found
        # Not adopted yet: if that fails, only this resource has the batch.
        if self._trail.is_spared(found.batch_id) or self._trail.state.is_adopted(found):
            raise AdoptionFailed(found.batch_id)
        return self._runner_of_known.bring(found, Deleted(), notices).value()

    def _adopt(
        self, record: BatchRecord, goal: Goal, notices: Notices, keep: Callable[[BatchRecord], object] | None
    ) -> BatchRecord:
        record = self.runner.bring(record, goal, notices).value()
        next_goal = goal_of_adoption(record)
        # Before the call that follows: even if that fails, the engine may delete a former owner of this id.
        self._adopted[record.known_id] = next_goal is None or keep is not None
        if next_goal is None:
            return record
        if keep is not None:
            # Its desired status is not reached: the change to it is still to come.
            keep(record.but(status="active"))
        adopted = self.bring(record, next_goal, notices).value()
        self._adopted[record.known_id] = True
        return adopted
