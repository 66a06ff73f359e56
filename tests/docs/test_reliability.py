"""Each promise of docs/reliability.md names tests that exist, and that the command it names runs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from docs.pages import DOCS, ROOT

HEAD = "| promise | fault | shown by |"
# A place, and what of it `make test` leaves to another command: all of it, or the part before the colon.
PLACE = re.compile(r"`(tests/[^`]+)`(?: \((?P<part>[^):]+: )?(?P<command>long|`make [a-z-]+`)\))?")


def rows() -> list[str]:
    """What stands in the last column of each row of the table of promises."""
    table = (DOCS / "reliability.md").read_text(encoding="utf-8").partition(HEAD)[2].partition("\n\n")[0]
    return [line.strip("| ").rpartition("|")[2] for line in table.splitlines()[2:]]


def places(command: str | None) -> list[str]:
    """The files and folders that rows name as shown by this command; None: by `make test`."""
    found = set()
    for row in rows():
        for place, part, other in PLACE.findall(row):
            if command is None and (part or not other):
                found.add(place)
            if command is not None and other == command:
                found.add(place)
    return sorted(found)


def collected(named: list[str], *options: str) -> list[str]:
    """Those of the places in which pytest finds a test with these options."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *options, *named]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    return [place for place in named if any(one.startswith((f"{place}/", f"{place}::")) for one in listed)]


def test_every_promise_names_a_test() -> None:
    assert len(rows()) >= 15
    assert [row for row in rows() if not PLACE.search(row)] == []


def test_every_mark_of_a_test_is_one_that_the_page_explains() -> None:
    marks = re.findall(r"`tests/[^`]+` \(([^)]*)\)", "\n".join(rows()))
    named = {mark.rpartition(": ")[2] for mark in marks if "`" in mark or "long" in mark}
    assert named == {"long", "`make long-lives`"}
    assert re.search(r"^long-lives:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.long
def test_every_test_that_is_marked_as_long_is_one_that_make_long_tests_runs() -> None:
    assert collected(places("long"), "-m", "long") == places("long")


@pytest.mark.long
def test_every_other_test_is_one_that_make_test_runs() -> None:
    assert collected(places(None)) == places(None)
