"""The store: SQLite in WAL mode, durable at every commit, shared by threads and processes."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from pulumi_anchorbrowser.receipts.connecting import ReceiptsUnavailable, SharedConnection
from pulumi_anchorbrowser.receipts.receipt import Counts, Operation, Outcome, Receipt, Subject
from pulumi_anchorbrowser.receipts.schema import transaction
from pulumi_anchorbrowser.receipts.writing import Writer

_SUBJECT = ("owner", "urn", "claim", "account", "batch_id", "count", "fingerprint")


class Receipts:
    """All receipts of a machine, or none where `place` is None (turned off): then nothing is kept or known.

    Every method but `end_run` raises ReceiptsUnavailable where the store cannot be used.
    """

    def __init__(self, place: Path | None) -> None:
        self.place = place
        self.run = secrets.token_hex(8)
        # One to read while the other waits for the disk.
        self._reading, self._writing = SharedConnection(place), SharedConnection(place)
        self._writer = Writer(self._writing)

    @property
    def enabled(self) -> bool:
        """Whether receipts are kept at all."""
        return self.place is not None

    def intend(self, operation: Operation, subject: Subject) -> int:
        """Write down that a call is about to be made; its number, for `close`. 0 where receipts are off."""
        if self.place is None:
            return 0
        columns = ("run", "operation", "intended_at", *_SUBJECT)
        values = (self.run, operation, _now(), *(getattr(subject, name) for name in _SUBJECT))
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO receipts ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  # our own names
        return cast("int", self._writer.write(sql, values))

    def close(self, receipt: int, outcome: Outcome, **values: Any) -> None:
        """Write down how a call ended: its batch_id, http_status, counts, uncertain and note."""
        if self.place is not None:
            self._set(receipt, outcome=outcome, answered_at=_now(), **values)

    def take_over(self, receipt: int, batch_id: str) -> None:
        """The batch of an earlier, unsettled create is now this run's; it is not in a state yet."""
        if self.place is not None:
            now_known = {"http_status": None, "note": None, "run": self.run, "in_state": 0}
            self._set(receipt, outcome="done", answered_at=_now(), batch_id=batch_id, **now_known)

    def progress(self, receipt: int, *, ended_sessions: int) -> None:
        """Write down how far the ending of sessions has come, should we be stopped before it is over."""
        if self.place is not None:
            self._set(receipt, ended_sessions=ended_sessions)

    def unsettled_creates(self, owner: str, urn: str) -> list[Receipt]:
        """Creates of this resource, by earlier runs, whose batch may exist without any state that knows it."""
        unknown_or_undelivered = "(outcome IS NULL OR outcome = 'unknown' OR (outcome = 'done' AND NOT in_state))"
        return self._find(f"owner = ? AND urn = ? AND operation = 'create' AND run <> ? AND {unknown_or_undelivered}",
                          owner, urn, self.run)  # fmt: skip

    def superseded_creates(self, owner: str, urn: str, batch_id: str | None) -> list[Receipt]:
        """Those of them that made, or may have made, another batch than the one that the state has."""
        return [one for one in self.unsettled_creates(owner, urn) if one.subject.batch_id != batch_id]

    def unanswered_creates(self, owner: str) -> list[Receipt]:
        """Creates of this stack, by earlier runs, that no answer is known of: their batches are in no state."""
        return self._find(
            "owner = ? AND operation = 'create' AND run <> ? AND (outcome IS NULL OR outcome = 'unknown')",
            owner, self.run,
        )  # fmt: skip

    def counts(self, batch_id: str) -> Counts:
        """What the API has said of this batch so far."""
        found = self._find("batch_id = ?", batch_id)

        def total(name: str) -> int | None:
            said = [getattr(receipt, name) for receipt in found if getattr(receipt, name) is not None]
            return sum(said) if said else None

        def uncertain(operation: Operation) -> bool:
            return any(r.operation == operation and (r.uncertain or r.outcome in {None, "unknown"}) for r in found)

        return Counts(
            cancelled_sessions=total("cancelled_sessions"),
            ended_sessions=total("ended_sessions"),
            deleted_sessions=total("deleted_sessions"),
            ended_uncertain=uncertain("end_sessions"),
            deleted_uncertain=uncertain("delete"),
        )

    def owner_of(self, batch_id: str) -> str | None:
        """The stack that started this batch; None where it was not started from this machine."""
        found = self._find("batch_id = ? AND operation = 'create'", batch_id)
        return found[-1].subject.owner if found else None

    def mark_in_state(self, batch_id: str) -> None:
        """The engine has named this batch to us, so its state knows it."""
        if self._find("batch_id = ? AND operation = 'create' AND NOT in_state", batch_id):
            self._writer.write("UPDATE receipts SET in_state = 1 WHERE batch_id = ?", (batch_id,))

    def end_run(self, delivered: set[str]) -> None:
        """The host ends in good order, so the engine has received, and saved, what these creates answered."""
        try:
            if self._writing.is_open:
                with self._writing.taken() as connection, transaction(connection):
                    sql = "UPDATE receipts SET in_state = 1 WHERE run = ? AND operation = 'create' AND batch_id = ?"
                    connection.executemany(sql, [(self.run, batch_id) for batch_id in delivered])
            self._reading.close()
            self._writing.close()
        except (ReceiptsUnavailable, sqlite3.Error):
            return  # Then the next run looks after these batches, as after a crash.

    def all(self) -> list[Receipt]:
        """Every receipt, oldest first."""
        return self._find("1")

    def _set(self, receipt: int, **values: Any) -> None:
        assignments = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE receipts SET {assignments} WHERE id = ?"  # noqa: S608  # our own names
        self._writer.write(sql, (*values.values(), receipt))

    def _find(self, condition: str, *values: Any) -> list[Receipt]:
        if self.place is None:
            return []
        with self._reading.taken() as connection:
            sql = f"SELECT * FROM receipts WHERE {condition} ORDER BY id"  # noqa: S608  # our own conditions
            return [_receipt(row) for row in connection.execute(sql, values)]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _receipt(row: sqlite3.Row) -> Receipt:
    values = {name: row[name] for name in row.keys() if name not in _SUBJECT}  # noqa: SIM118  # a Row is no mapping
    known = {name: value for name, value in values.items() if name in Receipt.__dataclass_fields__}
    known |= {name: bool(values[name]) for name in ("uncertain", "in_state")}
    known |= {name: _time(values[name]) for name in ("intended_at", "answered_at")}
    return Receipt(subject=Subject(**{name: row[name] for name in _SUBJECT}), **known)
