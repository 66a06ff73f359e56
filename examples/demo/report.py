"""The table at the end of the demo."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from steps import Row

_WIDTH = 110


def show(rows: Iterable[Row], engine: str, left: int) -> None:
    """Print what each step did, what ran the steps, and how many browsers are left."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    table = Table(box=SIMPLE_HEAD, title="What happened", title_justify="left")
    for column in ("Step", "API call", "Counts", "Browsers afterwards"):
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print(f"Run by: {engine}", highlight=False)
    console.print(f"Live browsers left in the simulator: {left}", highlight=False)
