"""The store of receipts: an SQLite file that threads and processes share. Reading creates and writes nothing."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple, get_args

from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.logs import is_off
from pulumi_anchorbrowser.receipts.receipt import Ending, Operation, Receipt, SessionEnding, Subject
from pulumi_anchorbrowser.receipts.unusable import BUSY_SECONDS, LOCKED, Unusable, cause_of

VARIABLE = "ANCHORBROWSER_RECEIPTS"
VERSION = 1
_APPLICATION = 0x616E6368  # marks the file as ours: another program's database is never written
_SCHEMA = (
    """CREATE TABLE receipts (
        id INTEGER PRIMARY KEY, run TEXT NOT NULL, operation TEXT NOT NULL,
        owner TEXT NOT NULL, urn TEXT NOT NULL, claim TEXT NOT NULL, account TEXT NOT NULL,
        batch_id TEXT, count INTEGER, intended_at TEXT NOT NULL,
        outcome TEXT, answered_at TEXT, http_status INTEGER,
        cancelled_sessions INTEGER, ended_sessions INTEGER, deleted_sessions INTEGER, failed_deletions INTEGER,
        still_running INTEGER, confirmed_at TEXT, was_lost INTEGER NOT NULL DEFAULT 0, note TEXT
    )""",
    """CREATE TABLE sessions (
        receipt INTEGER NOT NULL REFERENCES receipts, session_id TEXT NOT NULL, ending TEXT NOT NULL,
        PRIMARY KEY (receipt, session_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX receipts_by_batch ON receipts (batch_id)",
    "CREATE INDEX creates_by_owner ON receipts (owner, urn) WHERE operation = 'create'",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
_SUBJECT = ("owner", "urn", "claim", "account", "batch_id", "count")
_COUNTS = ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions", "still_running")
_ENDINGS: tuple[SessionEnding, ...] = get_args(SessionEnding)
_VALUES = frozenset({"batch_id", "count", "http_status", "was_lost", "note", "confirmed_at", *_COUNTS})
# So long no write waits again for a lock that one has waited for in vain: calls that stop browsers come after writes.
_LOCKED_SECONDS = 60
_A_CLOCK_TICK = 0.02
_LOGGER = logging.getLogger(__name__)
_creating = Lock()


class ReceiptsUnavailable(ExpectedError):
    """The receipts cannot be read or written."""

    anchor = "receipts-unavailable"


class Receipts:
    """The receipts in one file; none where `place` is None (turned off): then nothing is kept.

    `run` identifies this process among those that write. Every method raises ReceiptsUnavailable where the store
    cannot be used, and tries again at its next call; a write of a locked store only after a minute.
    """

    def __init__(self, place: Path | None, run: str | None = None) -> None:
        self.place = place
        self.run = run or secrets.token_hex(8)
        self._lock = Lock()
        # Opened by the first write, for all threads. Readers that write nothing open the file read-only, each time.
        self._connection: sqlite3.Connection | None = None
        self._locked_until = 0.0

    def begin(self, operation: Operation, subject: Subject) -> int:
        """Write that a call is about to be made. Return the receipt's number for `end`; 0 where receipts are off."""
        values = {"run": self.run, "operation": operation, "intended_at": _now()}
        values |= {name: getattr(subject, name) for name in _SUBJECT}
        return self._write(
            f"INSERT INTO receipts ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
            *values.values(),
        )

    def end(self, receipt: int, outcome: Ending, **values: Any) -> None:
        """Write how a call ended: `batch_id`, `http_status`, counts, `was_lost`, `note`, `confirmed_at`."""
        if unknown := values.keys() - _VALUES:
            raise TypeError(f"a receipt has no {', '.join(sorted(unknown))}")
        if receipt:
            values |= {"outcome": outcome, "answered_at": _now()}
            assignments = ", ".join(f"{name} = ?" for name in values)
            self._write(f"UPDATE receipts SET {assignments} WHERE id = ?", *values.values(), receipt)  # noqa: S608

    def session_ended(self, receipt: int, session_id: str, how: SessionEnding) -> None:
        """Write how the ending of one session ended, so that a run that is killed afterwards has not lost it."""
        if receipt:
            # A session that has ended stays ended, whatever a second request is answered.
            again = "ON CONFLICT DO UPDATE SET ending = excluded.ending WHERE ending <> 'ended'"
            self._write(f"INSERT INTO sessions VALUES (?, ?, ?) {again}", receipt, session_id, how)  # noqa: S608

    def of_batch(self, batch_id: str) -> list[Receipt]:
        """Return the receipts about this batch, oldest first."""
        return self._find("batch_id = ?", batch_id)

    def creates_without_end(self, owner: str) -> list[Receipt]:
        """Return the creates of a stack without a known end that earlier runs have begun."""
        without_end = "operation = 'create' AND run <> ? AND (outcome IS NULL OR outcome = 'unknown')"
        return self._find(f"owner = ? AND {without_end}", owner, self.run)

    def owner_of(self, batch_id: str) -> str | None:
        """Return the stack that started this batch; None for a batch that was not started from this machine."""
        found = self._find("batch_id = ? AND operation = 'create'", batch_id)
        return found[-1].subject.owner if found else None

    def all(self) -> list[Receipt]:
        """Return every receipt, oldest first."""
        return self._find("1")

    def close(self) -> None:
        """Close the file. It is opened again where it is needed again."""
        with self._lock, self._explained():
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _write(self, sql: str, *values: object) -> int:
        if self.place is None:
            return 0
        with self._lock, self._explained():
            if time.monotonic() < self._locked_until:
                raise Unusable(*LOCKED)
            if self._connection is None:
                self._connection = _open(_real(self.place))
            # One statement is one transaction: there is never anything to roll back.
            return self._connection.execute(sql, values).lastrowid or 0

    def _find(self, condition: str, *values: object) -> list[Receipt]:
        if self.place is None:
            return []
        ids = "(SELECT group_concat(session_id) FROM sessions WHERE receipt = receipts.id AND ending = '{0}') AS {0}"
        columns = ", ".join(("*", *(ids.format(ending) for ending in _ENDINGS)))
        sql = f"SELECT {columns} FROM receipts WHERE {condition} ORDER BY id"  # noqa: S608  # our own conditions
        with self._lock, self._explained():
            if self._connection is not None:
                return list(map(_receipt, self._connection.execute(sql, values)))
            return list(map(_receipt, _read(_real(self.place), sql, values)))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, Unusable) as error:
            cause, remedy = cause_of(self.place or Path(), error)
            if (cause, remedy) == LOCKED and isinstance(error, sqlite3.Error):
                self._locked_until = time.monotonic() + _LOCKED_SECONDS
            raise ReceiptsUnavailable(
                f"The receipts in {self.place} cannot be used: {cause}",
                f"{remedy}, name another file in {VARIABLE}, or turn receipts off with {VARIABLE}=off.",
            ) from None


def default_place(
    environ: Mapping[str, str] = os.environ, notify: Callable[[str], object] = _LOGGER.warning
) -> Path | None:
    """Return the file that ANCHORBROWSER_RECEIPTS names, None where it says `off`, else a file in Pulumi's home.

    Where that has no absolute path, since this user has no home folder say, it is None, and `notify` gets the reason.
    Raises ReceiptsUnavailable where that is the path in ANCHORBROWSER_RECEIPTS: Pulumi and the command line run in
    different folders, and each would have a file of its own.
    """
    chosen = environ.get(VARIABLE, "").strip()
    if is_off(chosen):
        return None
    folder = environ.get("PULUMI_HOME") or "~/.pulumi"
    try:
        place = Path(chosen or f"{folder}/anchorbrowser/receipts.sqlite3").expanduser()
    except RuntimeError:
        # There is neither a HOME nor an entry in the machine's list of users, as in some containers.
        reason = "this user has no home folder"
    else:
        if place.is_absolute():
            return place
        reason = f"{place} is not an absolute path"
    if chosen:
        advice = "Set it to an absolute path: Pulumi and the command line run in different folders."
        raise ReceiptsUnavailable(f"{VARIABLE} cannot be used: {reason}", advice)
    notify(f"Receipts are off: {reason}. Set {VARIABLE} to an absolute path, or to off.")
    return None


def _real(place: Path) -> Path:
    # SQLite keeps its own files beside the file that a link points to.
    return Path(os.path.realpath(place))


# Writing


def _open(place: Path) -> sqlite3.Connection:
    """Return a connection for all threads, in WAL mode, to a store that has the schema."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _creating:
        # Owners and batch ids are nobody else's business; SQLite's own files inherit the mode. A file that exists is
        # not opened: closing it would drop the locks of this process's other connections (POSIX).
        if _state(place) is None:
            place.touch(mode=0o600)
    connection = _connect(place, "mode=rw")
    try:
        # Before anything is written: WAL mode would be, to a database of another program too.
        with connection:
            connection.execute("BEGIN")
            _version(connection)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        # Fails for a file that cannot be written, and waits for whoever is creating the same store.
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in () if _version(connection) else _SCHEMA:
                connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:  # noqa: PERF203  # repeated only where it fails
            # Where several processes switch at once, SQLite refuses instead of waiting.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.05)


# Reading


def _read(place: Path, sql: str, values: tuple[object, ...]) -> list[sqlite3.Row]:
    """Return the rows. No file is created beside the store, and none is written.

    A read-only connection to a database in WAL mode creates the -wal and -shm files where there are none, and fails
    where it may not. Without a -wal file nobody has the store open, so the file is read as it stands. A -wal file
    without its -shm file (in an artifact, say), or in a folder that cannot be written, is read as a copy.
    """
    before = _state(place)
    if before is None:
        return []
    if not before.has_wal and (rows := _read_closed(place, before, sql, values)) is not None:
        return rows
    if not before.has_wal or _beside(place, "-shm").exists():
        try:
            return _query(place, "mode=ro", sql, values)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise
    with TemporaryDirectory() as folder:
        copy = Path(folder) / place.name
        for suffix in ("", "-wal"):
            if _beside(place, suffix).exists():
                shutil.copyfile(_beside(place, suffix), _beside(copy, suffix))
        return _query(copy, "mode=rw", sql, values)


def _read_closed(place: Path, before: _State, sql: str, values: tuple[object, ...]) -> list[sqlite3.Row] | None:
    """Return the rows of a file that nobody has open; None where somebody has changed it meanwhile."""
    if time.time_ns() - before.changed_at < _A_CLOCK_TICK * 1e9:
        # A second change within the same tick of the file system's clock would not show.
        time.sleep(_A_CLOCK_TICK)
    try:
        rows = _query(place, "immutable=1", sql, values)
    except sqlite3.DatabaseError:
        if _state(place) == before:
            raise
        return None
    return rows if _state(place) == before else None


def _query(place: Path, how: str, sql: str, values: tuple[object, ...]) -> list[sqlite3.Row]:
    with closing(_connect(place, how)) as connection:
        connection.execute("BEGIN")
        return connection.execute(sql, values).fetchall() if _version(connection) else []


def _connect(place: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{place.as_uri()}?{how}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    return connection


class _State(NamedTuple):
    inode: int
    size: int
    changed_at: int
    has_wal: bool


def _state(place: Path) -> _State | None:
    try:
        found = place.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("it is a folder or a device, not a file", "Move it away")
    return _State(found.st_ino, found.st_size, found.st_mtime_ns, _beside(place, "-wal").exists())


def _beside(place: Path, suffix: str) -> Path:
    return place.with_name(place.name + suffix)


def _version(connection: sqlite3.Connection) -> int:
    """Return the version of the schema; 0 for an empty database. Raises Unusable for one that is not to be used.

    To be called in a transaction: the store may be created between two of these reads.
    """
    (application,), (version,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    if application != _APPLICATION:
        if version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise Unusable("it is the database of another program", "Move it away")
        return 0
    if version > VERSION:
        reads = f"it was written by a newer release (version {version}; this release reads {VERSION})"
        raise Unusable(reads, "Install that release")
    return int(version)


def _receipt(row: sqlite3.Row) -> Receipt:
    values = dict(row)
    subject = Subject(**{name: values.pop(name) for name in _SUBJECT})
    for ending in _ENDINGS:
        values[ending] = tuple(sorted((values[ending] or "").split(","))) if values[ending] else ()
    if values["ended_sessions"] is None and values["ended"]:
        # The run was killed before the end of the call: what is known are the sessions that it had ended by then.
        values["ended_sessions"] = len(values["ended"])
    for name in ("intended_at", "answered_at"):
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return Receipt(**{**values, "subject": subject, "was_lost": bool(values["was_lost"])})


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
