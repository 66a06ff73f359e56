"""Why a store of receipts cannot be used, and what to do."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

# For so long SQLite waits for a lock of another process.
BUSY_SECONDS = 15
_A_FULL_DISK = 64 * 1024  # bytes left: fewer than SQLite's shared memory file takes


class Unusable(Exception):
    """The file is none that receipts can be in."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause, self.remedy = cause, remedy


_FULL = ("the disk is full", "Free some space on it")
_FORBIDDEN = ("permission denied", "Make that file and its folder writable")
_READ_ONLY = ("the file or its folder is read-only", "Make them writable")
LOCKED = (f"another process has kept it locked for {BUSY_SECONDS} s", "Wait for that process to finish")
_OF_SQLITE = {
    "full": _FULL,
    "readonly": _READ_ONLY,
    "not a database": ("it is not an SQLite database", "Move it away"),
    "malformed": ("the file is damaged", "Move it away"),
    "no such": ("the file is damaged", "Move it away"),
    "locked": LOCKED,
}
_OF_SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM), _FORBIDDEN),
    errno.EROFS: _READ_ONLY,
}


def cause_of(place: Path, error: Exception) -> tuple[str, str]:
    """Return why the store cannot be used, and what to do."""
    if isinstance(error, Unusable):
        return error.cause, error.remedy
    text = str(error)
    if "unable to open" in text:
        error = _why_unopened(place) or error
    if isinstance(error, OSError):
        if error.errno in {errno.EEXIST, errno.ENOTDIR}:
            in_the_way = next((one for one in place.parents if one.exists() and not one.is_dir()), place.parent)
            return f"{in_the_way} is a file, not a folder", "Move it away"
        unlisted = (error.strerror or text).lower(), "Check that file and its folder"
        return _OF_SYSTEM.get(error.errno or 0, unlisted)
    if "disk I/O error" in text and _is_full(place.parent):
        return _FULL
    return next((found for part, found in _OF_SQLITE.items() if part in text), (text, "Check that file and its disk"))


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _A_FULL_DISK
    except OSError:
        # The folder has gone, with its disk say: then that is why.
        return False


def _why_unopened(place: Path) -> OSError | None:
    # SQLite does not say why it cannot open a file: for want of permission, or with too many open files.
    try:
        next(place.parent.iterdir(), None)
    except OSError as error:
        return error
    is_forbidden = not os.access(place.parent, os.W_OK) or not os.access(place, os.R_OK | os.W_OK)
    return PermissionError(errno.EACCES, "") if is_forbidden else None
