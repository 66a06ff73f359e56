"""What the commands print: results on stdout, as tables or as JSON; messages on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.exits import plain

if TYPE_CHECKING:
    from rich.console import Console

_LOGGER = logging.getLogger(__name__)
SCHEMA = 1
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# An id that is cut or broken over two lines cannot be copied.
_WHOLE = {"BATCH", "ID", "SESSION", "STATUS"}

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def print_json(command: str, **document: Any) -> None:
    """Print a command's one JSON document. Its shape is documented, and changes only with `schema`."""
    click.echo(json.dumps({"schema": SCHEMA, "command": command, **document}, indent=2, default=str))


def print_note(text: str) -> None:
    """Print to stderr. A stderr that cannot be written ends no command: stopping browsers goes first."""
    with suppress(OSError):
        click.echo(text, err=True)


def console(*, err: bool = False) -> Console:
    """Return a terminal, for what is made to fit it."""
    from rich.console import Console

    return Console(file=sys.stderr if err else sys.stdout, highlight=False, markup=False, emoji=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, err: bool = False) -> None:
    """Print rows under these headings. A cell that is None is empty."""
    cells = [["" if cell is None else plain(str(cell)) for cell in row] for row in rows]
    if (sys.stderr if err else sys.stdout).isatty():
        _print_fitting(columns, cells, err=err)
    else:
        # Nothing is wrapped or cut, since lines are for `grep`; and a thousand lines take no time.
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        for line in (columns, *cells):
            padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            click.echo("  ".join(padded).rstrip(), err=err)


def _print_fitting(columns: Sequence[str], rows: Iterable[Sequence[str]], *, err: bool) -> None:
    """Print a table as wide as the terminal. What does not fit is continued below, in the same column."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in _WHOLE)
    for row in rows:
        table.add_row(*map(Text, row))
    console(err=err).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one a line; a value that is None is left out."""
    shown = {name: value for name, value in fields.items() if value is not None}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {plain(str(value))}")


def age_in_words(created_at: str | None) -> str | None:
    """Return how long ago that was, in the largest unit that fits: 45s, 12m, 7h, 3d."""
    if created_at is None:
        return None
    try:
        moment = datetime.fromisoformat(created_at.replace("Z", "+00:00"))
    except ValueError:
        return created_at
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    passed = max(0, int((datetime.now(timezone.utc) - moment).total_seconds()))
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if passed >= unit:
            return f"{passed // unit}{letter}"
    return f"{passed}s"


class Messages:
    """Messages on stderr. `show` gets the passing status, if anything shows it."""

    def __init__(self, show: Callable[[str], object] = lambda _: None) -> None:
        self._show = show

    def info(self, text: str) -> None:
        """Print a message."""
        _LOGGER.debug("notice", extra={"severity": "info", "text": text})
        print_note(plain(text))

    def warning(self, text: str) -> None:
        """Print a warning."""
        _LOGGER.debug("notice", extra={"severity": "warning", "text": text})
        print_note(f"Warning: {plain(text)}")

    def progress(self, text: str) -> None:
        """Show a passing status."""
        self._show(plain(text))
