"""`pulumi-anchorbrowser sweep`: stop everything that meets some criteria, or carry out a saved plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from pulumi_anchorbrowser.choices import ANY, DEFAULT_LIMIT, Action, What
from pulumi_anchorbrowser.cli.changing import (
    Change,
    Manner,
    change,
    change_options,
    check_limit,
    end_changed,
    planned,
    print_plan,
)
from pulumi_anchorbrowser.cli.connection import connected
from pulumi_anchorbrowser.cli.exits import CommandRefused, Failed
from pulumi_anchorbrowser.cli.options import OWNER, batch_id, exclusion_of, selecting_options, selection_of
from pulumi_anchorbrowser.cli.printing import json_option, print_note

if TYPE_CHECKING:
    from pulumi_anchorbrowser.cleanup import Plan, Request

# The default first.
_ACTIONS = click.Choice(sorted(get_args(Action), key=lambda action: action != "delete"))
_FILE = click.Path(dir_okay=False, path_type=Path)
# Options that do not select anything.
_OF_EVERY_PLAN = frozenset({"limit", "out", "saved", "yes", "dry_run", "as_json"})


@click.command(short_help="Stop everything that meets all criteria.")
@selecting_options
@click.option("--what", type=click.Choice(get_args(What)), default="batches", show_default=True,
              help="Batches, single sessions that belong to no batch, or both.")  # fmt: skip
@click.option("--exclude", multiple=True, type=batch_id, metavar="BATCH_ID", help="Skip this batch; repeatable.")
@click.option("--exclude-tag", multiple=True, metavar="TAG",
              help="Skip batches and sessions with this tag; repeatable.")  # fmt: skip
@click.option("--action", type=_ACTIONS, default="delete", show_default=True,
              help="What to do with each batch. A single session is always ended.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), metavar="N",
              help=f"Refuse if more than this match.  [default: {DEFAULT_LIMIT}; with --plan: no limit]")  # fmt: skip
@click.option("--allow-all", is_flag=True, help="Allow a selection that matches everything of the team.")
@click.option("--out", type=_FILE, metavar="FILE", help="Write the plan to this file, and stop nothing.")
@click.option("--plan", "saved", type=_FILE, metavar="FILE", help="Carry out exactly the plan in this file.")
@change_options
@json_option
@click.pass_context
def sweep(
    context: click.Context,
    /,
    limit: int | None,
    out: Path | None,
    saved: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **selecting: Any,
) -> None:
    """Delete, cancel or end everything that meets all criteria.

    A batch with the tag `pulumi-protect` on any session is always skipped. Prints the plan, and asks. --out writes a
    plan to review, and --plan carries it out later: it stops nothing that the plan does not name, and skips what no
    longer qualifies.
    """
    from pulumi_anchorbrowser.cleanup import Plan

    if saved is not None:
        _refuse_selection(context, out)
    given = _request(**selecting) if saved is None else _read(saved)
    manner = Manner(yes, dry_run, as_json, limit or (DEFAULT_LIMIT if saved is None else None))
    with connected() as connection:
        plan = given if isinstance(given, Plan) else planned(connection, given)
        done = change(connection, plan, manner) if out is None else _written(plan, out, manner)
    end_changed("sweep", done, as_json=as_json)


def _refuse_selection(context: click.Context, out: Path | None) -> None:
    default = click.core.ParameterSource.DEFAULT
    given = [name for name in context.params if context.get_parameter_source(name) is not default]
    if out is not None or set(given) - _OF_EVERY_PLAN:
        raise click.UsageError("--plan carries out a plan as it is: give no criteria, no --action and no --out.")


def _request(
    *, exclude: tuple[str, ...], exclude_tag: tuple[str, ...], action: Action, allow_all: bool, **criteria: Any
) -> Request:
    from pulumi_anchorbrowser.cleanup import Request

    if criteria["owner"] is None:
        raise click.UsageError(f"Say whose batches to stop: --owner {OWNER}, or --owner {ANY}.")
    selection = selection_of(**criteria)
    if selection.matches_everything and not allow_all:
        raise CommandRefused(
            "Nothing was done: the selection would match everything of the team. Narrow it by --owner, --tag, --status "
            "or an age, or give --allow-all to stop everything."
        )
    return Request(selection, action, exclusion_of(exclude, exclude_tag), allow_all=allow_all)


def _read(place: Path) -> Plan:
    from pulumi_anchorbrowser.cleanup import Plan

    try:
        document = json.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failed(f"Could not read {place}: {error.strerror}.") from None
    except ValueError:
        raise Failed(f"{place} is not a plan. Write one with `pulumi-anchorbrowser sweep --out`.") from None
    return Plan.from_document(document)


def _written(plan: Plan, place: Path, manner: Manner) -> Change:
    from pulumi_anchorbrowser.cleanup import Report

    print_plan(plan, quiet=manner.as_json, err=manner.as_json)
    check_limit(plan, manner.limit)
    try:
        place.write_text(json.dumps(plan.to_document(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failed(f"Could not write {place}: {error.strerror}.") from None
    print_note(f"Wrote the plan to {place}. Carry it out with `pulumi-anchorbrowser sweep --plan {place}`.")
    return Change(plan, "dry_run" if plan.matched else "nothing", Report(plan))
