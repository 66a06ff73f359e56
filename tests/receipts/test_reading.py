"""Reading creates and writes nothing, whatever state the files of the store are in."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from receipts.store_support import BATCH, OTHER_BATCH, OWNER, ended, files, killed, python, subject, written

from pulumi_anchorbrowser.receipts import Receipts, store

READS: list[Callable[[Receipts], object]] = [
    Receipts.all,
    lambda receipts: receipts.of_batch(BATCH),
    lambda receipts: receipts.creates_without_end(OWNER),
    lambda receipts: receipts.creates_without_end(OWNER),
    lambda receipts: receipts.owner_of(BATCH),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "receipts.sqlite3"


@pytest.mark.parametrize("read", READS)
def test_reading_a_file_that_does_not_exist_creates_neither_the_file_nor_its_folder(
    place: Path, read: Callable[[Receipts], object]
) -> None:
    receipts = Receipts(place)
    assert not read(receipts)
    receipts.close()
    assert list(place.parent.parent.iterdir()) == []


@pytest.mark.parametrize("read", READS)
def test_reading_a_closed_store_changes_no_file_and_adds_none(place: Path, read: Callable[[Receipts], object]) -> None:
    written(place, BATCH)
    before, changed_at = files(place.parent), place.stat().st_mtime_ns
    assert [*before] == [place.name]
    receipts = Receipts(place)
    for _ in range(2):
        read(receipts)
    receipts.close()
    assert files(place.parent) == before
    assert place.stat().st_mtime_ns == changed_at


def test_reading_an_empty_file_leaves_it_empty(place: Path) -> None:
    place.parent.mkdir()
    place.touch()
    assert Receipts(place).all() == []
    assert files(place.parent) == {place.name: b""}
    assert Receipts(place).begin("create", subject()) == 1


def test_a_reader_sees_what_a_writer_that_still_runs_has_just_written(place: Path) -> None:
    writer, reader = Receipts(place), Receipts(place)
    for number in range(1, 4):
        writer.begin("create", subject())
        assert len(reader.all()) == number
    writer.close()
    assert len(reader.all()) == 3


def test_reading_what_a_killed_writer_left_writes_neither_the_store_nor_its_journal(place: Path) -> None:
    killed(place)
    before = files(place.parent)
    assert len(Receipts(place).all()) == 1
    after = files(place.parent)
    assert after.keys() == before.keys()
    # The -shm file is what processes share of their memory: it holds locks, and no receipts.
    for name in (place.name, f"{place.name}-wal"):
        assert after[name] == before[name]


def test_a_journal_without_its_shared_memory_is_read_and_left_as_it_is(place: Path, tmp_path: Path) -> None:
    """As an artifact of a CI job has it that took the two files by name."""
    killed(place)
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{place}{suffix}", artifact)
    before = files(artifact)
    assert len(Receipts(artifact / place.name).all()) == 1
    assert files(artifact) == before


@pytest.mark.parametrize("missing", ["", "-shm", "-wal and -shm"])
def test_a_store_in_a_folder_that_cannot_be_written_is_read(open_folder: Path, missing: str) -> None:
    place = open_folder / "receipts.sqlite3"
    killed(place)
    if "-wal" in missing:
        written(place, BATCH)
    elif missing:
        Path(f"{place}{missing}").unlink()
    for file in open_folder.iterdir():
        file.chmod(0o444)
    open_folder.chmod(0o555)
    code = """
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
say(len(receipts.all()))
for _ in range(2):
    try:
        receipts.begin("delete", subject())
    except ReceiptsUnavailable as error:
        say(error)
say(len(receipts.all()))
"""
    before = set(files(open_folder))
    said = ended([python(code, place)])[0].splitlines()
    assert said[0] == said[3] == ("2" if "-wal" in missing else "1")
    assert said[1] == said[2]
    assert "permission denied" in said[1] or "read-only" in said[1]
    assert set(files(open_folder)) == before
    open_folder.chmod(0o755)


def test_a_reader_and_a_writer_of_one_process_agree(place: Path) -> None:
    written(place, BATCH, OTHER_BATCH)
    receipts = Receipts(place)
    before = receipts.all()
    receipts.begin("create", subject())
    assert receipts.all()[:2] == before
    assert place.with_name(f"{place.name}-wal").exists()
    receipts.close()
    assert len(receipts.all()) == 3


@pytest.mark.parametrize("fails", [False, True])
def test_a_closed_store_that_somebody_changes_while_it_is_read_is_read_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """A read without locks may see one half of a change; SQLite may then take the file for damaged."""
    written(place, BATCH)
    query = store._query  # noqa: SLF001  # the only moment at which a change makes a difference

    def query_and_change(place: Path, how: str, sql: str, values: tuple[object, ...]) -> list[sqlite3.Row]:
        found = query(place, how, sql, values)
        if how == "immutable=1":
            written(place, OTHER_BATCH)
            if fails:
                raise sqlite3.DatabaseError("database disk image is malformed")
        return found

    monkeypatch.setattr(store, "_query", query_and_change)
    assert [receipt.subject.batch_id for receipt in Receipts(place).all()] == [BATCH, OTHER_BATCH]
