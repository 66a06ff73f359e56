"""Expected errors: what happened, what to do, and where to read more, kept apart until somebody prints them."""

from __future__ import annotations

from typing import ClassVar


class ExpectedError(Exception):
    """An error that can be expected, such as a refused key. It is printed as one line, without a traceback.

    `explanation` says what happened and why, `advice` what to do next. `anchor` is the entry in the troubleshooting
    page: each class names its own.
    """

    anchor: ClassVar[str] = ""
    advice: str = ""

    def __init__(self, explanation: str, advice: str | None = None) -> None:
        self.explanation = explanation.rstrip(".")
        if advice is not None:
            self.advice = advice
        super().__init__(explanation)

    def __str__(self) -> str:
        return f"{self.explanation}. {self.advice}".rstrip()


TROUBLESHOOTING = "docs/troubleshooting.md"


def in_one_line(text: str, anchor: str) -> str:
    """Return the text on one line, with the place to read more."""
    line = " ".join(text.split())
    return f"{line.rstrip('.')}. See {TROUBLESHOOTING}#{anchor}." if anchor else line


def printed(error: ExpectedError) -> str:
    """Return the error as one line for a user: explanation, advice, and the place to read more."""
    return in_one_line(str(error), error.anchor)
