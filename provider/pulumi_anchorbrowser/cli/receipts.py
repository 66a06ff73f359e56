"""`pulumi-anchorbrowser receipts`: report what was started and stopped, by the receipts of this machine or of files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.exits import Failed
from pulumi_anchorbrowser.cli.options import OWNER, batch_id
from pulumi_anchorbrowser.cli.printing import age_in_words, json_option, print_json, print_note, print_table
from pulumi_anchorbrowser.words import counted

if TYPE_CHECKING:
    from pulumi_anchorbrowser.receipts import Receipt
    from pulumi_anchorbrowser.receipts.report import ReceiptsReport

_COLUMNS = ("WHEN", "RUN", "STACK", "OPERATION", "RESOURCE", "BATCH", "OUTCOME")
_COUNTS = ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions")
_MINUTES_OF_A_COMMAND = 5
_A_DATE = "a date such as 2025-11-22, or a date and time such as 2025-11-22T14:30 or 2025-11-22T14:30:00Z"


def _moment(value: str, days: int = 0) -> datetime:
    """Return the time of a date-time, or the start of the local day that is so many days after a date."""
    try:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            # Python 3.10 does not read the Z.
            moment = datetime.fromisoformat(f"{value[:-1]}+00:00" if value[-1:] in {"Z", "z"} else value)
        else:
            moment = datetime.combine(day + timedelta(days=days), time())
        return moment.astimezone()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(f"must be {_A_DATE}.") from None


def _end(value: str) -> datetime:
    """Return the time of a date-time, or the end of a local day."""
    return _moment(value, days=1)


def _ago(value: str) -> datetime:
    """Return the time that is a duration ago."""
    from pulumi_anchorbrowser.lifecycle.durations import seconds

    try:
        return datetime.now(timezone.utc) - timedelta(seconds=seconds(value))
    except (ValueError, OverflowError):
        raise click.BadParameter("must be a duration such as 30m or 24h.") from None


@click.command(short_help="Show what was started and stopped, and the counts.")
@click.option("--owner", metavar=OWNER, help="Calls for this stack.")
@click.option("--run", metavar="RUN", help="Calls of this run, or of the run whose id begins with this.")
@click.option("--last", is_flag=True, help="Calls of the last run that made a call.")
@click.option("--batch", type=batch_id, metavar="BATCH_ID", help="Calls about this batch.")
@click.option("--since", type=_ago, metavar="AGE", help="Calls made within this time, such as 30m or 24h.")
@click.option("--from", "from_", type=_moment, metavar="DATE", help="Calls from this date or date-time on.")
@click.option("--until", type=_end, metavar="DATE", help="Calls until the end of this date, or before this date-time.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Read this file, not this machine's. Repeatable: the files are merged.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, such as for the summary of a CI job.")
@json_option
def receipts(
    files: tuple[Path, ...], since: datetime | None, from_: datetime | None, markdown: bool, as_json: bool, **named: Any
) -> None:
    """Show what was started, cancelled, ended and deleted, with the counts.

    Reads the receipts that this machine keeps of every call that changes something. Calls no API.
    Dates, and date-times without an offset, are in this machine's time zone.
    """
    if markdown and as_json:
        raise click.UsageError("Give either --markdown or --json, not both.")
    if since and from_:
        raise click.UsageError("Give either --since or --from, not both.")
    report = _chosen(_recorded(files), from_=since or from_, **named)
    if as_json:
        print_json("receipts", receipts=report.to_rows(), totals=report.totals())
    elif markdown:
        click.echo(report.to_markdown())
    else:
        print_receipts(report.to_rows())
        click.echo(report.summary())


def print_receipts(rows: Iterable[dict[str, Any]]) -> None:
    """Print receipts as a table."""
    from pulumi_anchorbrowser.receipts.report import outcome_in_words

    print_table(
        (*_COLUMNS, "CANCELLED", "ENDED", "DELETED", "FAILED", "NOTE"),
        [
            (
                f"{age_in_words(row['intended_at'])} ago",
                row["run"][:8],
                row["owner"],
                row["operation"],
                row["resource"],
                row["batch_id"],
                outcome_in_words(row),
                *(row[name] for name in _COUNTS),
                row["note"],
            )
            for row in rows
        ],
    )


def _recorded(files: tuple[Path, ...]) -> ReceiptsReport:
    """Return all receipts of these files, or else of this machine. Raises Failed."""
    from pulumi_anchorbrowser.receipts import Receipts, default_place
    from pulumi_anchorbrowser.receipts.report import ReceiptsReport, merged

    if files:
        return ReceiptsReport(merged(_of_file(file) for file in files))
    reasons: list[str] = []
    place = default_place(notify=reasons.append)
    if place is None:
        raise Failed("".join(reasons) or "Receipts are turned off: unset ANCHORBROWSER_RECEIPTS to keep receipts.")
    found = Receipts(place).all()
    if not found:
        print_note(f"There are no receipts yet: {place} {'is empty' if place.exists() else 'does not exist'}.")
    return ReceiptsReport(found)


def _of_file(place: Path) -> list[Receipt]:
    from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable

    if not place.exists():
        raise Failed(f"--file: {place} does not exist.")
    try:
        return Receipts(place).all()
    except ReceiptsUnavailable as error:
        raise Failed(f"{error.explanation}.") from None


def _chosen(
    report: ReceiptsReport,
    *,
    owner: str | None,
    run: str | None,
    batch: str | None,
    from_: datetime | None,
    until: datetime | None,
    last: bool,
) -> ReceiptsReport:
    """Return the receipts that match. Raises Failed for a stack, run or batch of no receipt: that is a typing error."""
    for option, value, matching in (
        ("--owner", owner, report.of(owner=owner)),
        ("--run", run, report.of(run=run)),
        ("--batch", batch, report.of(batch_id=batch)),
    ):
        if report.receipts and not matching.receipts:
            raise Failed(f"{option}: no receipt matches {value}.{_known(report) if value == owner else ''}")
    chosen = report.of(owner=owner, run=run, batch_id=batch, since=from_, until=until)
    if report.receipts and not chosen.receipts:
        print_note("No receipts match.")
    if last:
        chosen = chosen.last_run()
        _note_run_before(report, chosen)
    return chosen


def _note_run_before(report: ReceiptsReport, last: ReceiptsReport) -> None:
    """Print a note where another run may belong to the same command: a hook is a run of its own, as is a provider."""
    if not last.receipts:
        return
    first, owner = last.receipts[0], last.receipts[0].subject.owner
    since = first.intended_at - timedelta(minutes=_MINUTES_OF_A_COMMAND)
    before = [one for one in report.of(owner=owner, since=since).receipts if one.run != first.run]
    if before:
        moment = f"{min(first.intended_at, before[0].intended_at):%Y-%m-%dT%H:%M:%SZ}"
        print_note(
            f"Another run of {owner} made {counted(len(before), 'call')} in the {_MINUTES_OF_A_COMMAND} minutes before "
            "or at the same time: an earlier command, or a part of this one with a run of its own (a teardown hook, or "
            "another provider of the program). All calls: "
            f"`pulumi-anchorbrowser receipts --owner {owner} --from {moment}`."
        )


def _known(report: ReceiptsReport) -> str:
    return f" There are receipts of: {', '.join(sorted({one.subject.owner for one in report.receipts}))}."
