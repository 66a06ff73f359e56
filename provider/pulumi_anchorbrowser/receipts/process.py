"""Which process wrote a receipt, and whether it still runs."""

from __future__ import annotations

import os
import secrets

from pulumi_anchorbrowser.processes import fields_of

# The place of the start time among the fields of a process.
_START_TIME = 19


def new_run() -> str:
    """Return an id for this process as one that writes receipts. It names the process, see `is_running`."""
    return f"{os.getpid():x}-{_started_at(os.getpid()) or 0:x}-{secrets.token_hex(4)}"


def is_running(run: str) -> bool | None:
    """Whether the process that has this id still runs on this machine; None where the system does not say."""
    try:
        process, started_at, _ = run.split("-")
        number, then = int(process, 16), int(started_at, 16)
    except ValueError:
        return False  # Not an id of `new_run`.
    return _started_at(number) == then if then else None


def _started_at(process: int) -> int | None:
    """Return when a process was started, in the system's own unit; None where the system does not say."""
    fields = fields_of(process)
    # A zombie has ended, and waits for its parent to notice.
    return None if fields is None or fields[0] in {"Z", "X"} else int(fields[_START_TIME])
