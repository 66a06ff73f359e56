"""`pulumi-anchorbrowser show`: all that is known of one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.connection import connected
from pulumi_anchorbrowser.cli.options import batch_id
from pulumi_anchorbrowser.cli.printing import age_of, json_option, print_fields, print_json, print_table

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import Batch
    from pulumi_anchorbrowser.lifecycle.cleanup.matching import SessionTags
    from pulumi_anchorbrowser.receipts import Receipt

# The URLs of a session are left out: they open its browser to whoever holds them.
_SESSION = ("session_id", "item_index", "status", "retry_count", "error")
_BATCH = ("status", "created_at", "total_requests", "completed_requests", "failed_requests")


@click.command()
@click.argument("batch_id", type=batch_id)
@json_option
def show(batch_id: str, as_json: bool) -> None:
    """Show a batch, its sessions, its tags and its receipts. The sessions' URLs are never shown."""
    from pulumi_anchorbrowser.api import NotFound
    from pulumi_anchorbrowser.lifecycle.cleanup.finding import tags_of

    with connected() as connection:
        receipts = [one for one in connection.recorded() if one.subject.batch_id == batch_id]
        batch, tags = None, None
        try:
            batch = connection.client.get_batch(batch_id)
            tags = tags_of(connection.client, batch_id)
        except NotFound:
            # What is gone has still left its receipts.
            if not receipts:
                raise
    document = _document(batch_id, batch, tags, receipts)
    if as_json:
        print_json("show", **document)
    else:
        _print(document)


def _document(batch_id: str, batch: Batch | None, tags: SessionTags | None, receipts: list[Receipt]) -> dict[str, Any]:
    from pulumi_anchorbrowser.lifecycle.ownership import PROTECT_TAG, claim_of, owner_of
    from pulumi_anchorbrowser.receipts.report import ReceiptsReport

    carried = sorted(tags.on_any) if tags else []
    return {
        "batch_id": batch_id,
        "is_known": batch is not None,
        **{name: getattr(batch, name, None) for name in _BATCH},
        "completed_at": getattr(batch, "actual_completion_time", None),
        "owner": owner_of(carried),
        "claim": claim_of(carried),
        "protected": PROTECT_TAG in carried if tags else None,
        "tags": carried,
        "sessions": [
            {name: getattr(session, name) for name in _SESSION} for session in (batch and batch.sessions) or ()
        ],
        "receipts": ReceiptsReport(receipts).to_rows(),
    }


def _print(document: dict[str, Any]) -> None:
    fields = {name: value for name, value in document.items() if name not in {"sessions", "receipts", "tags"}}
    print_fields({**fields, "age": age_of(document["created_at"]), "tags": ", ".join(document["tags"]) or None})
    if document["sessions"]:
        click.echo()
        rows = [[session[name] for name in _SESSION] for session in document["sessions"]]
        print_table(("SESSION", "INDEX", "STATUS", "RETRIES", "ERROR"), rows)
    if document["receipts"]:
        from pulumi_anchorbrowser.cli.receipts import print_receipts

        click.echo()
        print_receipts(document["receipts"])
