"""Receipts as a report: which calls, what each came to, and the sum of it. Pure: the receipts are passed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pulumi_anchorbrowser.receipts.receipt import Receipt
from pulumi_anchorbrowser.words import batches, counted, sessions

_SESSIONS = ("cancelled_sessions", "ended_sessions", "deleted_sessions")
_VERBS = {"cancelled_sessions": "cancelled", "ended_sessions": "ended", "deleted_sessions": "deleted"}
_CONFLICT = 409
_OWN = ("http_status", *_SESSIONS, "failed_deletions", "uncertain", "in_state", "note")


@dataclass(frozen=True, init=False)
class ReceiptsReport:
    """Some receipts, oldest first. A count is None where the API has not said one."""

    receipts: tuple[Receipt, ...]

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        object.__setattr__(self, "receipts", tuple(receipts))

    def of(
        self,
        *,
        owner: str | None = None,
        run: str | None = None,
        batch_id: str | None = None,
        since: datetime | None = None,
    ) -> ReceiptsReport:
        """Those that meet all that is given: of a stack, of a run (or how it begins), about a batch, since a time."""
        return ReceiptsReport(
            one
            for one in self.receipts
            if owner in {None, one.subject.owner}
            and (run is None or one.run.startswith(run))
            and batch_id in {None, one.subject.batch_id}
            and (since is None or one.intended_at >= since)
        )

    def last_run(self) -> ReceiptsReport:
        """Those of the run that made the last call."""
        return self.of(run=self.receipts[-1].run) if self.receipts else self

    def totals(self) -> dict[str, int | None]:
        """The sum of it all. A failed deletion counts as its batch's last deletion has it: it is tried again."""
        last = {one.subject.batch_id: one for one in self.receipts if one.operation == "delete"}
        started = [one for one in self.receipts if one.operation == "create" and one.outcome == "done"]
        return {
            "calls": len(self.receipts),
            "started_batches": len(started),
            **{name: _sum(getattr(one, name) for one in self.receipts) for name in _SESSIONS},
            "failed_deletions": _sum(one.failed_deletions for one in last.values()),
            "refused_calls": sum(one.outcome == "refused" for one in self.receipts),
            "unknown_calls": sum(one.outcome in {None, "unknown"} for one in self.receipts),
        }

    def told(self) -> str:
        """The sum of it in one line."""
        totals = self.totals()
        said = [(verb, value) for name, verb in _VERBS.items() if (value := totals[name]) is not None]
        parts = [counted(totals["calls"] or 0, "call"), f"{batches(totals['started_batches'] or 0)} started"]
        parts += [f"{sessions(value)} {verb}" for verb, value in said]
        trouble = {"failed_deletions": "deletions failed", "refused_calls": "refused", "unknown_calls": "unknown"}
        parts += [f"{value} {word}" for name, word in trouble.items() if (value := totals[name])]
        if instead := self._done_instead():
            parts.append(f"{instead} of the refused done in another way")
        return ", ".join(parts)

    def _done_instead(self) -> int:
        # A cancel that the API refuses since creation had ended is followed by what `if_completed` says.
        done: set[tuple[str, str | None]] = set()
        instead = 0
        for one in reversed(self.receipts):
            about = (one.run, one.subject.batch_id)
            if one.outcome == "done" and one.operation in {"end_sessions", "delete"}:
                done.add(about)
            instead += one.operation == "cancel" and one.http_status == _CONFLICT and about in done
        return instead

    def to_rows(self) -> list[dict[str, Any]]:
        """The receipts as plain data."""
        return [_row(one) for one in self.receipts]

    def to_markdown(self) -> str:
        """A heading, the sum, and a table."""
        lines = ["### AnchorBrowser: what was done", "", f"{self.told()}."]
        if self.receipts:
            columns = ("when (UTC)", "stack", "resource", "operation", "batch", "outcome", "sessions", "note")
            lines += ["", _line(columns), _line("---" for _ in columns)]
            lines += [_line(_cells(row)) for row in self.to_rows()]
        return "\n".join(lines)


def _row(receipt: Receipt) -> dict[str, Any]:
    subject = receipt.subject
    return {
        "id": receipt.id,
        "run": receipt.run,
        "operation": receipt.operation,
        "owner": subject.owner,
        "urn": subject.urn,
        "resource": subject.urn.split("::")[-1] or None,
        "claim": subject.claim,
        "batch_id": subject.batch_id,
        "count": subject.count,
        "intended_at": receipt.intended_at.isoformat(),
        "answered_at": receipt.answered_at.isoformat() if receipt.answered_at else None,
        "outcome": receipt.outcome,
        **{name: getattr(receipt, name) for name in _OWN},
    }


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    counted = [f"{row[name]} {verb}" for name, verb in _VERBS.items() if row[name] is not None]
    counted += [f"{row['failed_deletions']} failed"] if row["failed_deletions"] else []
    counted += [f"{row['count']} requested"] if row["count"] is not None else []
    when = row["intended_at"][:19].replace("T", " ")
    outcome = f"{row['outcome'] or 'no outcome'}{' (uncertain)' if row['uncertain'] else ''}"
    return (when, row["owner"], row["resource"], row["operation"], row["batch_id"], outcome, ", ".join(counted),
            row["note"])  # fmt: skip


def _line(cells: Iterable[object]) -> str:
    texts = ("" if cell is None else " ".join(str(cell).split()) for cell in cells)
    # A cell must not end its row, begin another column, or be taken for HTML.
    safe = (text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for text in texts)
    return f"| {' | '.join(safe)} |"


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
