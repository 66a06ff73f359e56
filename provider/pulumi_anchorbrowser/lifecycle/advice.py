"""Where a failure's line leads to: its entry in the page on troubleshooting."""

from __future__ import annotations

import re

PAGE = "docs/troubleshooting.md"


def entry_of(kind: type[BaseException]) -> str:
    """The entry of a kind of error: `NotFound` is told of under `not-found`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def leading_to(text: str, entry: str) -> str:
    """The line with the place where more about it is written."""
    return f"{text.rstrip('.')}. See {PAGE}#{entry}."


def told(error: Exception) -> str:
    """The error's line, with the place of its entry."""
    return leading_to(str(error), entry_of(type(error)))
