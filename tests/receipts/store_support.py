"""Subjects of receipts, and processes that write some: real ones, that can be killed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.receipts import Subject

OWNER, OTHER_OWNER = "acme/shop/dev", "acme/shop/production"
URN, OTHER_URN = "urn:pulumi:dev::shop::anchorbrowser:Batch::a", "urn:pulumi:dev::shop::anchorbrowser:Batch::b"
CLAIM = "0123456789abcdef01234567"
ACCOUNT = "https://api.example.com#5a17:0f0f0f0f"
BATCH, OTHER_BATCH = "964bb823-e620-4758-ac4d-f9760511f4d8", "0f0e0d0c-0b0a-4908-8706-050403020100"


def subject(**given: Any) -> Subject:
    """What a call of the tests is about."""
    return Subject(**{"owner": OWNER, "urn": URN, "claim": CLAIM, "account": ACCOUNT, "count": 5, **given})


def python(code: str, *args: object) -> subprocess.Popen[str]:
    """A process that has `place`, `receipts` and `subject(...)` at hand, and its arguments in `args`; args[0] is the
    place of its store. It says what it has done on its output, where `line()` of this module reads it."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{_PREAMBLE}\n{code}", *map(str, args)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(Path(__file__).parent)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    """The next thing that the process says; empty when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    """Lets a process go on that waits in `input()`."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def ended(processes: Sequence[subprocess.Popen[str]], seconds: float = 60.0) -> list[str]:
    """What the processes still said, once all have ended well."""
    said = [process.communicate(timeout=seconds)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


def rows(place: Path) -> list[dict[str, Any]]:
    """The receipts as SQLite has them, read with none of the code under test."""
    connection = sqlite3.connect(place)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM receipts ORDER BY id")]
    finally:
        connection.close()


_PREAMBLE = """
import os, sys, threading, time
from pathlib import Path
from store_support import BATCH, subject
from pulumi_anchorbrowser.receipts import Receipts
args = sys.argv[1:]
place = Path(args[0])
receipts = Receipts(place)
def say(*words):
    print(*words, flush=True)
"""
