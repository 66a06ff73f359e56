"""Subjects of receipts, and programs that write some: real processes, which can be killed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.receipts import Receipts, Subject

OWNER, OTHER_OWNER = "acme/shop/dev", "acme/shop/production"
URN, OTHER_URN = "urn:pulumi:dev::shop::anchorbrowser:Batch::a", "urn:pulumi:dev::shop::anchorbrowser:Batch::b"
CLAIM = "0123456789abcdef01234567"
ACCOUNT = "https://api.example.com#5a17:0f0f0f0f"
BATCH, OTHER_BATCH = "964bb823-e620-4758-ac4d-f9760511f4d8", "0f0e0d0c-0b0a-4908-8706-050403020100"


def subject(**given: Any) -> Subject:
    """Return what a call of the tests is about."""
    return Subject(**{"owner": OWNER, "urn": URN, "claim": CLAIM, "account": ACCOUNT, "count": 5, **given})


def python(code: str, *args: object, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a program that has `place`, `receipts` and `subject(...)`, and its arguments in `args`.

    `args[0]` is the place of its store; `before` is a command that starts it. It reports with `say`, to `line`.
    """
    return subprocess.Popen(
        [*before, sys.executable, "-c", f"{_PREAMBLE}\n{code}", *map(str, args)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(Path(__file__).parent)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that the program prints; empty when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def resume(process: subprocess.Popen[str]) -> None:
    """Let a program continue that waits in `input()`."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def ended(processes: Sequence[subprocess.Popen[str]], seconds: float = 60.0) -> list[str]:
    """Return what the programs still print, once all have ended with exit code 0."""
    printed = [process.communicate(timeout=seconds)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return printed


def killed(place: Path) -> None:
    """Leave the store of a writer that was killed: its last receipts are in SQLite's -wal file alone."""
    writer = python("receipts.begin('create', subject()); say('written'); time.sleep(600)", place)
    assert line(writer) == "written"
    writer.kill()
    writer.communicate(timeout=30)


def written(place: Path, *batches: str) -> Path:
    """Leave a closed store with a deletion of each of these batches."""
    receipts = Receipts(place)
    for batch in batches:
        receipts.end(receipts.begin("delete", subject(batch_id=batch)), "done", deleted_sessions=5)
    receipts.close()
    return place


def rows(place: Path) -> list[dict[str, Any]]:
    """Return the receipts as SQLite has them, read with none of the code under test."""
    with closing(sqlite3.connect(place)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM receipts ORDER BY id")]


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder with their content."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


_PREAMBLE = """
import os, sys, threading, time
from pathlib import Path
from store_support import BATCH, OWNER, subject
from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable
args = sys.argv[1:]
place = Path(args[0])
receipts = Receipts(place)
def say(*words):
    print(*words, flush=True)
"""
