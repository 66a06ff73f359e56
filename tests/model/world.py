"""The world of the model: batches as they really are, the receipts of two machines, and the state of one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, get_args

from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.state import PendingCreate
from pulumi_anchorbrowser.receipts import Receipt, SessionEnding

OWNER, URN = "acme/shop/dev", "urn:pulumi:dev::shop::anchorbrowser:Batch::crawl"
# What a session of the model is doing. A stopping one ends at the next pause, a stuck one only where it is ended by
# its id; the API lists both as running, whatever it said of the stop.
PENDING, RUNNING, STOPPING, STUCK, ENDED, REMOVED = "pending", "running", "stopping", "stuck", "ended", "removed"
LIVE = frozenset({RUNNING, STOPPING, STUCK})
# At once there are so many batches at most: the plan allows no more.
MOST_BATCHES = 2
_NAMED = frozenset({"batch_id", "claim", "deletion_errors", "resource_urn"})
_Option = TypeVar("_Option")


class Violation(Exception):
    """The core broke a promise."""


class Killed(BaseException):
    """The run was killed as a whole, or the provider host alone."""

    def __init__(self, host_alone: bool) -> None:
        super().__init__()
        self.host_alone = host_alone


class Choices:
    """Answers each question by a script, beyond its end by the first option; keeps what else there was to choose.

    The first `free` options of a question are no faults. A fault is only on offer while the life has one left.
    """

    def __init__(self, script: Sequence[int], faults: int) -> None:
        self.script, self.faults = script, faults
        self.taken: list[int] = []
        self.widths: list[int] = []
        self.told: list[str] = []

    def pick(self, what: str, options: Sequence[_Option], free: int = 1) -> _Option:
        """Return the next choice among the options."""
        width = len(options) if self.faults else free
        number = self.script[len(self.taken)] if len(self.taken) < len(self.script) else 0
        self.taken.append(number)
        self.widths.append(width)
        self.faults -= number >= free
        if number:
            self.told.append(f"{what}: {options[number]}")
        return options[number]

    def next_script(self) -> tuple[int, ...] | None:
        """Return the script of the next run, in the order of a depth-first search; None after the last."""
        for place in reversed(range(len(self.taken))):
            if self.taken[place] + 1 < self.widths[place]:
                return (*self.taken[:place], self.taken[place] + 1)
        return None


@dataclass(frozen=True)
class Ledgered:
    """What one call really did to a batch: the truth of the counts. `is_known`: the state holds what came of it."""

    kind: str
    machine: int
    sessions: tuple[int, ...]
    is_known: bool = False
    is_of_this_run: bool = True


@dataclass
class Remote:
    """A batch as it really is.

    `late`: its sessions are not listed yet, and the batch itself is ("shown") or is not ("hidden"). `trail` says who
    knows of its create: the state has the batch ("saved") or a pending entry ("pending"), or the create ended with an
    error, so that only the receipts of its machine do ("receipts"); "" while it is under way, "foreign" if not ours.
    `is_excused`: it was reported as stopped with a warning that this is not confirmed.
    """

    id: str
    claim: str
    machine: int
    trail: str = ""
    status: str = "processing"
    sessions: list[str] = field(default_factory=lambda: [RUNNING, PENDING])
    late: str = ""
    is_gone: bool = False
    is_excused: bool = False
    ledger: tuple[Ledgered, ...] = ()

    def copy(self) -> Remote:
        """Return a copy that a run may change."""
        remote = copy(self)
        remote.sessions = list(self.sessions)
        remote.ledger = tuple(replace(one, is_of_this_run=False) for one in self.ledger)
        return remote

    def session_ids(self, words: Iterable[str] = (RUNNING, STOPPING, STUCK, ENDED)) -> tuple[str, ...]:
        """Return the ids of its sessions in these conditions."""
        return tuple(session_id(self.id, n) for n, word in enumerate(self.sessions) if word in words)

    @property
    def runs(self) -> bool:
        """Whether one of its browsers runs, or is going to."""
        return bool(LIVE & set(self.sessions)) or (self.status == "processing" and PENDING in self.sessions)

    def turn(self, olds: Iterable[str], new: str) -> None:
        """Put each session that is in one of these conditions into another."""
        self.sessions = [new if word in olds else word for word in self.sessions]

    def write(self, kind: str, machine: int, sessions: Iterable[int]) -> None:
        """Keep what a call really did."""
        self.ledger = (*self.ledger, Ledgered(kind, machine, tuple(sessions)))

    def key(self, machines: tuple[int, ...], known: Callable[[str], tuple[int, str]]) -> tuple[Any, ...]:
        """Return what tells it from others, with the machines renamed."""
        ledger = sorted((one.kind, machines[one.machine], one.sessions, one.is_known) for one in self.ledger)
        condition = (self.trail, self.status, *self.sessions, self.late, self.is_gone, self.is_excused)
        return (known(self.id), known(self.claim), self.claim[:11], machines[self.machine], *condition, *ledger)


@dataclass
class World:
    """Everything that outlives a run. `resource` and `doomed` (replaced, not yet deleted) are what the state has."""

    on_destroy: str
    if_completed: str
    on_missing: str = "keep"
    gone_is_empty: bool = False
    has_receipts: bool = True
    remotes: list[Remote] = field(default_factory=list)
    resource: BatchRecord | None = None
    doomed: tuple[BatchRecord, ...] = ()
    pending: tuple[PendingCreate, ...] = ()
    receipts: list[list[Receipt]] = field(default_factory=lambda: [[], []])
    is_later: bool = False
    machines_are_alike: bool = True

    def copy(self) -> World:
        """Return a copy that a run may change."""
        world = copy(self)
        world.remotes = [one.copy() for one in self.remotes]
        world.receipts = [list(one) for one in self.receipts]
        return world

    def find(self, batch_id: str | None) -> Remote | None:
        """Return the batch, deleted or not; None where nothing is left that could matter."""
        return next((one for one in self.remotes if one.id == batch_id), None)

    @property
    def records(self) -> list[BatchRecord]:
        """What the state has of batches."""
        return [*([self.resource] if self.resource is not None else []), *self.doomed]

    @property
    def has_unfinished(self) -> bool:
        """Whether a create may be one that no run has finished."""
        return bool(self.pending) or any(map(_is_open, [one for kept in self.receipts for one in kept]))

    def free_number(self) -> int:
        """Return the smallest number that no claim in use is made of: worlds that are alike get the same names."""
        named: list[Remote | BatchRecord | PendingCreate] = [*self.remotes, *self.records, *self.pending]
        used = {one.claim for one in named}
        used |= {one.subject.claim for kept in self.receipts for one in kept}
        return next(n for n in range(1000) if not any(claim.endswith(f"{n:08x}") for claim in used))

    def free_id(self) -> str:
        """Return a batch id that nothing names."""
        used = {one.id for one in self.remotes} | {one.batch_id for one in self.records}
        used |= {one.subject.batch_id for kept in self.receipts for one in kept}
        return next(id_ for n in range(1000) if (id_ := batch_id(n)) not in used)

    def forget(self) -> None:
        """Drop what can matter no more: stopped batches that nothing names, and receipts about them."""
        open_ones = [one for kept in self.receipts for one in kept if _is_open(one)]
        sought = {one.claim for one in self.pending} | {one.subject.claim for one in open_ones}
        named = {one.batch_id for one in self.records}
        self.remotes = [one for one in self.remotes if one.id in named or one.runs or self._may_matter(one, sought)]
        kept = {one.id for one in self.remotes} | named
        for machine, receipts in enumerate(self.receipts):
            self.receipts[machine] = [
                one
                for one in receipts
                if _is_open(one)
                or one.subject.claim in sought
                or (one.operation != "create" and one.subject.batch_id in kept)
            ]

    def _may_matter(self, remote: Remote, sought: set[str]) -> bool:
        return remote.trail == "foreign" or (remote.claim in sought and not remote.is_gone)

    def key(self) -> frozenset[tuple[object, ...]]:
        """Return what tells this world from others. Which machine is which does not matter."""
        keys = frozenset((self._key((0, 1)), self._key((1, 0))))
        self.machines_are_alike = len(keys) == 1
        return keys

    def _key(self, machines: tuple[int, int]) -> tuple[object, ...]:
        names = _Names()
        records = tuple(_of_record(one, names) if one is not None else None for one in (self.resource, *self.doomed))
        pending = tuple(names[one.claim] for one in self.pending)
        of_machines = tuple(tuple(_of_receipt(one, names) for one in self.receipts[machine]) for machine in machines)
        in_order = sorted(((one.key(machines, names.known), one) for one in self.remotes), key=lambda pair: pair[0])
        remotes = tuple((key, names[one.id], names[one.claim]) for key, one in in_order)
        return (records, pending, of_machines, remotes, self.is_later)


class _Names(dict[str, tuple[int, str]]):
    """Ids and claims by the order in which they first appear, so that worlds that differ in names alone are one."""

    def __missing__(self, name: str) -> tuple[int, str]:
        # The time in a claim matters; what else is in it does not.
        named = self[name] = (len(self), name[:11])
        return named

    def known(self, name: str) -> tuple[int, str]:
        """Return its number, if it has one yet."""
        return self.get(name, (-1, ""))


def batch_id(number: int) -> str:
    """Return the id of the model's n-th batch."""
    return f"00000000-0000-4000-8000-00000000000{number:x}"


def session_id(of_batch: str, number: int) -> str:
    """Return the id of a batch's n-th session."""
    return f"{number:08x}{of_batch[8:]}"


def _is_open(receipt: Receipt) -> bool:
    return receipt.operation == "create" and receipt.outcome in {None, "unknown"}


def _of_record(record: BatchRecord, names: _Names) -> tuple[object, ...]:
    known = record.__dict__
    named = (names[known["batch_id"] or ""], names[known["claim"]], len(known["deletion_errors"] or ()))
    return (*named, *(repr(value) for name, value in known.items() if name not in _NAMED))


def _of_receipt(one: Receipt, names: _Names) -> tuple[Any, ...]:
    counts = (one.cancelled_sessions, one.ended_sessions, one.deleted_sessions, one.failed_deletions)
    about = (names[one.subject.claim], names[one.subject.batch_id or ""], one.subject.account)
    ids = tuple(tuple(id_[:8] for id_ in getattr(one, how)) for how in get_args(SessionEnding))
    is_confirmed = one.operation != "create" and one.still_running == 0
    return (one.operation, one.outcome, one.was_lost, is_confirmed, *about, *counts, *ids)


def _renumbered(one: Receipt, number: int) -> Receipt:
    return one if (one.id, one.run) == (number, "earlier") else replace(one, id=number, run="earlier")


class ModelReceipts:
    """The receipts of one machine, as the store keeps them; a kill may come before any of them is written."""

    enabled = True

    def __init__(self, kept: list[Receipt], run: str, before: Any = lambda _: None, template: Any = None) -> None:
        self.kept, self.run, self._before, self._template = kept, run, before, template
        kept[:] = [_renumbered(one, number) for number, one in enumerate(kept, 1)]

    def begin(self, operation: Any, subject: Any) -> int:
        self._before(f"{operation} receipt")
        self.kept.append(Receipt(len(self.kept) + 1, self.run, operation, subject, self._template))
        return len(self.kept)

    def end(self, receipt: int, outcome: Any, **values: Any) -> None:
        if receipt:
            old = self.kept[receipt - 1]
            subject = replace(old.subject, batch_id=values.pop("batch_id", old.subject.batch_id))
            self.kept[receipt - 1] = replace(old, subject=subject, outcome=outcome, **values)

    def session_ended(self, receipt: int, session_id: str, how: str) -> None:
        # A session that has ended stays ended; of everything else the last word holds.
        if receipt and session_id not in (old := self.kept[receipt - 1]).ended:
            named = {word: {*getattr(old, word)} - {session_id} for word in get_args(SessionEnding)}
            named[how].add(session_id)
            values: dict[str, Any] = {word: tuple(sorted(ids)) for word, ids in named.items()}
            self.kept[receipt - 1] = replace(old, **values)

    def all(self) -> list[Receipt]:
        return list(self.kept)

    def of_batch(self, batch_id: str) -> list[Receipt]:
        return [one for one in self.kept if batch_id == one.subject.batch_id]

    def creates_without_end(self, owner: str) -> list[Receipt]:
        return list(self._without_end(owner))

    def _without_end(self, owner: str) -> Iterator[Receipt]:
        for one in self.kept:
            if _is_open(one) and one.run != self.run and one.subject.owner == owner:
                yield one


class NoReceipts(ModelReceipts):
    """A machine that keeps none."""

    enabled = False

    def begin(self, operation: Any, subject: Any) -> int:
        self._before(f"{operation} receipt of {subject.owner}")
        return 0
