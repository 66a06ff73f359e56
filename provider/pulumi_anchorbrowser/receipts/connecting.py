"""Opening the store: durable at every commit, safe where many open it for the first time at once."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from threading import Lock

from pulumi_anchorbrowser.receipts.schema import bring_up_to_date

_BUSY_SECONDS = 30
_PAUSE_SECONDS = 0.05
_opening = Lock()


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
