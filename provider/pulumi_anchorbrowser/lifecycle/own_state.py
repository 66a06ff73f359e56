"""The state of the stack that this run is of, read while the run is under way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Thread

from pulumi_anchorbrowser.clock import Clock
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.lifecycle.state import StackState, StateUnreadable, read_begun_state
from pulumi_anchorbrowser.lifecycle.tags import run_mark_of

_LOGGER = logging.getLogger(__name__)
# How often a thread that waits for the state asks whether the run was interrupted.
_CHECK_SECONDS = 0.2


class OwnState:
    """The state as it was at the run's beginning, read once, in the background; for many threads.

    `run_mark` is in the claims of this run. `stack` is `organization/project/stack`, None until `begin`.
    """

    def __init__(self, clock: Clock, run_mark: str, read: Callable[[str], StackState] = read_begun_state) -> None:
        self._clock, self._run_mark, self._read = clock, run_mark, read
        self.stack: str | None = None
        self.error: StateUnreadable | None = None
        self._reading: Thread | None = None
        self._state: StackState | None = None
        self._lock = Lock()
        # Deletes come after creates: the state as it is before the first delete has the adoptions of this run.
        self._has_adoptions = False
        self._at_deletes: StackState | None = None
        self._rereading = Lock()

    def begin(self, stack: str | None, *, at_delete: bool = False) -> None:
        """Begin to read the state, once. `at_delete`: before a delete.

        A stack of None, because this version of the SDK does not name it, counts as a state that cannot be read.
        """
        if self._reading is not None:
            return
        with self._lock:
            if self._reading is None:
                self.stack, self._has_adoptions = stack, at_delete
                reading = Thread(target=self._read_first, args=(stack,), name="state", daemon=True)
                reading.start()
                self._reading = reading

    def get(self) -> StackState | None:
        """Return the state, once it is read; None where it cannot be, and `error` says why, or where none was begun.

        Raises Interrupted.
        """
        while self._reading is not None and self._reading.is_alive():
            self._clock.check()
            self._reading.join(_CHECK_SECONDS)
        return self._state

    def get_anew(self) -> StackState | None:
        """Return the state of this moment; None where the first one could not be read, or none was begun.

        Raises StateUnreadable.
        """
        return None if self.get() is None or self.stack is None else self._read(self.stack)

    def is_adopted(self, record: BatchRecord) -> bool:
        """Whether another resource has adopted the record's batch in this run, in whichever of its processes.

        Explicit providers, and the two kinds of providers, have a process each. False where the state cannot be read.
        """
        state = self.get()
        if state is None:
            return False
        if not self._has_adoptions:
            with self._rereading:
                self._at_deletes = self._at_deletes or self._at_first_delete(state)
            state = self._at_deletes
        return any(
            id_ == record.batch_id and claim != record.claim and run_mark_of(claim) == self._run_mark
            for id_, claim in state.adoptions
        )

    def _at_first_delete(self, begun: StackState) -> StackState:
        """Return the state of this moment. One that cannot be read is not tried again: stops come first."""
        try:
            return self.get_anew() or begun
        except StateUnreadable as error:
            _LOGGER.debug("state_unread", extra={"error": type(error).__name__})
            return begun

    def _read_first(self, stack: str | None) -> None:
        try:
            if stack is None:
                raise StateUnreadable("Could not read the state: this version of Pulumi's SDK does not name the stack")
            self._state = self._read(stack)
        except StateUnreadable as error:
            self.error = error
