"""The store's schema, step by step. A step, once released, never changes: a later one is added."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_STEPS = (
    """
    CREATE TABLE receipts (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        operation TEXT NOT NULL,
        owner TEXT NOT NULL,
        urn TEXT NOT NULL,
        claim TEXT NOT NULL,
        account TEXT NOT NULL,
        batch_id TEXT,
        count INTEGER,
        fingerprint TEXT,
        intended_at TEXT NOT NULL,
        outcome TEXT,
        answered_at TEXT,
        http_status INTEGER,
        cancelled_sessions INTEGER,
        ended_sessions INTEGER,
        deleted_sessions INTEGER,
        failed_deletions INTEGER,
        uncertain INTEGER NOT NULL DEFAULT 0,
        note TEXT,
        in_state INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX receipts_by_batch ON receipts (batch_id);
    CREATE INDEX receipts_by_urn ON receipts (owner, urn, operation);
    """,
)
VERSION = len(_STEPS)


class NewerStore(Exception):
    """The store was written by a later release."""


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Bring an empty or older store to this version. Safe when several processes do it at once."""
    with transaction(connection):
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > VERSION:
            raise NewerStore(f"it was written by a later release (version {found}; this one reads {VERSION})")
        for step in _STEPS[found:]:
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; other processes that write wait meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
