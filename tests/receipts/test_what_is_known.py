"""What the store knows of a batch and of interrupted creates, in whatever order it was told, by however many runs."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from receipts.store_support import BATCH, OTHER_BATCH, OTHER_OWNER, OTHER_URN, OWNER, URN, subject

from pulumi_anchorbrowser.receipts import Counts, Receipt, Receipts

OWNERS, THE_URNS, BATCHES = (OWNER, OTHER_OWNER), (URN, OTHER_URN), (BATCH, OTHER_BATCH)
OUTCOMES = ("done", "refused", "unknown", "settled")
STOPS = ("cancel", "delete", "end_sessions", "retry")
NUMBERS = st.none() | st.integers(0, 1000)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "receipts.sqlite3"


def claims(found: list[Receipt]) -> list[str]:
    return [receipt.subject.claim for receipt in found]


# Interrupted creates


@pytest.mark.parametrize(
    ("outcome", "unsettled", "unanswered"),
    [(None, True, True), ("unknown", True, True), ("done", True, False), ("refused", False, False)],
)
def test_a_create_of_an_earlier_run_is_to_be_looked_after_unless_surely_nothing_was_made(
    place: Path, outcome: Any, unsettled: bool, unanswered: bool
) -> None:
    earlier = Receipts(place)
    number = earlier.intend("create", subject(claim="c"))
    if outcome is not None:
        earlier.close(number, outcome, **({"batch_id": BATCH} if outcome == "done" else {}))
    assert earlier.unsettled_creates(OWNER, URN) == earlier.unanswered_creates(OWNER) == []

    later = Receipts(place)
    assert claims(later.unsettled_creates(OWNER, URN)) == ["c"] * unsettled
    assert claims(later.unanswered_creates(OWNER)) == ["c"] * unanswered
    assert later.unsettled_creates(OWNER, OTHER_URN) == later.unsettled_creates(OTHER_OWNER, URN) == []
    assert later.unanswered_creates(OTHER_OWNER) == []


def test_what_the_engine_received_is_nobodys_leftover(place: Path) -> None:
    earlier = Receipts(place)
    for batch in BATCHES:
        earlier.close(earlier.intend("create", subject(claim=batch)), "done", batch_id=batch)
    earlier.end_run({BATCH})
    assert claims(Receipts(place).unsettled_creates(OWNER, URN)) == [OTHER_BATCH]


def test_what_the_engine_has_named_is_nobodys_leftover(place: Path) -> None:
    earlier = Receipts(place)
    for batch in BATCHES:
        earlier.close(earlier.intend("create", subject(claim=batch)), "done", batch_id=batch)
    later = Receipts(place)
    later.mark_in_state(OTHER_BATCH)
    assert claims(later.unsettled_creates(OWNER, URN)) == [BATCH]


def test_a_run_says_only_of_its_own_creates_that_they_were_received(place: Path) -> None:
    earlier = Receipts(place)
    earlier.close(earlier.intend("create", subject()), "done", batch_id=BATCH)
    later = Receipts(place)
    later.intend("create", subject(urn=OTHER_URN))
    later.end_run({BATCH})
    assert len(Receipts(place).unsettled_creates(OWNER, URN)) == 1


def test_a_batch_taken_over_is_this_runs_until_the_engine_has_it(place: Path) -> None:
    earlier = Receipts(place)
    earlier.intend("create", subject())
    taker = Receipts(place)
    (left,) = taker.unsettled_creates(OWNER, URN)
    taker.take_over(left.id, BATCH)
    (receipt,) = taker.all()
    assert (receipt.outcome, receipt.subject.batch_id, receipt.run, receipt.in_state) == (
        "done",
        BATCH,
        taker.run,
        False,
    )
    assert taker.unsettled_creates(OWNER, URN) == []
    # The taker is killed in its turn: the batch is looked after once more.
    assert [r.subject.batch_id for r in Receipts(place).unsettled_creates(OWNER, URN)] == [BATCH]
    taker.end_run({BATCH})
    assert Receipts(place).unsettled_creates(OWNER, URN) == []


def test_a_settled_create_is_never_looked_for_again(place: Path) -> None:
    Receipts(place).intend("create", subject())
    later = Receipts(place)
    (left,) = later.unsettled_creates(OWNER, URN)
    later.close(left.id, "settled", note="nothing of it is there")
    assert Receipts(place).unsettled_creates(OWNER, URN) == Receipts(place).unanswered_creates(OWNER) == []


def test_a_run_may_end_twice_and_one_without_receipts_may_end_too(place: Path) -> None:
    Receipts(place).end_run({BATCH})
    assert not place.exists()
    receipts = Receipts(place)
    receipts.intend("create", subject())
    receipts.end_run(set())
    receipts.end_run({BATCH})


# Counts


def test_a_count_that_nobody_has_said_is_none_and_not_zero(place: Path) -> None:
    receipts = Receipts(place)
    assert receipts.counts(BATCH) == Counts()
    receipts.close(receipts.intend("cancel", subject(batch_id=BATCH)), "done", cancelled_sessions=0)
    assert receipts.counts(BATCH) == Counts(cancelled_sessions=0)
    assert receipts.counts(OTHER_BATCH) == Counts()


def test_counts_add_up_over_runs(place: Path) -> None:
    for deleted in (3, None, 4):
        run = Receipts(place)
        run.close(run.intend("delete", subject(batch_id=BATCH)), "done", deleted_sessions=deleted)
    assert Receipts(place).counts(BATCH) == Counts(deleted_sessions=7)


@pytest.mark.parametrize(("operation", "field"), [("delete", "deleted_uncertain"), ("end_sessions", "ended_uncertain")])
@pytest.mark.parametrize("how", ["open", "unknown", "uncertain", "refused and uncertain"])
def test_a_count_is_uncertain_where_an_answer_never_came(place: Path, operation: Any, field: str, how: str) -> None:
    receipts = Receipts(place)
    number = receipts.intend(operation, subject(batch_id=BATCH))
    if how == "unknown":
        receipts.close(number, "unknown")
    elif how != "open":
        receipts.close(number, "refused" if "refused" in how else "done", uncertain=True)
    assert Receipts(place).counts(BATCH) == replace(Counts(), **{field: True})


@pytest.mark.parametrize("operation", ["delete", "end_sessions", "cancel", "retry", "create"])
def test_what_was_answered_or_refused_is_certain(place: Path, operation: Any) -> None:
    receipts = Receipts(place)
    for outcome in ("done", "refused"):
        receipts.close(receipts.intend(operation, subject(batch_id=BATCH)), outcome)  # type: ignore[arg-type]
    assert receipts.counts(BATCH) == Counts()


def test_how_far_an_ending_had_come_is_known_after_a_crash(place: Path) -> None:
    run = Receipts(place)
    number = run.intend("end_sessions", subject(batch_id=BATCH))
    for ended in range(4):
        run.progress(number, ended_sessions=ended)
    assert Receipts(place).counts(BATCH) == Counts(ended_sessions=3, ended_uncertain=True)


class Known(RuleBasedStateMachine):
    """The store against a list of dictionaries, over runs that begin, end well, or crash."""

    open_ones, closed_creates = Bundle("open_ones"), Bundle("closed_creates")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.place = Path(self.folder.name) / "receipts.sqlite3"
        self.told: dict[int, dict[str, Any]] = {}
        self.runs = itertools.count()
        self.begin()

    def begin(self) -> None:
        self.receipts, self.run = Receipts(self.place), next(self.runs)

    @rule(target=open_ones, owner=st.sampled_from(OWNERS), urn=st.sampled_from(THE_URNS))
    def intend_create(self, owner: str, urn: str) -> int:
        return self.intended("create", owner=owner, urn=urn)

    @rule(target=open_ones, operation=st.sampled_from(STOPS), batch=st.sampled_from(BATCHES))
    def intend_stop(self, operation: Any, batch: str) -> int:
        return self.intended(operation, batch_id=batch)

    def intended(self, operation: Any, **given: Any) -> int:
        number = self.receipts.intend(operation, subject(**given))
        of = subject(**given)
        told = {"operation": operation, "owner": of.owner, "urn": of.urn, "batch_id": of.batch_id}
        self.told[number] = {**told, "run": self.run, "outcome": None, "uncertain": False, "in_state": False}
        return number

    @rule(
        target=closed_creates,
        number=consumes(open_ones),
        outcome=st.sampled_from(OUTCOMES),
        batch=st.sampled_from(BATCHES),
        counts=st.fixed_dictionaries({f"{name}_sessions": NUMBERS for name in ("cancelled", "ended", "deleted")}),
        uncertain=st.booleans(),
    )
    def close(self, number: int, outcome: Any, batch: str, counts: dict[str, Any], uncertain: bool) -> Any:
        creates = self.told[number]["operation"] == "create"
        values = {**counts, "uncertain": uncertain} if not creates else {"batch_id": batch} if outcome == "done" else {}
        self.receipts.close(number, outcome, **values)
        self.told[number].update(outcome=outcome, **values)
        return multiple(number) if creates else multiple()

    @rule(number=open_ones | closed_creates, batch=st.sampled_from(BATCHES))
    def take_over(self, number: int, batch: str) -> None:
        if self.told[number]["operation"] == "create":
            self.receipts.take_over(number, batch)
            self.told[number].update(outcome="done", batch_id=batch, run=self.run, in_state=False)

    @rule(batch=st.sampled_from(BATCHES))
    def the_engine_names(self, batch: str) -> None:
        self.receipts.mark_in_state(batch)
        for one in self.told.values():
            one["in_state"] |= one["batch_id"] == batch

    @rule(delivered=st.sets(st.sampled_from(BATCHES)))
    def end_well(self, delivered: set[str]) -> None:
        self.receipts.end_run(delivered)
        for one in self.told.values():
            mine = one["run"] == self.run and one["operation"] == "create"
            one["in_state"] |= mine and one["batch_id"] in delivered
        self.begin()

    @rule()
    def crash(self) -> None:
        self.begin()

    @invariant()
    def interrupted_creates_are_known(self) -> None:
        earlier = {n: o for n, o in self.told.items() if o["operation"] == "create" and o["run"] != self.run}
        unanswered = {n for n, o in earlier.items() if o["outcome"] in (None, "unknown")}
        undelivered = {n for n, o in earlier.items() if o["outcome"] == "done" and not o["in_state"]}
        for owner in OWNERS:
            of_owner = {n for n, o in earlier.items() if o["owner"] == owner}
            assert [r.id for r in self.receipts.unanswered_creates(owner)] == sorted(unanswered & of_owner)
            for urn in THE_URNS:
                mine = {n for n in of_owner if earlier[n]["urn"] == urn}
                found = [r.id for r in self.receipts.unsettled_creates(owner, urn)]
                assert found == sorted((unanswered | undelivered) & mine)

    @invariant()
    def counts_are_what_was_said(self) -> None:
        for batch in BATCHES:
            of_batch = [one for one in self.told.values() if one["batch_id"] == batch]
            counts = self.receipts.counts(batch)
            for name in ("cancelled_sessions", "ended_sessions", "deleted_sessions"):
                said = [one[name] for one in of_batch if one.get(name) is not None]
                assert getattr(counts, name) == (sum(said) if said else None)
            for operation, uncertain in (
                ("end_sessions", counts.ended_uncertain),
                ("delete", counts.deleted_uncertain),
            ):
                lost = [
                    one["uncertain"] or one["outcome"] in (None, "unknown")
                    for one in of_batch
                    if one["operation"] == operation
                ]
                assert uncertain is any(lost)

    @invariant()
    def every_receipt_reads_as_it_was_told(self) -> None:
        kept = {receipt.id: receipt for receipt in self.receipts.all()}
        assert kept.keys() == self.told.keys()
        for number, one in self.told.items():
            of = kept[number].subject
            assert (of.owner, of.urn, of.batch_id) == (one["owner"], one["urn"], one["batch_id"])
            assert (kept[number].outcome, kept[number].operation) == (one["outcome"], one["operation"])
            assert kept[number].uncertain is one["uncertain"]
            if one["operation"] == "create":
                assert kept[number].in_state is one["in_state"]

    def teardown(self) -> None:
        self.receipts.end_run(set())
        self.folder.cleanup()


TestKnown = Known.TestCase
TestKnown.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
