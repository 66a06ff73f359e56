"""The intent is written before a call and the outcome after it, by any number of threads and processes at once."""

from __future__ import annotations

import random
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from receipts.store_support import BATCH, OWNER, ended, killed, line, python, resume, rows, subject

from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "anchorbrowser" / "receipts.sqlite3"


def test_the_intent_is_stored_before_the_outcome_and_the_outcome_is_added_to_it(place: Path) -> None:
    receipts = Receipts(place)
    before = datetime.now(timezone.utc)
    number = receipts.begin("delete", subject(batch_id=BATCH))
    (begun,) = receipts.all()
    assert (begun.id, begun.run, begun.operation) == (number, receipts.run, "delete")
    assert begun.subject == subject(batch_id=BATCH)
    assert (begun.outcome, begun.answered_at, begun.deleted_sessions) == (None, None, None)
    assert before <= begun.intended_at <= datetime.now(timezone.utc)
    assert begun.intended_at.utcoffset() == timedelta(0)

    receipts.end(number, "done", deleted_sessions=4, failed_deletions=1, was_lost=True, http_status=200, note="x")
    receipts.end(number, "done", still_running=0, confirmed_at="2025-11-22T14:00:00Z")
    (answered,) = receipts.all()
    assert (answered.outcome, answered.deleted_sessions, answered.failed_deletions) == ("done", 4, 1)
    assert (answered.was_lost, answered.http_status, answered.note) == (True, 200, "x")
    assert (answered.still_running, answered.confirmed_at) == (0, "2025-11-22T14:00:00Z")
    assert (answered.subject, answered.intended_at) == (begun.subject, begun.intended_at)
    assert answered.answered_at is not None
    assert answered.intended_at <= answered.answered_at


def test_a_create_gets_its_batch_id_with_its_outcome(place: Path) -> None:
    receipts = Receipts(place)
    receipts.end(receipts.begin("create", subject()), "done", batch_id=BATCH)
    assert receipts.of_batch(BATCH)[0].subject == subject(batch_id=BATCH)


def test_a_value_that_no_receipt_has_is_a_programming_error(place: Path) -> None:
    receipts = Receipts(place)
    number = receipts.begin("delete", subject())
    with pytest.raises(TypeError, match="deleted_session"):
        receipts.end(number, "done", deleted_session=4)
    assert receipts.all()[0].outcome is None


def test_the_sessions_of_an_ending_are_kept_by_their_ids_as_they_end(place: Path) -> None:
    receipts = Receipts(place)
    number, other = (receipts.begin("end_sessions", subject(batch_id=BATCH)) for _ in range(2))
    for session, how in (("s2", "ended"), ("s1", "ended"), ("s3", "lost"), ("s4", "gone"), ("s5", "refused")):
        receipts.session_ended(number, session, how)  # type: ignore[arg-type]
    receipts.session_ended(other, "s1", "lost")
    first, second = receipts.all()
    assert (first.ended, first.lost, first.ended_sessions) == (("s1", "s2"), ("s3",), 2)
    assert (first.gone, first.refused) == (("s4",), ("s5",))
    assert (second.ended, second.lost, second.ended_sessions) == ((), ("s1",), None)
    receipts.session_ended(other, "s1", "ended")
    receipts.session_ended(other, "s1", "gone")
    assert receipts.all()[1].ended == ("s1",)
    receipts.end(number, "unknown", ended_sessions=2, was_lost=True)
    assert (receipts.all()[0].outcome, receipts.all()[0].ended_sessions) == ("unknown", 2)


def test_another_process_sees_an_intent_that_has_no_outcome_yet(place: Path) -> None:
    writer = python(
        "number = receipts.begin('cancel', subject(batch_id=BATCH)); say('begun'); input()\n"
        "receipts.end(number, 'done', cancelled_sessions=3); say('ended'); input()",
        place,
    )
    assert line(writer) == "begun"
    ours = Receipts(place)
    assert [(r.operation, r.outcome) for r in ours.all()] == [("cancel", None)]
    resume(writer)
    assert line(writer) == "ended"
    assert [(r.outcome, r.cancelled_sessions) for r in ours.all()] == [("done", 3)]
    resume(writer)
    ended([writer])


def test_numbers_begin_at_1_so_that_0_can_say_that_there_is_no_receipt(place: Path) -> None:
    assert [Receipts(place).begin("create", subject()) for _ in range(3)] == [1, 2, 3]
    receipts = Receipts(place)
    receipts.end(0, "done", batch_id=BATCH)
    receipts.session_ended(0, "s1", "ended")
    assert [receipt.outcome for receipt in receipts.all()] == [None] * 3


def test_receipts_that_are_off_keep_nothing_and_know_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    receipts = Receipts(None)
    number = receipts.begin("create", subject())
    assert (receipts.place, number) == (None, 0)
    receipts.end(number, "done", batch_id=BATCH)
    receipts.session_ended(number, "s1", "ended")
    assert receipts.all() == receipts.of_batch(BATCH) == receipts.creates_without_end(OWNER) == []
    assert receipts.owner_of(BATCH) is None
    receipts.close()
    assert list(tmp_path.iterdir()) == []


def test_a_run_has_an_id_of_its_own_unless_one_is_given(place: Path) -> None:
    assert len({Receipts(place).run for _ in range(10)}) == 10
    assert Receipts(place, "run-1").run == "run-1"


def test_the_store_is_in_wal_mode(place: Path) -> None:
    Receipts(place).begin("create", subject())
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_store_that_was_closed_opens_again_when_it_is_needed(place: Path) -> None:
    receipts = Receipts(place)
    for _ in range(3):
        receipts.begin("create", subject())
        receipts.close()
        receipts.close()
        assert [file.name for file in place.parent.iterdir()] == [place.name]
    assert len(receipts.all()) == 3


def test_only_its_owner_may_open_the_folder(place: Path) -> None:
    Receipts(place).begin("create", subject())
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_nobody_else_may_read_a_file_of_the_store_even_in_a_folder_that_is_open_to_all(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    receipts = Receipts(tmp_path / "receipts.sqlite3")
    receipts.begin("create", subject())
    assert len(list(tmp_path.iterdir())) == 3
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name


def test_a_place_with_odd_characters_is_used_as_it_is_written(tmp_path: Path) -> None:
    place = tmp_path / "a folder?mode=memory#%41 é" / "my receipts%.sqlite3"
    receipts = Receipts(place)
    assert receipts.begin("create", subject()) == 1
    receipts.close()
    assert len(Receipts(place).all()) == len(rows(place)) == 1


def test_a_link_and_the_file_it_points_to_are_one_store(tmp_path: Path) -> None:
    link, place = tmp_path / "link.sqlite3", tmp_path / "elsewhere" / "receipts.sqlite3"
    place.parent.mkdir()
    through_the_link = Receipts(link)
    Receipts(place).begin("create", subject())
    link.symlink_to(place)
    through_the_link.begin("delete", subject())
    assert [receipt.operation for receipt in Receipts(place).all()] == ["create", "delete"]
    assert [receipt.operation for receipt in Receipts(link).all()] == ["create", "delete"]


# Killed writers


@pytest.mark.long
def test_kill_9_at_any_moment_loses_nothing_that_was_reported_as_written(place: Path) -> None:
    dice = random.Random(20240607)
    begun: dict[str, str | None] = {}
    for _ in range(8):
        writer = python(
            "say('ready')\n"
            "for i in range(100000):\n"
            "    number = receipts.begin('end_sessions', subject(batch_id=BATCH)); say('begun', number)\n"
            "    receipts.session_ended(number, 's1', 'ended'); say('session', number)\n"
            "    receipts.end(number, 'done', ended_sessions=1); say('ended', number)",
            place,
        )
        assert line(writer) == "ready"
        time.sleep(dice.uniform(0, 0.15))
        writer.kill()
        for said in writer.communicate(timeout=30)[0].splitlines():
            if said.count(" ") == 1:
                begun[said.split()[1]] = said.split()[0]

        kept = {str(receipt.id): receipt for receipt in Receipts(place).all()}
        assert begun.keys() <= kept.keys()
        for number, last in begun.items():
            # What was reported is there; what was not may be there too, whole.
            assert kept[number].outcome == "done" or last != "ended"
            assert kept[number].ended == ("s1",) or last == "begun"
            assert (kept[number].outcome is None) == (kept[number].answered_at is None)
    assert len(begun) > 8
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert Receipts(place).begin("create", subject()) == len(rows(place))


def test_what_a_killed_writer_has_written_is_read_and_added_to(place: Path) -> None:
    killed(place)
    assert [receipt.operation for receipt in Receipts(place).creates_without_end(OWNER)] == ["create"]
    before = time.monotonic()
    Receipts(place).begin("delete", subject(batch_id=BATCH))
    assert time.monotonic() - before < 5
    assert [row["operation"] for row in rows(place)] == ["create", "delete"]


def test_a_writer_that_was_killed_in_a_transaction_keeps_nobody_waiting(place: Path) -> None:
    writer = python(
        "import sqlite3\nreceipts.begin('create', subject())\n"
        "connection = sqlite3.connect(place, isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE'); connection.execute('DELETE FROM receipts')\n"
        "say('now'); time.sleep(600)",
        place,
    )
    assert line(writer) == "now"
    writer.kill()
    writer.communicate(timeout=30)
    before = time.monotonic()
    Receipts(place).begin("delete", subject(batch_id=BATCH))
    assert time.monotonic() - before < 5
    assert [row["operation"] for row in rows(place)] == ["create", "delete"]


# Many at once


def write_many(place: Path, processes: int, threads: int, each: int) -> None:
    code = """
def write(thread):
    for i in range(int(args[3])):
        name = f"{args[1]}-{thread}-{i}"
        number = receipts.begin("delete", subject(batch_id=name))
        assert [(one.id, one.outcome) for one in receipts.of_batch(name)] == [(number, None)]
        receipts.end(number, "done", deleted_sessions=1)
workers = [threading.Thread(target=write, args=(t,)) for t in range(int(args[2]))]
say("ready"); input()
[w.start() for w in workers]; [w.join() for w in workers]
"""
    writers = [python(code, place, number, threads, each) for number in range(processes)]
    assert [line(writer) for writer in writers] == ["ready"] * processes
    for writer in writers:
        resume(writer)
    ended(writers, seconds=120)
    kept = rows(place)
    names = {f"{p}-{t}-{i}" for p in range(processes) for t in range(threads) for i in range(each)}
    assert {row["batch_id"] for row in kept} == names
    assert len(kept) == len(names)
    assert {(row["outcome"], row["deleted_sessions"]) for row in kept} == {("done", 1)}
    assert len({row["run"] for row in kept}) == processes


def test_threads_of_several_processes_lose_nothing(place: Path) -> None:
    write_many(place, processes=3, threads=4, each=5)


@pytest.mark.long
def test_many_threads_of_many_processes_lose_nothing(place: Path) -> None:
    write_many(place, processes=6, threads=16, each=20)


@pytest.mark.parametrize("attempt", [1, *(pytest.param(number, marks=pytest.mark.long) for number in range(2, 6))])
def test_several_processes_may_be_the_first_to_open_it(place: Path, attempt: int) -> None:
    code = "say('ready'); input()\nreceipts.begin('create', subject(claim=args[1]))"
    writers = [python(code, place, number) for number in range(4 + attempt)]
    assert {line(writer) for writer in writers} == {"ready"}
    for writer in writers:
        resume(writer)
    ended(writers)
    assert {row["claim"] for row in rows(place)} == {str(number) for number in range(4 + attempt)}


@pytest.mark.parametrize("is_shared", [True, False])
def test_many_threads_of_one_process_may_be_the_first_to_open_it(place: Path, is_shared: bool) -> None:
    shared, start = Receipts(place), threading.Barrier(16)

    def write(number: int) -> int:
        receipts = shared if is_shared else Receipts(place)
        start.wait(30)
        return receipts.begin("create", subject(claim=str(number)))

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(write, range(16)))
    assert sorted(numbers) == list(range(1, 17))
    assert {receipt.id: int(receipt.subject.claim) for receipt in shared.all()} == {
        number: claim for claim, number in enumerate(numbers)
    }


def test_a_lock_that_another_process_holds_is_waited_for_and_then_reported(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulumi_anchorbrowser.receipts.store.BUSY_SECONDS", 1)
    Receipts(place).begin("create", subject())
    holder = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    ours = Receipts(place)
    before = time.monotonic()
    with pytest.raises(ReceiptsUnavailable, match="another process has kept it locked"):
        ours.begin("delete", subject())
    assert 0.5 < time.monotonic() - before < 20
    assert len(ours.all()) == 1  # Readers do not wait for writers.
    ours = Receipts(place)
    threading.Timer(0.3, holder.execute, ["COMMIT"]).start()
    assert ours.begin("delete", subject()) == 2
    holder.close()


def test_many_writes_to_a_locked_store_wait_for_it_once_and_again_a_minute_later(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls that stop browsers come after their receipts: a hundred such waits would be half an hour."""
    monkeypatch.setattr("pulumi_anchorbrowser.receipts.store.BUSY_SECONDS", 0.5)
    Receipts(place).begin("create", subject())
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    ours = Receipts(place)

    def write(_: int) -> float:
        with pytest.raises(ReceiptsUnavailable, match="another process has kept it locked"):
            ours.begin("delete", subject())
        return time.monotonic()

    with ThreadPoolExecutor(20) as pool:
        ended = list(pool.map(write, range(20)))
    assert max(ended) - min(ended) < 0.5
    holder.execute("COMMIT")
    now = time.monotonic()
    monkeypatch.setattr("pulumi_anchorbrowser.receipts.store.time.monotonic", lambda: now + 61)
    assert ours.begin("delete", subject()) == 2
    holder.close()


def test_a_second_store_of_a_process_leaves_the_first_one_its_locks(place: Path) -> None:
    """On POSIX, closing a file drops the locks that its process holds on it; a database loses its journal by that."""
    first = Receipts(place)
    first.begin("create", subject())
    journal = place.with_name(f"{place.name}-wal")
    before = journal.stat().st_ino
    reader, second = Receipts(place), Receipts(place)
    assert len(reader.all()) == 1
    second.begin("cancel", subject(batch_id=BATCH))
    second.close()
    # Another process that comes and goes would take itself for the last one, and remove the journal.
    ended([python("receipts.begin('delete', subject()); receipts.close()", place)])
    assert journal.stat().st_ino == before
    first.begin("delete", subject(batch_id=BATCH))
    assert len(reader.all()) == 4


def test_readers_and_a_writer_that_opens_and_closes_it_all_the_time_do_not_disturb_each_other(place: Path) -> None:
    writer = python(
        "for i in range(60):\n    receipts.begin('delete', subject(batch_id=BATCH)); receipts.close()\nsay('over')",
        place,
    )
    counts: list[int] = []
    while writer.poll() is None:
        counts.append(len(Receipts(place).all()))
    assert writer.communicate()[0].strip() == "over"
    assert counts == sorted(counts)
    assert len(Receipts(place).all()) == 60


def test_an_interrupted_thread_leaves_the_store_to_others(place: Path) -> None:
    writer = python(
        """
import _thread, sqlite3
receipts.begin("create", subject())
holder = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
holder.execute("BEGIN IMMEDIATE")
threading.Timer(0.2, _thread.interrupt_main).start()
threading.Timer(0.6, holder.execute, ["COMMIT"]).start()
try:
    receipts.begin("delete", subject())
except KeyboardInterrupt:
    say("interrupted")
say(receipts.begin("delete", subject()) > 1)
""",
        place,
    )
    said: Any = ended([writer])[0].split()
    assert said == ["interrupted", "True"]
