"""How the provider fails: an expected failure is one line in `pulumi up`, any other keeps its traceback.

The provider host reports whatever escapes as `traceback.format_exc()`. There is no documented way to say less, so
the name `traceback` in the host's main module is replaced by one that says less of `AnchorBrowserError`, and of
nothing else: other people's providers in the same host keep their tracebacks.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.lifecycle import LifecycleError
from pulumi_anchorbrowser.lifecycle.advice import told
from pulumi_anchorbrowser.receipts import ReceiptsUnavailable


class AnchorBrowserError(Exception):
    """An expected failure: one line that says what happened, why, and what to do next."""


# A traceback names an exception with its module, unless that is `builtins`.
AnchorBrowserError.__module__ = "builtins"


@contextmanager
def expected_failures_in_one_line() -> Iterator[None]:
    """Turn the failures that the rooms below expect into an AnchorBrowserError."""
    try:
        yield
    except (ApiError, LifecycleError, ReceiptsUnavailable) as error:
        raise AnchorBrowserError(told(error)) from None


def speak_in_one_line(host: ModuleType | None = None) -> None:
    """Make the provider host report an AnchorBrowserError by its message alone. Harmless when repeated."""
    host = host or sys.modules["__main__"]
    if getattr(host, "traceback", None) is traceback:
        host.traceback = _Traceback("traceback")  # type: ignore[attr-defined]


class _Traceback(ModuleType):
    def format_exc(self, *args: Any, **kwargs: Any) -> str:
        error = sys.exc_info()[1]
        if isinstance(error, AnchorBrowserError):
            return "".join(traceback.format_exception_only(type(error), error)).rstrip("\n")
        return traceback.format_exc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)
