"""Where receipts are kept; and a place that cannot be used is told of, with what to do."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from receipts.store_support import BATCH, OWNER, URN, python, rows, subject

from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable, default_place


def test_the_place_is_in_pulumis_home() -> None:
    assert default_place({"PULUMI_HOME": "/home-of-pulumi"}) == Path("/home-of-pulumi/anchorbrowser/receipts.sqlite3")
    assert default_place({}) == Path.home() / ".pulumi" / "anchorbrowser" / "receipts.sqlite3"
    assert default_place({"PULUMI_HOME": ""}) == default_place({})


def test_a_variable_names_another_file() -> None:
    environ = {"PULUMI_HOME": "/home-of-pulumi", "ANCHORBROWSER_RECEIPTS": "~/my/receipts.db"}
    assert default_place(environ) == Path.home() / "my" / "receipts.db"
    assert default_place({**environ, "ANCHORBROWSER_RECEIPTS": ""}) == default_place({"PULUMI_HOME": "/home-of-pulumi"})


@pytest.mark.parametrize("word", ["off", "OFF", " Off ", "false", "no", "0"])
def test_a_variable_turns_receipts_off(word: str) -> None:
    assert default_place({"PULUMI_HOME": "/home-of-pulumi", "ANCHORBROWSER_RECEIPTS": word}) is None


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("in the way")
    return folder / "file" / "receipts.sqlite3"


def a_folder(folder: Path) -> Path:
    (folder / "folder").mkdir()
    return folder / "folder"


def no_database(folder: Path) -> Path:
    (folder / "notes.txt").write_text("These are my notes, and they are to stay as they are.\n" * 100)
    return folder / "notes.txt"


def cut_short(folder: Path) -> Path:
    place = folder / "cut.sqlite3"
    receipts = Receipts(place)
    for _ in range(50):
        receipts.close(receipts.intend("delete", subject(batch_id=BATCH)), "done", note="x" * 200)
    receipts.end_run(set())
    whole = place.read_bytes()
    assert len(whole) > 3 * 4096
    place.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    return place


def of_another_kind(folder: Path) -> Path:
    place = folder / "receipts-of-a-shop.sqlite3"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE receipts (customer TEXT, total INTEGER)")
    return place


def on_a_file_system_that_cannot_be_written(_: Path) -> Path:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    return Path("/proc/self/receipts.sqlite3")


def below_a_file_system_that_cannot_be_written(folder: Path) -> Path:
    return on_a_file_system_that_cannot_be_written(folder).parent / "anchorbrowser" / "receipts.sqlite3"


def forbidden(folder: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (folder / "closed").mkdir(mode=0o500)
    return folder / "closed" / "receipts.sqlite3"


UNUSABLE = [
    below_a_file,
    a_folder,
    no_database,
    cut_short,
    of_another_kind,
    on_a_file_system_that_cannot_be_written,
    below_a_file_system_that_cannot_be_written,
    forbidden,
]
CALLS: list[Callable[[Receipts], Any]] = [
    lambda receipts: receipts.intend("create", subject()),
    lambda receipts: receipts.all(),
    lambda receipts: receipts.counts(BATCH),
    lambda receipts: receipts.unsettled_creates(OWNER, URN),
    lambda receipts: receipts.unanswered_creates(OWNER),
    lambda receipts: receipts.mark_in_state(BATCH),
]


@pytest.mark.parametrize("unusable", UNUSABLE)
def test_an_unusable_place_is_named_with_the_reason_and_what_to_do(
    tmp_path: Path, unusable: Callable[[Path], Path]
) -> None:
    place = unusable(tmp_path)
    before = place.read_bytes() if place.is_file() else None
    for call in CALLS:
        with pytest.raises(ReceiptsUnavailable) as caught:
            call(Receipts(place))
        told = str(caught.value)
        assert str(place) in told
        assert "ANCHORBROWSER_RECEIPTS=off" in told
        assert "\n" not in told
        assert "cannot be used: ." not in told
    Receipts(place).end_run({BATCH})
    if before is not None and unusable is no_database:
        assert place.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on file sizes to be had")
def test_a_disk_that_becomes_full_is_told_and_nothing_that_was_written_is_lost(tmp_path: Path) -> None:
    code = """
import resource, signal
from pulumi_anchorbrowser.receipts import ReceiptsUnavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
receipts.intend("create", subject())
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    while True:
        receipts.intend("delete", subject(batch_id=BATCH, claim="x" * 500)); say("one more")
except ReceiptsUnavailable as error:
    say(error)
say(len(receipts.all()))
"""
    place = tmp_path / "receipts.sqlite3"
    writer = python(code, place)
    said = writer.communicate(timeout=60)[0].splitlines()
    written = said.count("one more") + 1
    assert str(place) in said[-2]
    assert said[-1] == str(written)
    assert len(rows(place)) == written
    assert Receipts(place).intend("create", subject()) == written + 1
    assert sum(receipt.operation == "create" for receipt in Receipts(place).all()) == 2


def test_a_place_that_becomes_usable_is_used_from_then_on(tmp_path: Path) -> None:
    place = below_a_file(tmp_path)
    receipts = Receipts(place)
    with pytest.raises(ReceiptsUnavailable):
        receipts.intend("create", subject())
    place.parent.unlink()
    assert receipts.intend("create", subject()) == 1
