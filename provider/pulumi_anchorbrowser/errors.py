"""Expected errors: what happened, what to do, and the entry that explains it, kept apart until somebody prints them."""

from __future__ import annotations

from typing import ClassVar


class ExpectedError(Exception):
    """An error that can be expected, such as a refused key. It is printed as one line, without a traceback.

    `explanation` says what happened and why, `advice` what to do next. `anchor` is the entry in the troubleshooting
    page, which `pulumi-anchorbrowser explain` prints: each class names its own.
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


def in_one_line(text: str, anchor: str) -> str:
    """Return the text on one line, with the command that explains the error."""
    line = " ".join(text.split())
    return f"{line.rstrip('.')}. Explained by `pulumi-anchorbrowser explain {anchor}`." if anchor else line


def printed(error: ExpectedError) -> str:
    """Return the error as one line for a user: explanation, advice, and the command that explains it."""
    return in_one_line(str(error), error.anchor)


_INTERRUPTED = (
    "Interrupted. Batches that run keep running; the state or the receipts have them. Run the same command again to "
    "finish"
)
INTERRUPTED = in_one_line(_INTERRUPTED, "interrupted")
