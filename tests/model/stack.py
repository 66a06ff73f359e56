"""One run of the engine over one stack with one batch in its program, and the promises that hold at its end."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from model.api import NOW, PATIENCE, ModelClient, ModelClock, happen
from model.world import OWNER, URN, Choices, Killed, Ledgered, ModelReceipts, NoReceipts, Remote, Violation, World

from pulumi_anchorbrowser.api import Account, PlanLimit
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle import (
    Batches,
    BatchInputs,
    BatchRecord,
    batch_problems,
    batches,
    changes_between,
    own_state,
    run,
)
from pulumi_anchorbrowser.lifecycle.own_state import OwnState
from pulumi_anchorbrowser.lifecycle.state import PendingCreate, StackState, StateUnreadable
from pulumi_anchorbrowser.lifecycle.tags import run_mark_of
from pulumi_anchorbrowser.lifecycle.trail import Trail

FOREIGN = "00000000-0000-4000-8000-00000000000f"


class Told:
    """What the user was told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def info(self, text: str) -> None:
        """Of no matter here."""

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, text: str) -> None:
        """Of no matter here."""


class OneByOne:
    """In place of a pool of threads."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """The number of threads is of no matter."""

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
        return map(work, items)


class NoThread:
    """In place of the thread that reads the state."""

    def __init__(self, target: Callable[..., Any], args: tuple[Any, ...], **_: Any) -> None:
        self.start = partial(target, *args)

    def is_alive(self) -> bool:
        """It has ended when it was started."""
        return False


@contextmanager
def in_memory() -> Iterator[None]:
    """The core makes no threads meanwhile, and its listings are the model's."""
    with (
        patch.object(own_state, "Thread", NoThread),
        patch.object(run, "ThreadPoolExecutor", OneByOne),
        patch.object(batches, "Listing", lambda client, _: client.listing),
        patch.object(run, "Looks", lambda client, _: client.listing),
        patch.object(run, "Claims", lambda _, listing: listing),
    ):
        yield


class Run:
    """One run of the engine: an up, a refresh or a destroy, on one machine."""

    def __init__(self, world: World, choices: Choices, operation: str) -> None:
        self.world, self.choices, self.operation = world, choices, operation
        self.machine = 0 if world.machines_are_alike else choices.pick("machine", (0, 1), free=2)
        self._let_time_pass()
        keys = ("key", "rotated key", "key of another team")
        can_differ = world.resource is not None and operation in {"refresh", "destroy", "cancelled", "deleted"}
        usual = Account.parse(world.resource.account).fingerprint if world.resource is not None else keys[0]
        self.key = choices.pick("key", sorted(keys, key=lambda key: key != usual)) if can_differ else usual
        self.clock = ModelClock(world, choices)
        self.client = ModelClient(world, choices, self.clock, self.machine, self.key)
        self.listing = self.client.listing
        self.number = world.free_number()
        kind = ModelReceipts if world.has_receipts else NoReceipts
        client: Any = self.client
        receipts: Any = kind(world.receipts[self.machine], "this run", self.client.may_be_killed, NOW)
        self.trail = Trail(OwnState(self.clock, self._mark, self._state), receipts, self.clock, self._mark)
        self.batches = Batches(client, receipts, clock=self.clock, settle_timeout=PATIENCE, trail=self.trail)
        self.told = Told()
        self.error: ExpectedError | None = None
        self.old: BatchRecord | None = None
        self.was_killed = self.changes = False

    @property
    def _mark(self) -> str:
        return f"{self.number:05x}"

    def _let_time_pass(self) -> None:
        """What may have happened since the last run: the API went on, or somebody else did something."""
        unfinished = [one for one in self.world.remotes if one.status == "processing" and not one.late]
        options = ["", *(["creation completes"] if unfinished else [])]
        # Age matters to the creates that no run has finished.
        options += ["two hours pass"] if self.world.has_unfinished and not self.world.is_later else []
        faults = [
            *(["creation fails"] if unfinished else []),
            *(["browsers end", "deleted"] if self.world.resource else []),
        ]
        passed = self.choices.pick("before", [*options, *faults], free=len(options))
        for one in self.world.remotes if passed else ():
            happen(one, passed)
        self.world.is_later |= passed == "two hours pass"

    def _state(self, _: str) -> StackState:
        if self.choices.pick("state", ("", "unreadable")):
            raise StateUnreadable("no CLI")
        records = self.world.records
        return StackState(
            frozenset(one.id for one in records),
            frozenset(one.claim for one in records),
            frozenset({OWNER}),
            tuple(one for one in self.world.pending if one.claim),
            "shop/dev",
        )

    # The engine

    def take(self) -> None:
        """Run to the end, to a kill or to an error."""
        try:
            if self.operation == "refresh":
                self._refresh()
            elif self.operation == "destroy":
                self._destroy()
            else:
                self._up()
        except Killed:
            self.was_killed = True
        except ExpectedError as error:
            self.error = error
        except (Violation, AssertionError):
            raise
        except Exception as error:  # noqa: BLE001  # that there is none is what is checked
            where = "".join(traceback.format_tb(error.__traceback__)[-2:])
            raise Violation(f"total: {error!r}\n{where}") from None
        self.world.forget()

    def _begin(self, *in_hand: BatchRecord) -> None:
        self.changes = True
        self.client.in_hand = {one.batch_id for one in in_hand}
        self.trail.state.begin(OWNER)

    def _up(self) -> None:
        inputs = self._inputs()
        old = self.world.resource
        if inputs is None:
            return
        if old is None:
            self._create(inputs)
        else:
            changes = changes_between(old.id, old.to_outputs(), inputs.model_dump(), lambda _: False)
            if changes.replaces:
                self._create(inputs.model_copy(update={"claim": self._claim()}))
            elif changes.changed:
                self._update(old, inputs)
        while self.world.doomed:
            self._delete(self.world.doomed[0])

    def _inputs(self) -> BatchInputs | None:
        old = self.world.resource
        status = self.operation if self.operation in {"cancelled", "deleted"} else "active"
        source: dict[str, Any] = {"count": 2, "metadata": old.metadata if old is not None else None}
        if self.operation == "replace":
            source["metadata"] = {"n": 1} if source["metadata"] is None else None
        if self.operation.startswith("adopt"):
            status = self.operation.partition(" ")[2] or "active"
            source = {"batch_id": FOREIGN}
        elif old is not None and old.adopted and self.operation != "replace":
            source = {"batch_id": old.batch_id}
        claim = old.claim if old is not None else self._claim()
        world = self.world
        ways = {"on_destroy": world.on_destroy, "if_completed": world.if_completed, "on_missing": world.on_missing}
        news = {"owner": OWNER, "claim": claim, "status": status, **ways, **source}
        # `check` refuses what cannot be, such as an adopted batch that is to be active again.
        if batch_problems(old.to_outputs() if old is not None else {}, news, lambda _: False):
            return None
        return BatchInputs(resource_urn=URN, **news)

    def _claim(self) -> str:
        milliseconds = int(self.clock.now().timestamp() * 1000)
        claim = f"{milliseconds:011x}{self._mark}{self.number:08x}"
        assert run_mark_of(claim) == self._mark, "a run would take its own creates for interrupted ones"
        return claim

    def _create(self, inputs: BatchInputs) -> None:
        world, claim = self.world, inputs.claim
        world.pending = (*world.pending, PendingCreate("" if inputs.batch_id else claim, OWNER, URN, inputs.count))
        self._begin()
        self.old = None
        self.client.in_hand = {inputs.batch_id}
        self.client.creating = True
        try:
            record = self.batches.create(inputs, self.told)
            # Here alone a host that is killed by itself leaves no trail at all: its receipt says "done".
            self.client.creating = False
            self.client.may_be_killed("before the batch is saved")
        except Killed as killed:
            self._settle(claim, "receipts" if killed.host_alone else "pending")
            raise
        except ExpectedError:
            self._settle(claim, "receipts")
            raise
        self._settle(claim, "saved")
        world.doomed = (*world.doomed, *([world.resource] if world.resource is not None else ()))
        self._save(record, is_stop=record.status != "active")

    def _settle(self, claim: str, trail: str) -> None:
        """The engine keeps the pending entry where it was killed itself, and removes it with every other end."""
        if trail != "pending" or not self.world.pending[-1].claim:
            self.world.pending = self.world.pending[:-1]
        for one in self.world.remotes:
            one.trail = trail if one.claim == claim else one.trail

    def _update(self, old: BatchRecord, inputs: BatchInputs) -> None:
        old = self._loaded(old)
        self._begin(old)
        record = self.batches.update(old, inputs, self.told)
        self.client.may_be_killed("before the update is saved")
        self._save(record, is_stop=record.status != "active")

    def _refresh(self) -> None:
        if self.world.resource is None:
            return
        old = self._loaded(self.world.resource)
        record = self.batches.read(old, self.told)
        self._check_account(old, record)
        if record is None:
            self._check_gone(old, "a refresh dropped the batch")
            self.world.resource = None
        else:
            self._save(record, is_stop=False)

    def _destroy(self) -> None:
        for one in (*self.world.doomed, *([self.world.resource] if self.world.resource is not None else ())):
            self._delete(one)

    def _delete(self, old: BatchRecord) -> None:
        old = self._loaded(old)
        self._begin(old)
        record = self.batches.delete(old, self.told)
        self.client.may_be_killed("before the deletion is saved")
        self._check_account(old, None if not old.is_deleted and old.on_destroy == "delete" else record)
        is_left = any("left batch" in text for text in self.told.warnings)
        if not is_left:
            if record is not old:
                self._check_record(record)
            self._check_stopped(record)
            if old.on_destroy == "delete":
                self._check_gone(record, "a destroy succeeded")
        self.world.doomed = tuple(one for one in self.world.doomed if one.claim != old.claim)
        if self.world.resource is not None and self.world.resource.claim == old.claim:
            self.world.resource = None

    def _loaded(self, record: BatchRecord) -> BatchRecord:
        self.old = record.but(resource_urn=URN)
        return self.old

    # The promises

    def _save(self, record: BatchRecord, is_stop: bool) -> None:
        if record is not self.old:
            self._check_record(record)
        if is_stop:
            self._check_stopped(record)
        self.world.resource = BatchRecord.model_validate(record.to_outputs())
        remote = self.world.find(record.batch_id)
        if remote is not None:
            # Where the state has no number, another machine cannot know that there should be one.
            said = {kind for kind, count in _counts(record) if count is not None}
            remote.ledger = tuple(
                replace(one, is_known=self._is_known(one) and one.kind in said) for one in remote.ledger
            )

    def _check_record(self, record: BatchRecord) -> None:
        remote = self.world.find(record.batch_id)
        if remote is None:
            return
        befores = dict(_counts(self.old)) if self.old is not None else {}
        stopped_now = {one.kind for one in remote.ledger if one.is_of_this_run}
        for kind, count in _counts(record):
            # A run without such a stop leaves the count as another machine has saved it, and reads no receipts.
            is_left = kind not in stopped_now and count == befores.get(kind)
            if count is not None and not is_left and count != (truth := self._truth(remote, kind)):
                raise Violation(f"no wrong count: {kind} says {count}, the API did {truth}")
        for kind, after in _counts(record):
            if (before := befores.get(kind)) is not None and after is None and not self._is_in_doubt(remote, kind):
                raise Violation(f"no count is lost: {kind} said {before}")
        if record.live_status == "deleted":
            self._check_gone(record, "the record says deleted")
        if (
            record.live_status == "cancelled"
            and remote.status not in {"cancelled", "cancelling"}
            and not remote.is_gone
        ):
            raise Violation(f"the record says cancelled, and the batch is {remote.status}")

    def _is_in_doubt(self, remote: Remote, kind: str) -> bool:
        """Whether a count may become unknown: a response was lost, or perhaps other sessions were ended than before.

        So it is where this machine's stop left sessions that another machine may have ended since.
        """
        mine = [one for one in self.world.receipts[self.machine] if one.subject.batch_id == remote.id]
        was_lost = any(one.operation == kind and (one.was_lost or one.outcome in {None, "unknown"}) for one in mine)
        left_some = any(one.refused or (one.gone and one.still_running != 0) for one in mine)
        is_unconfirmed = self.old is not None and self.old.still_running is None
        ended_now = any(one.kind == "end_sessions" and one.is_of_this_run for one in remote.ledger)
        return was_lost or (kind == "end_sessions" and (left_some or is_unconfirmed or ended_now))

    def _truth(self, remote: Remote, kind: str) -> int:
        """What the API did, as far as this machine's receipts and the state can know."""
        done = [one for one in remote.ledger if one.kind == kind and self._is_known(one)]
        return len({(number, n if kind == "cancel" else 0) for n, one in enumerate(done) for number in one.sessions})

    def _is_known(self, one: Ledgered) -> bool:
        return one.is_known or (one.machine == self.machine and (one.is_of_this_run or self.world.has_receipts))

    def _check_stopped(self, record: BatchRecord) -> None:
        remote = self.world.find(record.batch_id)
        if remote is None:
            return
        listed = self.listing.now_running(record.batch_id)
        if record.still_running is not None and record.still_running < len(listed):
            raise Violation(f"still_running is {record.still_running}, and the API lists {len(listed)}")
        is_accepted = record.if_completed == "accept" and remote.status in {"completed", "failed"}
        is_warned = any("could not confirm" in text for text in self.told.warnings)
        remote.is_excused |= record.still_running is None and is_warned
        # To a batch that was deleted an update sends nothing: the run that deleted it has warned.
        is_left = self.operation != "destroy" and self.old is not None and self.old.is_deleted
        is_warned |= is_left and remote.is_excused
        if listed and not is_accepted and not (record.still_running is None and is_warned):
            raise Violation(f"a stop succeeded while {len(listed)} are listed as running")

    def _check_gone(self, record: BatchRecord, what: str) -> None:
        remote = self.world.find(record.batch_id)
        # Of sessions that the API cannot delete, the data may remain; the record says how many.
        is_as_said = remote is None or remote.is_gone or (record.failed_deletions and not remote.runs)
        if not is_as_said:
            raise Violation(f"{what}, and the batch exists")

    def _check_account(self, old: BatchRecord, new: BatchRecord | None) -> None:
        is_gone = new is None or (new.live_status == "deleted" and new.missing)
        if self.key == "key of another team" and is_gone and not old.missing and not old.is_deleted:
            raise Violation("never gone under another account")

    def check_end(self) -> None:
        """Check that nothing runs that nobody has, after a final run without faults."""
        if self.error is not None and not self._may_fail():
            raise Violation(f"the final run failed: {self.error}")
        known = {one.batch_id for one in self.world.records}
        for one in self.world.remotes:
            if one.runs and one.id not in known and self._is_promised(one):
                raise Violation(f"no orphan: {one.id} runs, {one.trail}")

    def _may_fail(self) -> bool:
        return self.world.if_completed == "fail" or isinstance(self.error, PlanLimit)

    def _is_promised(self, remote: Remote) -> bool:
        if (
            remote.trail == "foreign"
            or remote.is_excused
            or (self.world.if_completed == "accept" and remote.status in {"completed", "failed"})
        ):
            return False
        if remote.trail == "receipts":
            return self.changes and remote.machine == self.machine and self.world.has_receipts
        return self.changes or remote.trail == "saved"


def _counts(record: BatchRecord) -> list[tuple[str, int | None]]:
    return [
        ("cancel", record.cancelled_sessions),
        ("end_sessions", record.ended_sessions),
        ("delete", record.deleted_sessions),
    ]
