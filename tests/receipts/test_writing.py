"""The intent before, the outcome after: durable at once, whoever else writes, and whatever becomes of the writer."""

from __future__ import annotations

import random
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from receipts.store_support import BATCH, CLAIM, OWNER, URN, ended, go_on, line, python, rows, subject

from pulumi_anchorbrowser.receipts import Counts, Receipts, ReceiptsUnavailable


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "anchorbrowser" / "receipts.sqlite3"


def test_the_intent_is_there_before_the_outcome_and_the_outcome_joins_it(place: Path) -> None:
    receipts = Receipts(place)
    before = datetime.now(timezone.utc)
    number = receipts.intend("delete", subject(batch_id=BATCH))
    (open_one,) = receipts.all()
    assert (open_one.id, open_one.operation, open_one.subject) == (number, "delete", subject(batch_id=BATCH))
    assert (open_one.outcome, open_one.answered_at, open_one.deleted_sessions) == (None, None, None)
    assert before <= open_one.intended_at <= datetime.now(timezone.utc)
    assert open_one.intended_at.utcoffset() == timedelta(0)

    receipts.close(number, "done", deleted_sessions=4, failed_deletions=1, uncertain=True, http_status=200, note="x")
    (closed,) = receipts.all()
    assert (closed.outcome, closed.deleted_sessions, closed.failed_deletions) == ("done", 4, 1)
    assert (closed.uncertain, closed.http_status, closed.note) == (True, 200, "x")
    assert closed.answered_at is not None
    assert (closed.subject, closed.intended_at) == (open_one.subject, open_one.intended_at)
    assert closed.intended_at <= closed.answered_at


def test_another_process_sees_an_intent_that_has_no_outcome_yet(place: Path) -> None:
    writer = python(
        "number = receipts.intend('cancel', subject(batch_id=BATCH)); say('intended'); input()\n"
        "receipts.close(number, 'done', cancelled_sessions=3); say('closed'); input()",
        place,
    )
    assert line(writer) == "intended"
    ours = Receipts(place)
    assert [(r.operation, r.outcome) for r in ours.all()] == [("cancel", None)]
    go_on(writer)
    assert line(writer) == "closed"
    assert [(r.outcome, r.cancelled_sessions) for r in ours.all()] == [("done", 3)]
    go_on(writer)
    ended([writer])


def test_numbers_are_never_0_so_that_0_can_say_that_there_is_none(place: Path) -> None:
    assert [Receipts(place).intend("create", subject()) for _ in range(3)] == [1, 2, 3]


def test_receipts_that_are_off_keep_nothing_and_know_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    receipts = Receipts(None)
    number = receipts.intend("create", subject())
    assert (receipts.enabled, number) == (False, 0)
    receipts.close(number, "done", batch_id=BATCH)
    receipts.progress(number, ended_sessions=1)
    receipts.take_over(number, BATCH)
    receipts.mark_in_state(BATCH)
    assert receipts.all() == receipts.unsettled_creates(OWNER, URN) == receipts.unanswered_creates(OWNER) == []
    assert receipts.counts(BATCH) == Counts()
    receipts.end_run({BATCH})
    assert list(tmp_path.iterdir()) == []


def test_every_commit_reaches_the_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def connect_and_keep(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connect_and_keep)
    receipts = Receipts(place)
    receipts.intend("create", subject())
    (connection,) = opened
    assert tuple(connection.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    assert tuple(connection.execute("PRAGMA synchronous").fetchone()) == (2,)  # FULL
    assert not connection.in_transaction


def test_only_its_owner_may_look_into_the_folder(place: Path) -> None:
    Receipts(place).intend("create", subject())
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_nobody_else_may_read_it_even_in_a_folder_that_all_may_look_into(tmp_path: Path) -> None:
    place = tmp_path / "receipts.sqlite3"
    tmp_path.chmod(0o755)
    Receipts(place).intend("create", subject())
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name


def test_nothing_is_made_before_there_is_something_to_write(place: Path) -> None:
    Receipts(place)
    assert not place.parent.exists()


# kill -9


def test_kill_9_at_any_moment_loses_nothing_that_was_said_to_be_written(place: Path) -> None:
    dice = random.Random(20240607)
    intended: dict[str, str | None] = {}
    for _ in range(8):
        writer = python(
            "say('ready')\n"
            "for i in range(100000):\n"
            "    number = receipts.intend('end_sessions', subject(batch_id=BATCH)); say('intended', number)\n"
            "    receipts.progress(number, ended_sessions=i); say('progress', number)\n"
            "    receipts.close(number, 'done', ended_sessions=7); say('closed', number)",
            place,
        )
        assert line(writer) == "ready"
        time.sleep(dice.uniform(0, 0.15))
        writer.kill()
        for said in writer.communicate(timeout=30)[0].splitlines():
            if said.count(" ") == 1:
                intended[said.split()[1]] = said.split()[0]

        kept = {str(row["id"]): row for row in rows(place)} if place.exists() else {}
        assert intended.keys() <= kept.keys()
        for number, last in intended.items():
            # What was said is there; what was not said may be there too, whole.
            assert kept[number]["outcome"] == "done" or last != "closed"
            assert kept[number]["intended_at"]
            assert (kept[number]["outcome"] is None) == (kept[number]["answered_at"] is None)
    assert len(intended) > 8
    with sqlite3.connect(place) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert Receipts(place).intend("create", subject()) == len(rows(place))


@pytest.mark.parametrize("moment", ["before the folder", "after the intent", "in a transaction of its own"])
def test_whoever_was_killed_keeps_nobody_waiting(place: Path, moment: str) -> None:
    code = {
        "before the folder": "",
        "after the intent": "receipts.intend('create', subject())",
        "in a transaction of its own": (
            "import sqlite3\nreceipts.intend('create', subject())\n"
            "connection = sqlite3.connect(place, isolation_level=None)\n"
            "connection.execute('BEGIN IMMEDIATE'); connection.execute('DELETE FROM receipts')"
        ),
    }[moment]
    writer = python(f"{code}\nsay('now')\ntime.sleep(600)", place)
    assert line(writer) == "now"
    writer.kill()
    writer.communicate(timeout=30)
    before = time.monotonic()
    Receipts(place).intend("delete", subject(batch_id=BATCH))
    assert time.monotonic() - before < 5
    assert [row["operation"] for row in rows(place)] == [*(["create"] if code else []), "delete"]


def test_a_create_that_was_killed_before_its_answer_is_found_by_the_next_run(place: Path) -> None:
    writer = python("receipts.intend('create', subject()); say('now'); time.sleep(600)", place)
    line(writer)
    assert [r.subject.claim for r in Receipts(place).unsettled_creates(OWNER, URN)] == [CLAIM]
    writer.kill()
    writer.communicate(timeout=30)
    assert [r.subject.claim for r in Receipts(place).unanswered_creates(OWNER)] == [CLAIM]


# Many at once


def test_many_threads_of_many_processes_lose_nothing(place: Path) -> None:
    processes, threads, each = 4, 8, 10
    code = """
def write(thread):
    for i in range(int(args[3])):
        number = receipts.intend("delete", subject(batch_id=BATCH, claim=f"{args[1]}-{thread}-{i}"))
        assert receipts.counts(BATCH).deleted_uncertain
        receipts.close(number, "done", deleted_sessions=1)
workers = [threading.Thread(target=write, args=(t,)) for t in range(int(args[2]))]
input()
[w.start() for w in workers]; [w.join() for w in workers]
receipts.end_run(set())
"""
    writers = [python(code, place, number, threads, each) for number in range(processes)]
    for writer in writers:
        go_on(writer)
    ended(writers, seconds=120)
    kept = rows(place)
    claims = {f"{p}-{t}-{i}" for p in range(processes) for t in range(threads) for i in range(each)}
    assert {row["claim"] for row in kept} == claims
    assert len(kept) == len(claims)
    assert {row["outcome"] for row in kept} == {"done"}
    assert len({row["run"] for row in kept}) == processes
    assert Receipts(place).counts(BATCH) == Counts(deleted_sessions=len(claims))


def test_many_processes_may_be_the_first_to_open_it(place: Path) -> None:
    for attempt in range(3):
        folder = place.parent / str(attempt)
        writers = [
            python("input()\nreceipts.intend('create', subject(claim=args[1]))", folder / "receipts.sqlite3", number)
            for number in range(6)
        ]
        time.sleep(0.5)
        for writer in writers:
            go_on(writer)
        ended(writers)
        assert {row["claim"] for row in rows(folder / "receipts.sqlite3")} == {str(number) for number in range(6)}


def test_many_threads_of_one_process_may_be_the_first_to_open_it(place: Path) -> None:
    receipts, start = Receipts(place), threading.Barrier(16)

    def write(number: int) -> int:
        start.wait(30)
        return receipts.intend("create", subject(claim=str(number)))

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(write, range(16)))
    assert sorted(numbers) == list(range(1, 17))
    assert {receipt.id: int(receipt.subject.claim) for receipt in receipts.all()} == {
        number: claim for claim, number in enumerate(numbers)
    }


def test_what_many_threads_write_while_another_process_holds_the_lock_goes_to_the_disk_together(place: Path) -> None:
    receipts, statements = Receipts(place), []
    receipts.all()
    with receipts._writing.taken() as connection:  # noqa: SLF001
        connection.set_trace_callback(statements.append)
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(16) as pool:
        written = [pool.submit(receipts.intend, "delete", subject(claim=str(number))) for number in range(16)]
        while len(receipts._writer._waiting) < 15:  # noqa: SLF001  # the first is at the lock
            time.sleep(0.01)
        holder.execute("COMMIT")
    assert sorted(one.result() for one in written) == list(range(1, 17))
    assert {one.id: one.subject.claim for one in receipts.all()} == {
        one.result(): str(claim) for claim, one in enumerate(written)
    }
    assert statements.count("COMMIT") == 2


def test_what_is_written_together_fails_together_and_is_nobodys(place: Path) -> None:
    """Also where the reason is none that was expected, such as a number that SQLite cannot hold."""
    receipts = Receipts(place)
    number = receipts.intend("delete", subject())
    with ThreadPoolExecutor(3) as pool, receipts._writing.taken():  # noqa: SLF001
        alone = pool.submit(receipts.progress, number, ended_sessions=1)
        while receipts._writer._waiting:  # noqa: SLF001  # until it is about to write, and waits for the connection
            time.sleep(0.01)
        together = [pool.submit(receipts.progress, number, ended_sessions=count) for count in (2**70, 2)]
        while len(receipts._writer._waiting) < 2:  # noqa: SLF001
            time.sleep(0.01)
    assert alone.exception() is None
    failures = [one.exception() for one in together]
    assert all(isinstance(one, (OverflowError, ReceiptsUnavailable)) for one in failures), failures
    assert [receipt.ended_sessions for receipt in receipts.all()] == [1]
    receipts.progress(number, ended_sessions=3)
    assert [receipt.ended_sessions for receipt in receipts.all()] == [3]


def test_a_thread_that_is_interrupted_while_it_waits_holds_up_nobody(place: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    receipts = Receipts(place)
    number = receipts.intend("delete", subject())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            receipts.progress(number, ended_sessions=1)  # it is this one's turn
    with ThreadPoolExecutor(1) as pool:
        with receipts._writing.taken():  # noqa: SLF001
            other = pool.submit(receipts.progress, number, ended_sessions=2)
            while not receipts._writer._is_busy or receipts._writer._waiting:  # noqa: SLF001
                time.sleep(0.01)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(threading.Event, "wait", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    receipts.progress(number, ended_sessions=3)  # it is the other one's turn
        other.result(30)
    assert [receipt.ended_sessions for receipt in receipts.all()] == [2]
    receipts.progress(number, ended_sessions=4)
    assert [receipt.ended_sessions for receipt in receipts.all()] == [4]


def test_a_lock_that_somebody_holds_is_waited_for_and_then_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_anchorbrowser.receipts.connecting._BUSY_SECONDS", 1)
    Receipts(place).intend("create", subject())
    holder = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    ours = Receipts(place)
    ours.all()
    holder.execute("BEGIN IMMEDIATE")
    before = time.monotonic()
    with pytest.raises(ReceiptsUnavailable, match="locked"):
        ours.intend("delete", subject())
    assert 0.5 < time.monotonic() - before < 20
    assert len(ours.all()) == 1  # Readers do not wait for writers.
    threading.Timer(0.3, holder.execute, ["COMMIT"]).start()
    assert ours.intend("delete", subject()) == 2
    holder.close()


def test_a_second_store_in_a_process_leaves_the_first_one_its_locks(place: Path) -> None:
    """On POSIX, closing a file drops the locks that its process holds on it; a database loses its journal by that."""
    first = Receipts(place)
    first.intend("create", subject())
    journal = place.with_name(place.name + "-wal")
    before = journal.stat().st_ino
    second = Receipts(place)
    second.intend("cancel", subject(batch_id=BATCH))
    # Another process that comes and goes would take itself for the last one, and remove the journal.
    ended([python("receipts.intend('delete', subject())", place)])
    assert journal.stat().st_ino == before
    first.intend("delete", subject(batch_id=BATCH))
    assert len(second.all()) == 4
