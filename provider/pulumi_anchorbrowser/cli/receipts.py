"""`pulumi-anchorbrowser receipts`: what was done, by the receipts of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from pulumi_anchorbrowser.cli.connection import open_receipts
from pulumi_anchorbrowser.cli.exits import Failed
from pulumi_anchorbrowser.cli.options import OWNER, batch_id
from pulumi_anchorbrowser.cli.printing import age_of, json_option, print_json, print_table

_COLUMNS = ("WHEN", "RUN", "STACK", "OPERATION", "RESOURCE", "BATCH", "OUTCOME")
_COUNTS = ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions")


@click.command(short_help="Show what was started and stopped, and the counts.")
@click.option("--owner", metavar=OWNER, help="Calls for this stack.")
@click.option("--run", metavar="RUN", help="Calls of this run, or of the run that begins with it.")
@click.option("--last", is_flag=True, help="Calls of the last run that made any.")
@click.option("--batch", type=batch_id, metavar="BATCH_ID", help="Calls about this batch.")
@click.option("--since", metavar="AGE", help="Calls since then, such as 30m or 24h.")
@click.option("--markdown", is_flag=True, help="Print Markdown, such as for the summary of a CI job.")
@json_option
def receipts(
    owner: str | None,
    run: str | None,
    last: bool,
    batch: str | None,
    since: str | None,
    markdown: bool,
    as_json: bool,
) -> None:
    """Show what was started, cancelled, ended and deleted: what did that destroy do?

    By the receipts that this machine keeps of every call that changes something. Asks the API for nothing.
    """
    from pulumi_anchorbrowser.receipts.report import ReceiptsReport

    if markdown and as_json:
        raise click.UsageError("Give either --markdown or --json, not both.")
    store = open_receipts()
    if not store.enabled:
        raise Failed("Receipts are turned off (ANCHORBROWSER_RECEIPTS), so there is nothing to tell.")
    report = ReceiptsReport(store.all()).of(owner=owner, run=run, batch_id=batch, since=_moment(since))
    report = report.last_run() if last else report
    if as_json:
        print_json("receipts", receipts=report.to_rows(), totals=report.totals())
    elif markdown:
        click.echo(report.to_markdown())
    else:
        print_receipts(report.to_rows())
        click.echo(report.told())


def print_receipts(rows: Iterable[dict[str, Any]]) -> None:
    """Print receipts as a table."""
    print_table(
        (*_COLUMNS, "CANCELLED", "ENDED", "DELETED", "FAILED", "NOTE"),
        [
            (
                f"{age_of(row['intended_at'])} ago",
                row["run"][:8],
                row["owner"],
                row["operation"],
                row["resource"],
                row["batch_id"],
                row["outcome"] or "no outcome",
                *(row[name] for name in _COUNTS),
                row["note"],
            )
            for row in rows
        ],
    )


def _moment(age: str | None) -> datetime | None:
    from pulumi_anchorbrowser.lifecycle.readiness import seconds

    if age is None:
        return None
    try:
        return datetime.now(timezone.utc) - timedelta(seconds=seconds(age))
    except (ValueError, OverflowError):
        raise click.UsageError("--since: should be a duration such as 30m or 24h.") from None
