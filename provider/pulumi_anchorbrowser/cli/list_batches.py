"""`pulumi-anchorbrowser list`: the batches of the team."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.changing import looking
from pulumi_anchorbrowser.cli.connection import Connection, connected
from pulumi_anchorbrowser.cli.options import selecting_options, selection_of
from pulumi_anchorbrowser.cli.printing import Messages, age_of, json_option, print_json, print_note, print_table
from pulumi_anchorbrowser.words import batches, counted

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import BatchSummary, SessionStatus
    from pulumi_anchorbrowser.cleanup import Selection

_COUNTS = ("total_requests", "completed_requests", "failed_requests")


@dataclass(frozen=True)
class _Listed:
    batch: BatchSummary
    # None: not looked up.
    sessions: tuple[SessionStatus, ...] | None = None

    def has_on_all(self, tags: set[str]) -> bool:
        return bool(self.sessions) and all(tags <= set(one.tags) for one in self.sessions or ())

    def to_row(self) -> dict[str, Any]:
        from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG, owner_of

        batch = self.batch
        tags = {tag for one in self.sessions or () for tag in one.tags}
        return {
            "batch_id": batch.batch_id,
            "status": batch.status,
            "created_at": batch.created_at,
            "completed_at": batch.actual_completion_time,
            **{name: getattr(batch, name) for name in _COUNTS},
            "running": None if self.sessions is None else running_in(self.sessions),
            "owner": owner_of(tags),
            "protected": PROTECT_TAG in tags if self.sessions else None,
        }


@click.command(name="list", short_help="List batches, and how many browsers of each run.")
@selecting_options
@click.option("--quick", is_flag=True, help="Skip the request for each batch: no RUNNING, no OWNER.")
@json_option
def list_batches(owner: str | None, quick: bool, as_json: bool, **criteria: Any) -> None:
    """List batches, the newest first.

    STATUS describes the creation of a batch: in a completed batch every browser was created, and may still run. RUNNING
    is how many browsers run now, counted from the status of each session.
    """
    selection = selection_of(owner=owner, **criteria)
    if quick and (selection.tags or selection.stack):
        raise click.UsageError("--quick reads no sessions, and --owner and --tag match the tags of sessions.")
    with connected() as connection, looking() as messages:
        found = _found(connection, selection, messages, with_sessions=not quick)
    rows = [one.to_row() for one in sorted(found, key=lambda one: one.batch.created_at or "", reverse=True)]
    if as_json:
        print_json("list", batches=rows)
    else:
        _print(rows, quick=quick)


def running_in(sessions: tuple[SessionStatus, ...]) -> int | None:
    """Return how many of these sessions run; None where the API uses a word that this release does not know."""
    from pulumi_anchorbrowser.lifecycle.listing import look_of

    look = look_of(sessions)
    return None if look.unknown else len(look.running)


def _found(connection: Connection, selection: Selection, messages: Messages, *, with_sessions: bool) -> list[_Listed]:
    from pulumi_anchorbrowser.cleanup import Matching, Request
    from pulumi_anchorbrowser.cleanup.finding import mapped, pool_of

    client = connection.client
    if selection.has_ages:
        # Ages are counted by the API's clock, and a response shows it.
        client.list_batches(limit=1)
    matching = Matching.of(Request(selection, allow_all=True), client.api_time() or connection.clock.now())

    def report(odd_rows: int) -> None:
        messages.warning(f"skipped {counted(odd_rows, 'row')} of the batch list without a usable id or status")

    def look(batch: BatchSummary) -> _Listed:
        return _Listed(batch, sessions_of(connection, batch.batch_id))

    listed = connection.batches.runner.listing.all_batches(on_odd_rows=report)
    found = [batch for batch in listed if matching.may_match(batch) is True]
    if not with_sessions:
        return [_Listed(batch) for batch in found]
    looked: list[_Listed] = []
    with pool_of(client.max_concurrency, "look") as pool:
        for one in mapped(pool, look, found):
            looked.append(one)
            messages.progress(f"looked at {len(looked)} of {batches(len(found))}")
    wanted = set(matching.required_tags)
    return [one for one in looked if not wanted or one.has_on_all(wanted)]


def sessions_of(connection: Connection, batch_id: str) -> tuple[SessionStatus, ...]:
    """Return the sessions of a batch with their own statuses; none where the API has no such batch any more."""
    from pulumi_anchorbrowser.api import NotFound

    try:
        return connection.client.session_statuses(batch_id=batch_id).items
    except NotFound:
        return ()


def _print(rows: list[dict[str, Any]], *, quick: bool) -> None:
    columns = ("BATCH", "STATUS", "AGE", "SESSIONS", "CREATED", "FAILED", *(() if quick else ("RUNNING", "OWNER")))
    print_table(
        columns,
        [
            (r["batch_id"], r["status"], age_of(r["created_at"]), *(r[name] for name in _COUNTS),
             *(() if quick else (r["running"], _owner(r))))
            for r in rows
        ],
    )  # fmt: skip
    print_note(batches(len(rows)))


def _owner(row: dict[str, Any]) -> str:
    return " ".join(filter(None, [row["owner"], "(protected)" if row["protected"] else None]))
