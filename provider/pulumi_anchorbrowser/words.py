"""Counts and lists in words."""

from __future__ import annotations

from collections.abc import Sequence

STOPPED = {"cancelled_sessions": "cancelled", "ended_sessions": "ended", "deleted_sessions": "deleted"}
"""The verb of each count of sessions that were stopped."""
_MOST_NAMED = 10


def counted(count: float, one: str, many: str = "", *, shown: str = "") -> str:
    """Return `1 batch`, `2 batches`: every number in a message that stands before its noun.

    The plural is the singular with an s, unless it is given. `shown` is the number as it is printed, if not plain.
    """
    return f"{shown or count} {one if count == 1 else many or one + 's'}"


def batches(count: int) -> str:
    """Return `1 batch`, `2 batches`."""
    return counted(count, "batch", "batches")


def sessions(count: int | None) -> str:
    """Return `1 session`, `2 sessions`; of None, that the number is unknown."""
    return "an unknown number of sessions" if count is None else counted(count, "session")


def first_of(texts: Sequence[str], separator: str = ", ") -> str:
    """Return the first ten of the texts, and how many more there are."""
    more = [f"and {len(texts) - _MOST_NAMED} more"] if len(texts) > _MOST_NAMED else []
    return separator.join([*texts[:_MOST_NAMED], *more])
