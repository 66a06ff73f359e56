"""Where a step reports to the user."""

from __future__ import annotations

from typing import Protocol


class Notices(Protocol):
    """Where messages go: the engine's log on a resource's row, or a terminal."""

    def info(self, text: str) -> None:
        """Print a message that stays: what was done, with its counts."""

    def warning(self, text: str) -> None:
        """Print a warning."""

    def progress(self, text: str) -> None:
        """Show a passing status."""
