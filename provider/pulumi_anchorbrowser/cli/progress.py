"""Progress on stderr: a bar on a terminal, a plain line for each batch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pulumi_anchorbrowser.cli.exits import plain
from pulumi_anchorbrowser.cli.printing import console

if TYPE_CHECKING:
    from pulumi_anchorbrowser.lifecycle.cleanup import BatchResult

_VERBS = {"cancelled_sessions": "cancelled", "deleted_sessions": "deleted", "ended_sessions": "ended"}


@contextmanager
def showing_progress(title: str, total: int) -> Iterator[Callable[[BatchResult], None]]:
    """Called with each result, from one thread at a time, shows how far the work has come."""
    if not sys.stderr.isatty():
        yield _line_by_line(total)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda _: bar.advance(task)


def told(result: BatchResult) -> str:
    """What became of one batch, in words."""
    counted = [f"{value} {verb}" for name, verb in _VERBS.items() if (value := getattr(result, name)) is not None]
    words = {"done": "done", "gone": "already gone", "failed": "FAILED", "left": "not begun"}
    details = ", ".join([*counted, *filter(None, [result.reason])])
    return plain(f"{words[result.outcome]}{f' ({details})' if details else ''}")


def _line_by_line(total: int) -> Callable[[BatchResult], None]:
    ended = 0

    def show(result: BatchResult) -> None:
        nonlocal ended
        ended += 1
        click.echo(f"[{ended}/{total}] {result.action} {result.batch_id}: {told(result)}", err=True)

    return show
