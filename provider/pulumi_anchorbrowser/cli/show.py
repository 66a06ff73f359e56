"""`pulumi-anchorbrowser show`: everything that is known of one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.connection import connected
from pulumi_anchorbrowser.cli.exits import ExitCode, end
from pulumi_anchorbrowser.cli.options import batch_id
from pulumi_anchorbrowser.cli.printing import Messages, age_in_words, json_option, print_fields, print_json, print_table
from pulumi_anchorbrowser.cli.sessions import SessionsNow, sessions_now, warn_of_trouble

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import BatchDetails
    from pulumi_anchorbrowser.receipts import Receipt

# The URLs of a session are left out: they open its browser to whoever holds them.
_SESSION = ("session_id", "item_index", "status", "retry_count", "error")
_BATCH = ("status", "created_at", "total_requests", "completed_requests", "failed_requests")


@click.command(short_help="Show a batch, its sessions, its tags and its receipts.")
@click.argument("batch_id", type=batch_id)
@json_option
def show(batch_id: str, as_json: bool) -> None:
    """Show a batch, its sessions, its tags and its receipts. The sessions' URLs are never shown.

    CREATION is how the creation of a session ended. STATUS NOW is the status of the session itself.
    """
    from pulumi_anchorbrowser.api import NotFound

    with connected() as connection:
        receipts = [one for one in connection.recorded() if one.subject.batch_id == batch_id]
        batch: BatchDetails | None = None
        try:
            batch = connection.client.get_batch(batch_id)
        except NotFound:
            # A batch that is gone has left its receipts.
            if not receipts:
                raise
        if batch is not None and batch.is_empty:
            batch = None
        sessions = sessions_now(connection.client, batch_id) if batch is not None else SessionsNow()
    is_partial = warn_of_trouble(Messages(), {batch_id: sessions})
    document = _document(batch_id, batch, sessions, receipts)
    if as_json:
        print_json("show", **document)
    else:
        _print(document)
    end(ExitCode.SOME_FAILED if is_partial else ExitCode.OK)


def _document(
    batch_id: str, batch: BatchDetails | None, sessions: SessionsNow, receipts: list[Receipt]
) -> dict[str, Any]:
    from pulumi_anchorbrowser.lifecycle.tags import claim_of, owner_of
    from pulumi_anchorbrowser.receipts.report import ReceiptsReport

    tags = sorted(sessions.tags)
    return {
        "batch_id": batch_id,
        "exists": batch is not None,
        **{name: getattr(batch, name, None) for name in _BATCH},
        "completed_at": getattr(batch, "actual_completion_time", None),
        "running": sessions.running if batch is not None else None,
        "owner": owner_of(tags),
        "claim": claim_of(tags),
        "protected": sessions.is_protected,
        "tags": tags,
        "sessions": _sessions(batch, sessions),
        "receipts": ReceiptsReport(receipts).to_rows(),
    }


def _sessions(batch: BatchDetails | None, sessions: SessionsNow) -> list[dict[str, Any]]:
    now = {one.session_id: one.status for one in sessions.listed}
    created = [{name: getattr(session, name) for name in _SESSION} for session in (batch and batch.sessions) or ()]
    # The API may leave sessions out of the batch, or their ids.
    unnamed = now.keys() - {one["session_id"] for one in created}
    created += [{**dict.fromkeys(_SESSION), "session_id": one} for one in now if one in unnamed]
    return [{**one, "status_now": now.get(one["session_id"] or "")} for one in created]


def _print(document: dict[str, Any]) -> None:
    fields = {name: value for name, value in document.items() if name not in {"sessions", "receipts", "tags"}}
    words = {name: {True: "yes", False: "no"}[value] for name, value in fields.items() if isinstance(value, bool)}
    print_fields(
        {**fields, **words, "age": age_in_words(document["created_at"]), "tags": ", ".join(document["tags"]) or None}
    )
    if document["sessions"]:
        click.echo()
        rows = [[session[name] for name in (*_SESSION, "status_now")] for session in document["sessions"]]
        print_table(("SESSION", "INDEX", "CREATION", "RETRIES", "ERROR", "STATUS NOW"), rows)
    if document["receipts"]:
        from pulumi_anchorbrowser.cli.receipts import print_receipts

        click.echo()
        print_receipts(document["receipts"])
