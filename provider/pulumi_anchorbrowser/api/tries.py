"""An event of the debug log for every request that was sent: one for each try of a call, numbered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from pulumi_anchorbrowser.logs import seconds_since

_LOGGER = logging.getLogger(__name__)
_numbers: ContextVar[Iterator[int] | None] = ContextVar("numbers", default=None)


@contextmanager
def numbered_tries() -> Iterator[None]:
    """Number the tries of one call, whatever repeats it: a lost answer, a 429, another key."""
    token = _numbers.set(count(1))
    try:
        yield
    finally:
        _numbers.reset(token)


def log_try(method: str | None, url: str | None, sent_at: float, **outcome: Any) -> None:
    """A try has ended, with a `status` or an `error`.

    Of the address only the path is told, and of an error only its kind: a query can hold tags, and the text of an
    error the address of a proxy with its password.
    """
    if _LOGGER.isEnabledFor(logging.DEBUG):
        number = next(_numbers.get() or count(1))
        call = {"method": method, "path": urlsplit(url or "").path, "attempt": number}
        _LOGGER.debug("request", extra={**call, **outcome, "seconds": seconds_since(sent_at)})
