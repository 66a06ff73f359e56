"""`pulumi-anchorbrowser delete`: stop the browsers of batches, remove their data."""

from __future__ import annotations

import click

from pulumi_anchorbrowser.cli.changing import Manner, change_options
from pulumi_anchorbrowser.cli.options import batch_id
from pulumi_anchorbrowser.cli.printing import json_option
from pulumi_anchorbrowser.cli.stopping import stop_named


@click.command()
@click.argument("batch_ids", type=batch_id, nargs=-1, required=True, metavar="BATCH_ID...")
@click.option("--force", is_flag=True, help="Even if it is protected, or that cannot be told.")
@change_options
@json_option
def delete(batch_ids: tuple[str, ...], force: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Delete batches: their browsers stop, their data goes."""
    stop_named("delete", batch_ids, Manner(yes, dry_run, as_json), force=force)
