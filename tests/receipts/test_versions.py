"""Stores of other versions: older ones are read for ever, later ones are left alone."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import pytest
from receipts.store_support import BATCH, OTHER_BATCH, OTHER_URN, OWNER, URN, rows, subject

from pulumi_anchorbrowser.receipts import Counts, Receipts, ReceiptsUnavailable

STORES = Path(__file__).parent / "stores"
VERSIONS = sorted(STORES.glob("version-*.sql"))


def restored(dump: Path, place: Path) -> Receipts:
    connection = sqlite3.connect(place)
    connection.executescript(dump.read_text(encoding="utf-8"))
    connection.close()
    return Receipts(place)


def schema(place: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(place)
    try:
        found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        version = connection.execute("PRAGMA user_version").fetchone()
        return [*((kind, name, " ".join(str(sql).split())) for kind, name, sql in found), (str(*version),)]
    finally:
        connection.close()


def test_there_is_a_store_of_every_version(tmp_path: Path) -> None:
    Receipts(tmp_path / "new.sqlite3").all()
    (version,) = schema(tmp_path / "new.sqlite3")[-1]
    assert [dump.stem for dump in VERSIONS] == [f"version-{number + 1}" for number in range(int(version))]


@pytest.mark.parametrize("dump", VERSIONS, ids=lambda dump: dump.stem)
def test_an_older_store_becomes_what_a_new_one_is(tmp_path: Path, dump: Path) -> None:
    Receipts(tmp_path / "new.sqlite3").all()
    receipts = restored(dump, tmp_path / "old.sqlite3")
    before = rows(tmp_path / "old.sqlite3")
    receipts.all()
    assert schema(tmp_path / "old.sqlite3") == schema(tmp_path / "new.sqlite3")
    assert before
    for old, new in zip(before, rows(tmp_path / "old.sqlite3"), strict=True):
        assert old.items() <= new.items()


def test_the_store_of_version_1_keeps_being_read(tmp_path: Path) -> None:
    receipts = restored(STORES / "version-1.sql", tmp_path / "receipts.sqlite3")
    create, cancel, refused, deleted, left_open, unknown, delivered = receipts.all()

    assert (create.operation, create.outcome, create.run, create.in_state) == ("create", "done", "run-1", False)
    assert create.subject == subject(batch_id=BATCH, fingerprint="f1f1")
    assert create.intended_at == datetime(2025, 11, 22, 14, 0, 0, 250000, tzinfo=timezone.utc)
    assert create.answered_at == datetime(2025, 11, 22, 14, 0, 1, tzinfo=timezone.utc)
    assert (cancel.operation, cancel.cancelled_sessions) == ("cancel", 3)
    assert (refused.outcome, refused.http_status, refused.note) == ("refused", 409, "HTTP 409: it's over; really")
    assert (deleted.deleted_sessions, deleted.failed_deletions, deleted.uncertain) == (4, 1, True)
    assert (left_open.operation, left_open.ended_sessions, left_open.outcome) == ("end_sessions", 2, None)
    assert (unknown.operation, unknown.outcome, unknown.subject.urn) == ("create", "unknown", OTHER_URN)
    assert (delivered.subject.batch_id, delivered.in_state) == (OTHER_BATCH, True)

    assert receipts.unsettled_creates(OWNER, URN) == [create]
    assert receipts.unsettled_creates(OWNER, OTHER_URN) == receipts.unanswered_creates(OWNER) == [unknown]
    assert receipts.counts(BATCH) == Counts(3, 2, 4, ended_uncertain=True, deleted_uncertain=True)
    assert receipts.intend("create", subject()) == len(receipts.all()) == 8


def test_an_empty_file_is_brought_up_to_date(tmp_path: Path) -> None:
    place = tmp_path / "receipts.sqlite3"
    place.touch()
    assert Receipts(place).intend("create", subject()) == 1
    Receipts(tmp_path / "new.sqlite3").all()
    assert schema(place) == schema(tmp_path / "new.sqlite3")


def test_a_store_of_a_later_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "receipts.sqlite3"
    of_the_future(place)
    before = schema(place), rows(place)
    for _ in range(2):
        with pytest.raises(ReceiptsUnavailable, match="later release") as caught:
            Receipts(place).intend("create", subject())
        assert str(place) in str(caught.value)
    assert (schema(place), rows(place)) == before


def of_the_future(place: Path) -> None:
    """A store as a later release may have made it."""
    receipts = Receipts(place)
    receipts.intend("create", subject())
    receipts.end_run(set())
    with sqlite3.connect(place) as connection:
        connection.execute("ALTER TABLE receipts ADD COLUMN mood TEXT NOT NULL DEFAULT 'hopeful'")
        connection.execute("PRAGMA user_version = 99")
