"""The one exception class that users of the dynamic provider see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from pulumi_anchorbrowser.clock import Interrupted
from pulumi_anchorbrowser.errors import INTERRUPTED, ExpectedError, printed


class AnchorBrowserError(pulumi.RunError):
    """An expected error: one line that says what happened, why, and what to do.

    Raised in a program, it ends the program without a traceback.
    """


# A traceback names an exception with its module, unless that is `builtins`.
AnchorBrowserError.__module__ = "builtins"


@contextmanager
def expected_errors_in_one_line() -> Iterator[None]:
    """Turn the errors that the other rooms expect into an AnchorBrowserError. Any other stays as it is."""
    try:
        yield
    except ExpectedError as error:
        raise AnchorBrowserError(printed(error)) from None
    except Interrupted:
        raise AnchorBrowserError(INTERRUPTED) from None
