"""Counts in words."""


def counted(count: int, one: str, many: str = "") -> str:
    """`1 batch`, `2 batches`; the plural is the singular with an s, unless it is given."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def batches(count: int) -> str:
    """`1 batch`, `2 batches`."""
    return counted(count, "batch", "batches")


def sessions(count: int | None) -> str:
    """`1 session`, `2 sessions`; of None, that it is not known."""
    return "an unknown number of sessions" if count is None else counted(count, "session")
