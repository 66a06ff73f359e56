"""Writing together: all writes that wait for the disk go there in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from pulumi_anchorbrowser.receipts.connecting import ReceiptsUnavailable, SharedConnection
from pulumi_anchorbrowser.receipts.schema import transaction


class Writer:
    """Writes for many threads. Whoever's turn it is writes for all that wait, and then hands the turn on.

    Each waits for its own turn or outcome: threads that queued for one lock, each only to learn that its write is
    done, would hold up those that still have one to make.
    """

    def __init__(self, connection: SharedConnection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._waiting: list[_Write] = []
        self._is_busy = False

    def write(self, sql: str, values: Sequence[Any]) -> int | None:
        """The new row's number, when the write has reached the disk. Raises ReceiptsUnavailable."""
        mine = _Write(sql, values)
        with self._lock:
            self._waiting.append(mine)
            if not self._is_busy:
                self._is_busy = True
                mine.turn.set()
        try:
            mine.turn.wait()
        except BaseException:
            self._leave(mine)
            raise
        if not mine.is_over:
            self._write_all_that_wait()
        if mine.error is not None:
            raise mine.error
        return mine.row

    def _write_all_that_wait(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            with self._connection.taken() as connection, transaction(connection):
                for one in group:
                    one.row = connection.execute(one.sql, one.values).lastrowid
        except ReceiptsUnavailable as error:
            _failed(group, error)
        except BaseException as error:
            # Nothing of it is on the disk, and nobody else may think so.
            _failed(group, ReceiptsUnavailable(self._connection.place, repr(error)))
            raise
        finally:
            for one in group:
                one.is_over = True
                one.turn.set()
            self._hand_on()

    def _leave(self, mine: _Write) -> None:
        with self._lock:
            had_turn = mine.turn.is_set() and not mine.is_over
            if mine in self._waiting:
                self._waiting.remove(mine)
        if had_turn:
            self._hand_on()

    def _hand_on(self) -> None:
        with self._lock:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].turn.set()


@dataclass(eq=False)
class _Write:
    """A write that one thread asks for, and any thread may carry out."""

    sql: str
    values: Sequence[Any]
    row: int | None = None
    error: ReceiptsUnavailable | None = None
    is_over: bool = False
    turn: Event = field(default_factory=Event)


def _failed(group: Sequence[_Write], error: ReceiptsUnavailable) -> None:
    for one in group:
        one.error = error
