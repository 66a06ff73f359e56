"""Stores of other versions: older ones are read for ever, newer ones are refused and left as they are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from receipts.store_support import BATCH, OTHER_URN, OWNER, rows, subject, written

from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable
from pulumi_anchorbrowser.receipts.store import VERSION

STORES = Path(__file__).parent / "stores"


def restored(dump: Path, place: Path) -> Receipts:
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    return Receipts(place)


def schema(place: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(place)) as connection:
        found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        marks = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
    return [*((kind, name, " ".join(str(sql).split())) for kind, name, sql in found), (str(marks),)]


def test_there_is_a_store_of_every_version() -> None:
    assert sorted(dump.stem for dump in STORES.glob("*.sql")) == [f"version-{number + 1}" for number in range(VERSION)]


def test_a_new_store_has_the_schema_of_the_latest_version(tmp_path: Path) -> None:
    restored(STORES / f"version-{VERSION}.sql", tmp_path / "restored.sqlite3")
    assert schema(written(tmp_path / "new.sqlite3", BATCH)) == schema(tmp_path / "restored.sqlite3")


@pytest.mark.parametrize("is_written_first", [False, True])
def test_a_store_of_version_1_is_read_and_added_to(tmp_path: Path, is_written_first: bool) -> None:
    receipts = restored(STORES / "version-1.sql", tmp_path / "receipts.sqlite3")
    if is_written_first:
        receipts.begin("create", subject())
    create, cancel, refused, deleted, begun, unknown, gone = receipts.all()[:7]

    assert (create.operation, create.outcome, create.run) == ("create", "done", "run-1")
    assert create.subject == subject(batch_id=BATCH)
    assert create.intended_at == datetime(2025, 11, 22, 14, 0, 0, 250000, tzinfo=timezone.utc)
    assert create.answered_at == datetime(2025, 11, 22, 14, 0, 1, tzinfo=timezone.utc)
    assert (cancel.operation, cancel.cancelled_sessions) == ("cancel", 3)
    assert (cancel.still_running, cancel.confirmed_at) == (0, "2025-11-22T14:01:05Z")
    assert (refused.outcome, refused.http_status, refused.note) == ("refused", 409, "HTTP 409: it's over; really")
    assert (deleted.deleted_sessions, deleted.failed_deletions, deleted.was_lost) == (4, 1, True)
    assert (begun.operation, begun.outcome) == ("end_sessions", None)
    assert (begun.ended, begun.lost, begun.ended_sessions) == (("s1", "s2"), ("s3",), 2)
    assert (unknown.operation, unknown.outcome, unknown.subject.urn) == ("create", "unknown", OTHER_URN)
    assert (gone.operation, gone.outcome) == ("delete", "gone")

    assert [one.id for one in receipts.of_batch(BATCH)] == [1, 2, 3, 4, 5, 7]
    assert receipts.creates_without_end(OWNER) == [unknown]
    assert receipts.begin("create", subject()) == len(receipts.all()) == 8 + is_written_first


def test_an_empty_file_gets_the_schema_when_it_is_written(tmp_path: Path) -> None:
    place = tmp_path / "receipts.sqlite3"
    place.touch()
    assert Receipts(place).begin("create", subject()) == 1
    assert schema(place) == schema(written(tmp_path / "new.sqlite3", BATCH))


def test_a_store_of_a_newer_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    place = written(tmp_path / "receipts.sqlite3", BATCH)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("ALTER TABLE receipts ADD COLUMN mood TEXT NOT NULL DEFAULT 'hopeful'")
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = schema(place), rows(place)
    receipts = Receipts(place)
    for call in (receipts.all, lambda: receipts.begin("create", subject())) * 2:
        with pytest.raises(ReceiptsUnavailable, match="newer release") as caught:
            call()
        assert str(place) in str(caught.value)
    assert (schema(place), rows(place)) == before
