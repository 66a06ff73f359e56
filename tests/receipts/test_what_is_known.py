"""What the store knows of a batch and of interrupted creates, in whatever order many runs have written it."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from receipts.store_support import BATCH, OTHER_BATCH, OTHER_OWNER, OTHER_URN, OWNER, URN, subject

from pulumi_anchorbrowser.receipts import Receipt, Receipts

OWNERS, THE_URNS, BATCHES = (OWNER, OTHER_OWNER), (URN, OTHER_URN), (BATCH, OTHER_BATCH)
OUTCOMES = ("done", "gone", "refused", "unknown", "settled")
STOPS = ("cancel", "delete", "end_sessions", "retry")
COUNTS = ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions", "still_running")
NUMBERS = st.none() | st.integers(0, 1000)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "receipts.sqlite3"


def claims(found: list[Receipt]) -> list[str]:
    return [receipt.subject.claim for receipt in found]


@pytest.mark.parametrize(
    ("outcome", "is_without_end"),
    [(None, True), ("unknown", True), ("done", False), ("refused", False), ("settled", False)],
)
def test_a_create_has_no_known_end_where_its_outcome_is_missing_or_unknown(
    place: Path, outcome: Any, is_without_end: bool
) -> None:
    earlier = Receipts(place)
    number = earlier.begin("create", subject(claim="c"))
    if outcome is not None:
        earlier.end(number, outcome)
    assert earlier.creates_without_end(OWNER) == []  # It may be under way.

    later = Receipts(place)
    assert claims(later.creates_without_end(OWNER)) == ["c"] * is_without_end
    assert later.creates_without_end(OTHER_OWNER) == []


def test_a_settled_create_is_never_looked_for_again(place: Path) -> None:
    Receipts(place).begin("create", subject())
    later = Receipts(place)
    (left,) = later.creates_without_end(OWNER)
    later.end(left.id, "settled", batch_id=BATCH, note="deleted as a leftover")
    assert Receipts(place).creates_without_end(OWNER) == later.creates_without_end(OWNER) == []
    assert Receipts(place).owner_of(BATCH) == OWNER


@pytest.mark.parametrize("operation", STOPS)
def test_a_stop_without_a_known_end_is_no_create(place: Path, operation: Any) -> None:
    Receipts(place).begin(operation, subject(batch_id=BATCH))
    assert Receipts(place).creates_without_end(OWNER) == []


def test_the_owner_of_a_batch_is_the_stack_that_started_it(place: Path) -> None:
    receipts = Receipts(place)
    receipts.end(receipts.begin("create", subject(owner=OTHER_OWNER)), "done", batch_id=BATCH)
    receipts.begin("delete", subject(owner=OWNER, batch_id=BATCH))
    receipts.begin("delete", subject(owner=OWNER, batch_id=OTHER_BATCH))
    assert Receipts(place).owner_of(BATCH) == OTHER_OWNER
    assert Receipts(place).owner_of(OTHER_BATCH) is None


def test_a_count_that_the_api_has_not_said_is_none_and_not_zero(place: Path) -> None:
    receipts = Receipts(place)
    receipts.end(receipts.begin("cancel", subject(batch_id=BATCH)), "done", cancelled_sessions=0)
    receipts.end(receipts.begin("delete", subject(batch_id=BATCH)), "gone", http_status=404)
    cancel, delete = receipts.of_batch(BATCH)
    assert [getattr(cancel, name) for name in COUNTS] == [0, None, None, None, None]
    assert [getattr(delete, name) for name in COUNTS] == [None] * 5


class Known(RuleBasedStateMachine):
    """The store against a list of dictionaries, over runs that begin and end."""

    begun = Bundle("begun")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.place = Path(self.folder.name) / "receipts.sqlite3"
        self.told: dict[int, dict[str, Any]] = {}
        self.numbers = itertools.count()
        self.start_run()

    def start_run(self) -> None:
        self.receipts = Receipts(self.place, f"run-{next(self.numbers)}")

    @rule(target=begun, owner=st.sampled_from(OWNERS), urn=st.sampled_from(THE_URNS))
    def begin_create(self, owner: str, urn: str) -> int:
        return self.begin("create", owner=owner, urn=urn)

    @rule(target=begun, operation=st.sampled_from(STOPS), batch=st.sampled_from(BATCHES))
    def begin_stop(self, operation: Any, batch: str) -> int:
        return self.begin(operation, batch_id=batch)

    def begin(self, operation: Any, **given: Any) -> int:
        number = self.receipts.begin(operation, subject(**given))
        self.told[number] = {
            "operation": operation,
            "subject": subject(**given),
            "run": self.receipts.run,
            "outcome": None,
            **dict.fromkeys(COUNTS),
            "was_lost": False,
            "note": None,
            "sessions": {},
        }
        return number

    @rule(
        number=begun,
        outcome=st.sampled_from(OUTCOMES),
        counts=st.dictionaries(st.sampled_from(COUNTS), NUMBERS),
        was_lost=st.booleans(),
        note=st.text(st.characters(codec="utf-8"), max_size=5),
    )
    def end(self, number: int, outcome: Any, counts: dict[str, Any], was_lost: bool, note: str) -> None:
        values = {**counts, "was_lost": was_lost, "note": note}
        self.receipts.end(number, outcome, **values)
        self.told[number].update(outcome=outcome, **values)

    @rule(number=begun, batch=st.sampled_from(BATCHES))
    def find(self, number: int, batch: str) -> None:
        told = self.told[number]
        self.receipts.end(number, "done", batch_id=batch)
        told.update(outcome="done", subject=subject(**{**vars(told["subject"]), "batch_id": batch}))

    @rule(number=begun, session=st.sampled_from("abc"), how=st.sampled_from(["ended", "gone", "refused", "lost"]))
    def end_session(self, number: int, session: str, how: Any) -> None:
        self.receipts.session_ended(number, session, how)
        sessions = self.told[number]["sessions"]
        sessions[session] = "ended" if sessions.get(session) == "ended" else how

    @rule(is_closed=st.booleans())
    def end_run(self, is_closed: bool) -> None:
        if is_closed:
            self.receipts.close()
        self.start_run()

    @invariant()
    def interrupted_creates_are_known(self) -> None:
        found = {
            number: told
            for number, told in self.told.items()
            if told["operation"] == "create"
            and told["run"] != self.receipts.run
            and told["outcome"] in (None, "unknown")
        }
        for owner in OWNERS:
            mine = {number: told for number, told in found.items() if told["subject"].owner == owner}
            assert [r.id for r in self.receipts.creates_without_end(owner)] == sorted(mine)

    @invariant()
    def every_receipt_reads_as_it_was_written(self) -> None:
        kept = {receipt.id: receipt for receipt in self.receipts.all()}
        assert kept.keys() == self.told.keys()
        for number, told in self.told.items():
            receipt = kept[number]
            ended, lost = (
                tuple(sorted(id_ for id_, how in told["sessions"].items() if how == word)) for word in ("ended", "lost")
            )
            assert (receipt.ended, receipt.lost) == (ended, lost)
            for name in ("operation", "subject", "run", "outcome", "was_lost", "note", *COUNTS):
                unsaid = len(ended) or None if name == "ended_sessions" else None
                expected = unsaid if told[name] is None else told[name]
                assert getattr(receipt, name) == expected, name
        for batch in BATCHES:
            assert self.receipts.of_batch(batch) == [r for r in kept.values() if r.subject.batch_id == batch]

    def teardown(self) -> None:
        self.receipts.close()
        self.folder.cleanup()


TestKnown = Known.TestCase
TestKnown.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
