"""Where receipts are kept; and an error for a place that cannot be used says why, and what to do."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from receipts.store_support import BATCH, OWNER, python, rows, subject, written

from pulumi_anchorbrowser.errors import ExpectedError, printed
from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable, default_place

# The place


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
    reasons: list[str] = []
    environ = {"PULUMI_HOME": "/home-of-pulumi", "ANCHORBROWSER_RECEIPTS": word}
    assert default_place(environ, reasons.append) is None
    assert reasons == []


@pytest.mark.parametrize("path", ["receipts.sqlite3", "./receipts.sqlite3", "../kept/receipts.sqlite3"])
def test_a_relative_path_in_the_variable_is_refused_because_pulumi_and_the_command_line_would_have_two_files(
    path: str,
) -> None:
    with pytest.raises(ReceiptsUnavailable) as caught:
        default_place({"ANCHORBROWSER_RECEIPTS": path})
    assert "is not an absolute path" in str(caught.value)
    assert str(Path(path)) in str(caught.value)
    assert "ANCHORBROWSER_RECEIPTS" in str(caught.value)


def test_a_relative_home_of_pulumi_turns_receipts_off_with_a_reason() -> None:
    reasons: list[str] = []
    assert default_place({"PULUMI_HOME": "home"}, reasons.append) is None
    (reason,) = reasons
    assert re.match(r"Receipts are off: home\S* is not an absolute path\. Set ANCHORBROWSER_RECEIPTS", reason)


@pytest.mark.parametrize("variable", ["", "/named/receipts.sqlite3", "~/receipts.sqlite3"])
def test_a_user_without_a_home_folder_gets_one_line_and_no_traceback(tmp_path: Path, variable: str) -> None:
    code = """
from pulumi_anchorbrowser.receipts import default_place
for name in ("HOME", "PULUMI_HOME", "USERPROFILE"):
    os.environ.pop(name, None)
try:
    import pwd
    nobody = next(uid for uid in range(54321, 60000) if uid not in {entry.pw_uid for entry in pwd.getpwall()})
    os.setuid(nobody)
except (ImportError, PermissionError):
    say("skip"); sys.exit()
try:
    say(default_place({"ANCHORBROWSER_RECEIPTS": args[1]}, say))
except ReceiptsUnavailable as error:
    say("refused:", error)
"""
    program = python(code, tmp_path / "unused", variable)
    said = program.communicate(timeout=30)[0].splitlines()
    if said == ["skip"]:
        pytest.skip("only root may become a user that the machine does not know")
    if variable.startswith("/"):
        assert said == [variable]
    elif variable:
        (refusal,) = said
        assert refusal.startswith("refused: ANCHORBROWSER_RECEIPTS cannot be used: this user has no home folder")
    else:
        reason, place = said
        assert reason.startswith("Receipts are off: this user has no home folder. Set ANCHORBROWSER_RECEIPTS")
        assert place == "None"


# Places that cannot be used


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("in the way")
    return folder / "file" / "anchorbrowser" / "receipts.sqlite3"


def directly_below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("in the way")
    return folder / "file" / "receipts.sqlite3"


def a_folder(folder: Path) -> Path:
    (folder / "folder").mkdir()
    return folder / "folder"


def no_database(folder: Path) -> Path:
    (folder / "notes.txt").write_text("These are my notes, and they are to stay as they are.\n" * 100)
    return folder / "notes.txt"


def damaged(folder: Path) -> Path:
    place = written(folder / "damaged.sqlite3", *["x" * 300] * 50)
    whole = place.read_bytes()
    assert len(whole) > 3 * 4096
    place.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    return place


def without_its_table(folder: Path) -> Path:
    place = written(folder / "receipts.sqlite3", BATCH)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("DROP TABLE receipts")
    return place


def of_another_program(folder: Path) -> Path:
    place = folder / "receipts-of-a-shop.sqlite3"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE receipts (customer TEXT, total INTEGER)")
        connection.execute("PRAGMA user_version = 1")
    return place


def of_a_newer_release(folder: Path) -> Path:
    place = written(folder / "newer.sqlite3", BATCH)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA user_version = 99")
    return place


UNUSABLE: dict[Callable[[Path], Path], tuple[str, str]] = {
    below_a_file: ("file is a file, not a folder", "Move it away"),
    directly_below_a_file: ("file is a file, not a folder", "Move it away"),
    a_folder: ("it is a folder or a device, not a file", "Move it away"),
    no_database: ("it is not an SQLite database", "Move it away"),
    damaged: ("the file is damaged", "Move it away"),
    without_its_table: ("the file is damaged", "Move it away"),
    of_another_program: ("it is the database of another program", "Move it away"),
    of_a_newer_release: (
        "it was written by a newer release (version 99; this release reads 1)",
        "Install that release",
    ),
}
CALLS: list[Callable[[Receipts], Any]] = [
    lambda receipts: receipts.begin("create", subject()),
    lambda receipts: receipts.end(1, "done", batch_id=BATCH),
    lambda receipts: receipts.session_ended(1, "s1", "ended"),
    lambda receipts: receipts.all(),
    lambda receipts: receipts.of_batch(BATCH),
    lambda receipts: receipts.owner_of(BATCH),
    lambda receipts: receipts.creates_without_end(OWNER),
]


@pytest.mark.parametrize("unusable", UNUSABLE)
def test_an_unusable_place_is_named_with_its_cause_and_what_to_do_and_is_left_as_it_is(
    tmp_path: Path, unusable: Callable[[Path], Path]
) -> None:
    place, (cause, remedy) = unusable(tmp_path), UNUSABLE[unusable]
    before = place.read_bytes() if place.is_file() else None
    for call in CALLS:
        receipts = Receipts(place)
        if unusable is without_its_table and call is CALLS[2]:
            continue  # That table is still there.
        with pytest.raises(ReceiptsUnavailable) as caught:
            call(receipts)
        assert isinstance(caught.value, ExpectedError)
        assert caught.value.explanation.startswith(f"The receipts in {place} cannot be used: ")
        assert caught.value.explanation.endswith(cause)
        assert caught.value.advice.startswith(f"{remedy}, ")
        assert caught.value.advice.endswith("ANCHORBROWSER_RECEIPTS=off.")
        assert "explain receipts-unavailable" in printed(caught.value)
        receipts.close()
    if before is not None and unusable is not without_its_table:
        assert place.read_bytes() == before
        assert not place.with_name(f"{place.name}-wal").exists()


def test_a_place_on_a_file_system_without_files_of_its_own_is_an_error_for_writers() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    for place in (Path("/proc/self/receipts.sqlite3"), Path("/proc/self/anchorbrowser/receipts.sqlite3")):
        with pytest.raises(ReceiptsUnavailable, match="cannot be used: no such file or directory"):
            Receipts(place).begin("create", subject())
        assert Receipts(place).all() == []


def test_too_many_open_files_are_named_as_the_cause(tmp_path: Path) -> None:
    code = """
import resource
receipts.begin("create", subject()); receipts.close()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
while True:
    try:
        held.append(open(os.devnull))
    except OSError:
        break
for call in (receipts.all, lambda: receipts.begin("delete", subject())):
    try:
        call()
    except ReceiptsUnavailable as error:
        say(error)
held.clear()
say(len(receipts.all()))
"""
    said = python(code, tmp_path / "receipts.sqlite3").communicate(timeout=30)[0].splitlines()
    assert len(said) == 3
    assert "too many open files" in said[0]
    assert "too many open files" in said[1]
    assert said[2] == "1"


def small_disk(folder: Path) -> list[str]:
    """Return the command that starts a program on a disk of 256 KiB of its own, at this folder."""
    mount = f"mount -t tmpfs -o size=256k tmpfs '{folder}' && exec \"$@\""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk of one's own")
    return command


@pytest.mark.parametrize("is_open", [True, False])
def test_a_full_disk_is_named_as_the_cause_and_nothing_that_was_written_is_lost(tmp_path: Path, is_open: bool) -> None:
    code = """
from contextlib import suppress
def fill():
    with suppress(OSError), open(place.parent / "ballast", "ab", buffering=0) as ballast:
        while True:
            ballast.write(bytes(1024))
if args[1] == "True":
    receipts.begin("create", subject())
fill()
written = len(receipts.all())
try:
    while True:
        receipts.begin("delete", subject(batch_id=BATCH, claim="x" * 500)); written += 1
except ReceiptsUnavailable as error:
    say(error)
say(len(receipts.all()) == written)
(place.parent / "ballast").unlink()
say(receipts.begin("create", subject()) == written + 1)
"""
    program = python(code, tmp_path / "receipts.sqlite3", is_open, before=small_disk(tmp_path))
    said = program.communicate(timeout=60)[0].splitlines()
    assert len(said) == 3
    assert said[0].startswith(
        f"The receipts in {tmp_path / 'receipts.sqlite3'} cannot be used: the disk is full. Free some space on it, "
    )
    assert said[1:] == ["True", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on file sizes to be had")
def test_a_file_that_may_not_grow_is_an_error_and_nothing_that_was_written_is_lost(tmp_path: Path) -> None:
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
receipts.begin("create", subject())
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
written = 1
try:
    while True:
        receipts.begin("delete", subject(batch_id=BATCH, claim="x" * 500)); written += 1
except ReceiptsUnavailable as error:
    say(error)
say(written, len(receipts.all()))
"""
    place = tmp_path / "receipts.sqlite3"
    said = python(code, place).communicate(timeout=60)[0].splitlines()
    assert "disk I/O error" in said[0]
    assert "rollback" not in said[0]
    written_ones, kept = said[1].split()
    assert written_ones == kept == str(len(rows(place)))
    assert Receipts(place).begin("create", subject()) == int(kept) + 1


@pytest.mark.parametrize("call", ["receipts.all()", "receipts.begin('create', subject())"])
def test_a_folder_that_this_user_may_not_open_is_named_as_the_cause(open_folder: Path, call: str) -> None:
    place = written(open_folder / "closed" / "receipts.sqlite3", BATCH)
    place.parent.chmod(0o000)
    code = f"""
if os.geteuid() == 0:
    os.setuid(65534)  # root may open everything
try:
    {call}
except ReceiptsUnavailable as error:
    say(error)
"""
    said = python(code, place).communicate(timeout=30)[0]
    place.parent.chmod(0o700)
    assert "cannot be used: permission denied. Make that file and its folder writable" in said


def test_a_place_that_becomes_usable_is_used_from_then_on(tmp_path: Path) -> None:
    place = below_a_file(tmp_path)
    receipts = Receipts(place)
    with pytest.raises(ReceiptsUnavailable):
        receipts.begin("create", subject())
    (tmp_path / "file").unlink()
    assert receipts.begin("create", subject()) == 1
