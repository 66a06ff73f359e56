"""Each promise of docs/reliability.md names tests that exist, and that the command it names runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import DOCS, ROOT

HEAD = "| promise | fault | shown by |"
PLACE = re.compile(r"`(tests/[^`]+)`( \(long\))?")


def rows() -> list[str]:
    """What stands in the last column of each row of the table of promises."""
    table = (DOCS / "reliability.md").read_text(encoding="utf-8").partition(HEAD)[2].partition("\n\n")[0]
    return [line.strip("| ").rpartition("|")[2] for line in table.splitlines()[2:]]


def places(*, long: bool) -> list[str]:
    """The files and folders that rows name as shown by `make test`, or by `make test-long`."""
    return sorted({place for row in rows() for place, mark in PLACE.findall(row) if bool(mark) is long})


def test_every_promise_names_a_test() -> None:
    assert len(rows()) >= 15
    assert [row for row in rows() if not PLACE.search(row)] == []


def test_every_test_that_is_marked_as_long_exists() -> None:
    files = {place: [ROOT / place, *(ROOT / place).glob("test_*.py")] for place in places(long=True)}
    assert [place for place, paths in files.items() if not any(map(Path.is_file, paths))] == []


@pytest.mark.long
def test_every_other_test_is_one_that_make_test_runs() -> None:
    named = places(long=False)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *named]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    assert [place for place in named if not any(one.startswith((f"{place}/", f"{place}::")) for one in listed)] == []
