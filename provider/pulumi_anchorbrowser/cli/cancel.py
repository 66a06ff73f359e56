"""`pulumi-anchorbrowser cancel`: stop the browsers of batches, keep their data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pulumi_anchorbrowser.cli.changing import Manner, change_options
from pulumi_anchorbrowser.cli.options import batch_id
from pulumi_anchorbrowser.cli.printing import json_option
from pulumi_anchorbrowser.cli.stopping import stop_named

if TYPE_CHECKING:
    from pulumi_anchorbrowser.choices import IfCompleted

_CHOICES = click.Choice(("end_sessions", "delete", "accept", "fail"))


@click.command()
@click.argument("batch_ids", type=batch_id, nargs=-1, required=True, metavar="BATCH_ID...")
@click.option("--if-completed", type=_CHOICES, default="end_sessions", show_default=True,
              help="What to do where the API refuses, because creation had finished.")  # fmt: skip
@click.option("--force", is_flag=True, help="Even if it is protected, or that cannot be told.")
@change_options
@json_option
def cancel(
    batch_ids: tuple[str, ...], if_completed: IfCompleted, force: bool, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Cancel batches: their browsers stop, their data stays."""
    stop_named("cancel", batch_ids, Manner(yes, dry_run, as_json, if_completed=if_completed), force=force)
