"""`pulumi-anchorbrowser sweep`: stop all batches that meet some criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.changing import Manner, change, change_options
from pulumi_anchorbrowser.cli.connection import connected
from pulumi_anchorbrowser.cli.exits import Refused, end
from pulumi_anchorbrowser.cli.options import OWNER, batch_id, exclusion_of, selecting_options, selection_of
from pulumi_anchorbrowser.cli.printing import Speech, json_option, print_json

if TYPE_CHECKING:
    from pulumi_anchorbrowser.choices import Action

_ACTIONS = click.Choice(("delete", "cancel", "end_sessions"))
_LIMIT = 100


@click.command(short_help="Stop all batches that meet some criteria.")
@selecting_options
@click.option("--exclude", multiple=True, type=batch_id, metavar="BATCH_ID", help="Leave this one alone; repeatable.")
@click.option("--exclude-tag", multiple=True, metavar="TAG", help="Leave batches with this tag alone; repeatable.")
@click.option("--action", type=_ACTIONS, default="delete", show_default=True, help="What to do.")
@click.option("--limit", type=click.IntRange(min=1), default=_LIMIT, show_default=True, metavar="N",
              help="Refuse if more batches than this match.")  # fmt: skip
@click.option("--allow-all", is_flag=True, help="Let the selection match every batch of the team.")
@change_options
@json_option
def sweep(
    owner: str | None,
    exclude: tuple[str, ...],
    exclude_tag: tuple[str, ...],
    action: Action,
    limit: int,
    allow_all: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **criteria: Any,
) -> None:
    """Delete, cancel or end all batches that meet every one of the criteria.

    Batches tagged `pulumi-protect` are always left alone. Prints its plan, and asks.
    """
    from pulumi_anchorbrowser.lifecycle.cleanup import Request

    if owner is None:
        raise click.UsageError(f"Say whose batches are meant: --owner {OWNER}, or --owner any.")
    selection = selection_of(owner, **criteria)
    if selection.matches_everything and not allow_all:
        raise Refused(
            "Nothing was done: this would match every batch of the team. Narrow it by --owner, --tag, --status or an "
            "age; or give --allow-all if every one of them is really meant."
        )
    request = Request(selection, action, exclusion_of(exclude, exclude_tag), allow_all=allow_all)
    with connected() as connection:
        done = change(connection, connection.cleanup.plan(request, Speech()), Manner(yes, dry_run, as_json, limit))
    if as_json:
        print_json("sweep", **done.to_document())
    end(done.exit_code)
