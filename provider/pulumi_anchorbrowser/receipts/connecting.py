"""Opening the store: durable at every commit, safe where many open it for the first time at once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from pulumi_anchorbrowser.receipts.schema import NewerStore, bring_up_to_date

_BUSY_SECONDS = 30
_PAUSE_SECONDS = 0.05
_opening = Lock()


class ReceiptsUnavailable(Exception):
    """The store cannot be read or written: where it is, why, and what to do."""

    def __init__(self, place: Path | None, reason: object) -> None:
        mend = "Use that release" if isinstance(reason, NewerStore) else "Make that file and its folder writable"
        super().__init__(
            f"The receipts in {place} cannot be used: {reason}. {mend}, name another one in ANCHORBROWSER_RECEIPTS, "
            "or turn receipts off with ANCHORBROWSER_RECEIPTS=off"
        )


class SharedConnection:
    """A connection that is opened at its first use, and that threads take in turns. `place` is None for none at all."""

    def __init__(self, place: Path | None) -> None:
        self.place = place
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was ever used."""
        return self._connection is not None

    @contextmanager
    def taken(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone. Raises ReceiptsUnavailable."""
        if self.place is None:
            raise ValueError("receipts are turned off")
        with self._lock:
            try:
                self._connection = self._connection or connect(self.place)
                yield self._connection
            except (sqlite3.Error, OSError, NewerStore) as error:
                raise ReceiptsUnavailable(self.place, error) from None

    def close(self) -> None:
        """Close it for good, where it was used."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()


def connect(place: Path) -> sqlite3.Connection:
    """A connection for all threads, which take turns; whoever uses it begins and ends its transactions.

    Raises sqlite3.Error, OSError, and NewerStore for a store of a later release.
    """
    with _opening:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It tells owners and batch ids, which are nobody else's business; SQLite's own files inherit the mode. A file
        # that is there is not opened: closing it again would drop the locks of this process's other connections.
        place.touch(mode=0o600)
        connection = sqlite3.connect(place, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    bring_up_to_date(connection)
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Where several processes do this at once, SQLite refuses instead of waiting."""
    until = time.monotonic() + _BUSY_SECONDS
    while (refusal := _refusal_of_wal(connection)) is not None:
        if time.monotonic() > until:
            raise refusal
        time.sleep(_PAUSE_SECONDS)


def _refusal_of_wal(connection: sqlite3.Connection) -> sqlite3.OperationalError | None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return error
        raise
    return None
