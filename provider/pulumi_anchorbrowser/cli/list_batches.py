"""`pulumi-anchorbrowser list`: the batches of the team."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.changing import looking
from pulumi_anchorbrowser.cli.connection import Connection, connected
from pulumi_anchorbrowser.cli.exits import ExitCode, end
from pulumi_anchorbrowser.cli.options import selecting_options, selection_of
from pulumi_anchorbrowser.cli.printing import Messages, age_in_words, json_option, print_json, print_note, print_table
from pulumi_anchorbrowser.cli.sessions import SessionsNow, sessions_now, warn_of_trouble
from pulumi_anchorbrowser.words import batches, counted

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import BatchSummary
    from pulumi_anchorbrowser.cleanup import Selection

_COUNTS = ("total_requests", "completed_requests", "failed_requests")


@dataclass(frozen=True)
class _Listed:
    batch: BatchSummary
    # None: not looked up.
    sessions: SessionsNow | None = None

    def to_row(self) -> dict[str, Any]:
        from pulumi_anchorbrowser.lifecycle.tags import owner_of

        batch, sessions = self.batch, self.sessions
        return {
            "batch_id": batch.batch_id,
            "status": batch.status,
            "created_at": batch.created_at,
            "completed_at": batch.actual_completion_time,
            **{name: getattr(batch, name) for name in _COUNTS},
            "running": sessions and sessions.running,
            "owner": sessions and owner_of(sessions.tags),
            "protected": sessions and sessions.is_protected,
        }


@click.command(name="list", short_help="List batches, and how many browsers of each run.")
@selecting_options
@click.option("--quick", is_flag=True, help="Skip the request for each batch: no RUNNING, no OWNER.")
@json_option
def list_batches(owner: str | None, quick: bool, as_json: bool, **criteria: Any) -> None:
    """List batches, the newest first.

    STATUS describes the creation of a batch: in a completed batch every browser was created, and may still run. RUNNING
    is how many browsers run now, counted from the status of each session; empty if that is not known.
    """
    selection = selection_of(owner=owner, **criteria)
    if quick and (selection.tags or selection.stack):
        raise click.UsageError("--quick reads no sessions, and --owner and --tag match the tags of sessions.")
    with connected() as connection, looking() as messages:
        found = _found(connection, selection, messages, with_sessions=not quick)
        is_partial = warn_of_trouble(messages, {one.batch.batch_id: one.sessions for one in found if one.sessions})
    rows = [one.to_row() for one in sorted(found, key=lambda one: one.batch.created_at or "", reverse=True)]
    if as_json:
        print_json("list", batches=rows)
    else:
        _print(rows, quick=quick)
    end(ExitCode.SOME_FAILED if is_partial else ExitCode.OK)


def _found(connection: Connection, selection: Selection, messages: Messages, *, with_sessions: bool) -> list[_Listed]:
    from pulumi_anchorbrowser.cleanup import Request
    from pulumi_anchorbrowser.cleanup.finding import mapped, pool_of

    client = connection.client
    matching = connection.cleanup.matching(Request(selection))

    def report(odd_rows: int) -> None:
        messages.warning(f"skipped {counted(odd_rows, 'row')} of the batch list without a usable id or status")

    def look(batch: BatchSummary) -> _Listed:
        return _Listed(batch, sessions_now(client, batch.batch_id))

    listed = connection.batches.runner.listing.all_batches(on_odd_rows=report)
    found = [batch for batch in listed if matching.may_match(batch) is True]
    if not with_sessions:
        return [_Listed(batch) for batch in found]
    looked: list[_Listed] = []
    with pool_of(client.max_concurrency, "look") as pool:
        for one in mapped(pool, look, found):
            looked.append(one)
            messages.progress(f"looked at {len(looked)} of {batches(len(found))}")
    wanted = frozenset(matching.required_tags)
    return [one for one in looked if not wanted or (one.sessions and one.sessions.may_all_have(wanted))]


def _print(rows: list[dict[str, Any]], *, quick: bool) -> None:
    columns = ("BATCH", "STATUS", "AGE", "SESSIONS", "CREATED", "FAILED", *(() if quick else ("RUNNING", "OWNER")))
    print_table(
        columns,
        [
            (r["batch_id"], r["status"], age_in_words(r["created_at"]), *(r[name] for name in _COUNTS),
             *(() if quick else (r["running"], _owner(r))))
            for r in rows
        ],
    )  # fmt: skip
    print_note(batches(len(rows)))


def _owner(row: dict[str, Any]) -> str:
    return " ".join(filter(None, [row["owner"], "(protected)" if row["protected"] else None]))
