"""`pulumi-anchorbrowser cancel` and `delete`: stop batches that are named by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import click

from pulumi_anchorbrowser.choices import Action, IfCompleted
from pulumi_anchorbrowser.cli.changing import Change, Manner, change, change_options, end_changed, planned
from pulumi_anchorbrowser.cli.connection import connected
from pulumi_anchorbrowser.cli.options import batch_id
from pulumi_anchorbrowser.cli.printing import json_option, print_note

_CHOICES = click.Choice(get_args(IfCompleted))
_FORCE = "Even if the batch is protected or protection cannot be determined."


@click.command()
@click.argument("batch_ids", type=batch_id, nargs=-1, required=True, metavar="BATCH_ID...")
@click.option("--if-completed", type=_CHOICES, default="end_sessions", show_default=True,
              help="What to do if the API refuses the cancel because every session was created.")  # fmt: skip
@click.option("--force", is_flag=True, help=_FORCE)
@change_options
@json_option
def cancel(
    batch_ids: tuple[str, ...], if_completed: IfCompleted, force: bool, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Cancel batches: their browsers stop, their data is kept."""
    _stop("cancel", batch_ids, Manner(yes, dry_run, as_json, if_completed=if_completed), force=force)


@click.command()
@click.argument("batch_ids", type=batch_id, nargs=-1, required=True, metavar="BATCH_ID...")
@click.option("--force", is_flag=True, help=_FORCE)
@change_options
@json_option
def delete(batch_ids: tuple[str, ...], force: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Delete batches: their browsers stop, their data is removed."""
    _stop("delete", batch_ids, Manner(yes, dry_run, as_json), force=force)


def _stop(action: Action, batch_ids: Sequence[str], manner: Manner, *, force: bool) -> None:
    from pulumi_anchorbrowser.cleanup import Request, Selection

    with connected() as connection:
        request = Request(Selection(batch_ids=list(batch_ids)), action, force=force)
        done = change(connection, planned(connection, request), manner, frozenset(batch_ids))
    _advise(done)
    end_changed(action, done, as_json=manner.as_json)


def _advise(done: Change) -> None:
    if any(one.kind in {"protected", "undecided"} for one in done.plan.skipped) or done.report.of_outcome("skipped"):
        print_note("Give --force to stop a batch that is protected, or whose protection cannot be determined.")
