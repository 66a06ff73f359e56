"""What Linux says of a process."""

from __future__ import annotations

from pathlib import Path


def fields_of(process: int) -> list[str] | None:
    """Return the fields of `/proc/<process>/stat` after the program's name (man 5 proc); None where it is missing."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program, in brackets, may hold anything.
    return status.rpartition(")")[2].split()
