"""`pulumi-anchorbrowser list`: the batches of the team."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from pulumi_anchorbrowser.cli.connection import Connection, connected
from pulumi_anchorbrowser.cli.options import selecting_options, selection_of
from pulumi_anchorbrowser.cli.printing import age_of, json_option, print_json, print_table
from pulumi_anchorbrowser.words import batches

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import BatchSummary
    from pulumi_anchorbrowser.lifecycle.cleanup import Selection
    from pulumi_anchorbrowser.lifecycle.cleanup.matching import SessionTags

_AT_ONCE = 16
_COUNTS = ("total_requests", "completed_requests", "failed_requests")


@dataclass(frozen=True)
class _Listed:
    batch: BatchSummary
    # None: not looked for, or no session can be seen.
    tags: SessionTags | None = None

    def to_row(self) -> dict[str, Any]:
        from pulumi_anchorbrowser.lifecycle.ownership import PROTECT_TAG, owner_of

        batch, tags = self.batch, self.tags
        return {
            "batch_id": batch.batch_id,
            "status": batch.status,
            "created_at": batch.created_at,
            "completed_at": batch.actual_completion_time,
            **{name: getattr(batch, name) for name in _COUNTS},
            "owner": None if tags is None else owner_of(tags.on_any),
            "protected": None if tags is None else PROTECT_TAG in tags.on_any,
        }


@click.command(name="list")
@selecting_options
@click.option("--owners", is_flag=True, help="Look up whose each batch is (a call for each).")
@json_option
def list_batches(owner: str | None, owners: bool, as_json: bool, **criteria: Any) -> None:
    """List batches, the newest first."""
    selection = selection_of(owner or "any", **criteria)
    with connected() as connection:
        found = _found(connection, selection, with_tags=owners or owner is not None or bool(selection.tags))
    rows = [one.to_row() for one in sorted(found, key=lambda one: one.batch.created_at or "", reverse=True)]
    if as_json:
        print_json("list", batches=rows)
        return
    print_table(
        ("BATCH", "STATUS", "AGE", "SESSIONS", "READY", "FAILED", "OWNER"),
        [(r["batch_id"], r["status"], age_of(r["created_at"]), *(r[c] for c in _COUNTS), _owner(r)) for r in rows],
    )
    click.echo(batches(len(rows)), err=True)


def _found(connection: Connection, selection: Selection, *, with_tags: bool) -> list[_Listed]:
    from pulumi_anchorbrowser.lifecycle.cleanup import Exclusion, Spared
    from pulumi_anchorbrowser.lifecycle.cleanup.finding import Listing, tags_of
    from pulumi_anchorbrowser.lifecycle.cleanup.matching import Matching
    from pulumi_anchorbrowser.lifecycle.ownership import owner_tag

    owner, now = selection.owner_for(""), datetime.now(timezone.utc)
    matching = Matching(selection, owner, "delete", now, Exclusion(), Spared())
    batches = [b for b in Listing(connection.client).batches(selection, now) if matching.may_match(b) is True]
    if not with_tags:
        return [_Listed(batch) for batch in batches]
    wanted = {*(selection.tags or ()), *([owner_tag(owner)] if owner else [])}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tags = list(pool.map(lambda batch: tags_of(connection.client, batch.batch_id), batches))
    listed = [_Listed(batch, found) for batch, found in zip(batches, tags, strict=True)]
    return [one for one in listed if not wanted or (one.tags is not None and wanted <= one.tags.on_all)]


def _owner(row: dict[str, Any]) -> str | None:
    return f"{row['owner'] or ''}{' (protected)' if row['protected'] else ''}" or None
