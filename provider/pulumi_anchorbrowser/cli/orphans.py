"""`pulumi-anchorbrowser orphans`: batches of a stack that its state does not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.changing import Change, Manner, change, change_options
from pulumi_anchorbrowser.cli.connection import Connection, connected
from pulumi_anchorbrowser.cli.exits import ExitCode, Failed, end
from pulumi_anchorbrowser.cli.options import OWNER, batch_id
from pulumi_anchorbrowser.cli.printing import Speech, age_of, json_option, print_json, print_table
from pulumi_anchorbrowser.cli.stack_state import StackState, export, read_file

if TYPE_CHECKING:
    from pulumi_anchorbrowser.cli.orphan_search import Orphan, Orphans

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
_LIVE = "An `up` that is running now looks the same: make sure that there is none of this stack."


@click.command(short_help="Find batches that the state of a stack does not know.")
@click.argument("batch_ids", type=batch_id, nargs=-1, metavar="[BATCH_ID]...")
@click.option("--stack", metavar="STACK", help="Whose state to export.  [default: the one that is selected]")
@click.option("--cwd", type=_FOLDER, help="The folder of the Pulumi project.")
@click.option("--state", type=_FILE, help="Read an exported state from this file, and do not call the Pulumi CLI.")
@click.option("--owner", metavar=OWNER, help="Where the state does not tell whose it is.")
@click.option("--delete", "delete_them", is_flag=True, help="Delete what interrupted creates have left.")
@click.option("--exit-code", is_flag=True, help="End with 6 if there are orphans.")
@change_options
@json_option
def orphans(
    batch_ids: tuple[str, ...],
    stack: str | None,
    cwd: Path | None,
    state: Path | None,
    owner: str | None,
    delete_them: bool,
    exit_code: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Find batches of a stack that its state does not know, and delete them on request.

    Those of interrupted creates are known by their claims, in the state or in the receipts of this machine: these are
    what --delete takes. Any other may be in the state of another machine, and is deleted only by its BATCH_ID.
    """
    from pulumi_anchorbrowser.cli.orphan_search import find

    if batch_ids and not delete_them:
        raise click.UsageError("BATCH_ID is for --delete.")
    known = read_file(state) if state else export(stack, cwd)
    owners = _owners(known, owner, stack)
    with connected() as connection:
        found = find(connection, known, owners)
        if not as_json:
            _print(found)
        done = _deleted(connection, found, batch_ids, Manner(yes, dry_run, as_json)) if delete_them else None
    if as_json:
        print_json("orphans", owners=sorted(owners), **found.to_document(), change=done and done.to_document())
    if done is not None:
        end(done.exit_code)
    end(ExitCode.ORPHANS_FOUND if exit_code and found.orphans else ExitCode.OK)


def _owners(known: StackState, owner: str | None, stack: str | None) -> frozenset[str]:
    """Whose batches to look for. A state of another stack would make every batch of this one look like an orphan."""
    owner = owner or (stack if stack and stack.count("/") == OWNER.count("/") else None)
    if owner is None and not known.owners:
        raise click.UsageError(
            f"The state, which is empty, does not tell whose it is: give --owner {OWNER} "
            "(the organization is `organization` on a backend of one's own)."
        )
    if owner is None or owner in known.owners:
        return known.owners
    if known.stack not in {None, owner.partition("/")[2]}:
        raise click.UsageError(f"This is the state of {known.stack}, not of {owner}.")
    return known.owners | {owner}


def _deleted(connection: Connection, found: Orphans, batch_ids: tuple[str, ...], manner: Manner) -> Change:
    strangers = sorted(set(batch_ids) - {one.batch.batch_id for one in found.orphans})
    if strangers:
        raise Failed(f"Nothing was done: not an orphan of this stack that can be deleted: {', '.join(strangers)}.")
    chosen = [one for one in found.orphans
              if (one.batch.batch_id in batch_ids if batch_ids else one.kind == "interrupted")]  # fmt: skip
    if any(one.kind == "interrupted" for one in chosen):
        click.echo(_LIVE, err=True)
    plan = replace(found.plan, batches=tuple(one.batch for one in chosen), left_alone=())
    done = change(connection, plan, manner, frozenset(batch_ids))
    stopped = {result.batch_id for result in done.report.results if result.outcome in {"done", "gone"}}
    _settle(connection, [orphan for orphan in chosen if orphan.batch.batch_id in stopped])
    return done


def _settle(connection: Connection, orphans: list[Orphan]) -> None:
    """Write down that these creates are settled, so that no later run looks for what is not there any more."""
    from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

    try:
        for orphan in orphans:
            for receipt in orphan.receipts:
                batch_id = orphan.batch.batch_id
                connection.receipts.close(receipt, "settled", batch_id=batch_id, note="deleted as an orphan")
    except ReceiptsUnavailable as error:
        Speech().warning(str(error))


def _print(found: Orphans) -> None:
    document: dict[str, Any] = found.to_document()
    if document["orphans"]:
        print_table(
            ("BATCH", "STATUS", "AGE", "SESSIONS", "KIND", "FOUND IN", "RESOURCE", "CLAIM"),
            [
                (one["batch_id"], one["status"], age_of(one["created_at"]), one["total_requests"], one["kind"],
                 ", ".join(one["found_in"]), (one["urn"] or "").split("::")[-1] or None, one["claim"])
                for one in document["orphans"]
            ],
        )  # fmt: skip
    if document["claims"]:
        click.echo("Interrupted creates of which no batch can be seen:")
        rows = [(one["claim"], one["urn"].split("::")[-1], ", ".join(one["found_in"])) for one in document["claims"]]
        print_table(("CLAIM", "RESOURCE", "FOUND IN"), rows)
    if document["left_alone"]:
        click.echo("Not in the state either, and left alone:")
        print_table(("BATCH", "STATUS", "WHY"), [(o["batch_id"], o["status"], o["reason"])
                                                 for o in document["left_alone"]])  # fmt: skip
    click.echo(found.told())
