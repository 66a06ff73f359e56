"""Receipts as a report: which calls were made, how each ended, and totals. Pure: the receipts are passed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from pulumi_anchorbrowser.receipts.receipt import Receipt
from pulumi_anchorbrowser.urns import name_of
from pulumi_anchorbrowser.words import STOPPED, batches, counted, sessions

_OWN = ("http_status", *STOPPED, "failed_deletions", "still_running", "confirmed_at", "was_lost", "note")
_OUTCOMES = {None: "no known end", "gone": "already gone", "unknown": "unknown outcome"}
_NEVER = datetime.min.replace(tzinfo=timezone.utc)
_CONFLICT = 409


def merged(stores: Iterable[Iterable[Receipt]]) -> list[Receipt]:
    """Return the receipts of several files, oldest first. One that several files have is taken once, from the latest.

    Files share receipts where one is an earlier copy of another.
    """
    kept: dict[tuple[str, int], Receipt] = {}
    for receipt in (receipt for store in stores for receipt in store):
        key = (receipt.run, receipt.id)
        if key not in kept or _progress(kept[key]) < _progress(receipt):
            kept[key] = receipt
    return sorted(kept.values(), key=lambda receipt: (receipt.intended_at, receipt.run, receipt.id))


def _progress(receipt: Receipt) -> tuple[datetime, int]:
    return receipt.answered_at or _NEVER, len(receipt.ended) + len(receipt.lost)


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
        until: datetime | None = None,
    ) -> ReceiptsReport:
        """Return the receipts of a stack, of a run (or how it begins), about a batch, since a time, before a time."""
        return ReceiptsReport(
            one
            for one in self.receipts
            if owner in {None, one.subject.owner}
            and (run is None or one.run.startswith(run))
            and batch_id in {None, one.subject.batch_id}
            and (since is None or one.intended_at >= since)
            and (until is None or one.intended_at < until)
        )

    def last_run(self) -> ReceiptsReport:
        """Return the receipts of the run that made the last call."""
        return self.of(run=self.receipts[-1].run) if self.receipts else self

    def totals(self) -> dict[str, int | None]:
        """Return the totals. `stopped_sessions` counts a session once, also if it was ended and then deleted."""
        started = [one for one in self.receipts if one.operation == "create" and one.outcome == "done"]
        tallies = self._tallies()
        outcomes = [one.outcome for one in self.receipts]
        return {
            "calls": len(self.receipts),
            "started_batches": len(started),
            "requested_sessions": sum(one.subject.count or 0 for one in started),
            "stopped_sessions": _sum(tally.stopped for tally in tallies),
            "cancelled_sessions": _sum(tally.cancelled for tally in tallies),
            "ended_sessions": _sum(tally.ended for tally in tallies),
            "deleted_sessions": _sum(tally.deleted for tally in tallies),
            "failed_deletions": _sum(tally.failed for tally in tallies),
            "gone_calls": outcomes.count("gone"),
            "refused_calls": outcomes.count("refused"),
            "unknown_calls": outcomes.count("unknown") + outcomes.count(None),
        }

    def _tallies(self) -> list[_Tally]:
        tallies: dict[str | None, _Tally] = defaultdict(_Tally)
        for receipt in self.receipts:
            tallies[receipt.subject.batch_id].add(receipt)
        return list(tallies.values())

    def summary(self) -> str:
        """Return the totals as one line of text."""
        return ", ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        totals = {name: value for name, value in self.totals().items() if value is not None}
        yield counted(totals["calls"], "call")
        if started := totals["started_batches"]:
            yield f"{batches(started)} started ({sessions(totals['requested_sessions'])} requested)"
        if "stopped_sessions" in totals:
            how = ", ".join(f"{totals[name]} {verb}" for name, verb in STOPPED.items() if name in totals)
            yield f"{sessions(totals['stopped_sessions'])} stopped ({how})"
        if failed := totals.get("failed_deletions"):
            yield f"{sessions(failed)} not deleted"
        if gone := totals["gone_calls"]:
            yield f"{gone} already gone"
        if refused := totals["refused_calls"]:
            instead = self._replaced_cancels()
            yield f"{refused} refused" + (
                f" ({counted(instead, 'cancel')} replaced by ending or deleting)" if instead else ""
            )
        if unknown := totals["unknown_calls"]:
            yield f"{unknown} with an unknown outcome"

    def _replaced_cancels(self) -> int:
        # The API refuses a cancel once every browser has been created; then follows what `if_completed` says.
        stopped: set[tuple[str, str | None]] = set()
        found = 0
        for one in reversed(self.receipts):
            about = (one.run, one.subject.batch_id)
            if one.outcome == "done" and one.operation in {"end_sessions", "delete"}:
                stopped.add(about)
            found += one.operation == "cancel" and one.http_status == _CONFLICT and about in stopped
        return found

    def to_rows(self) -> list[dict[str, Any]]:
        """Return the receipts as plain data."""
        return [_row(one) for one in self.receipts]

    def to_markdown(self) -> str:
        """Return a heading, the summary and a table."""
        lines = ["### AnchorBrowser: what was done", "", f"{self.summary()}."]
        if self.receipts:
            columns = ("when (UTC)", "stack", "resource", "operation", "batch", "outcome", "sessions", "note")
            lines += ["", _line(columns), _line("---" for _ in columns)]
            lines += [_line(_cells(row)) for row in self.to_rows()]
        return "\n".join(lines)


@dataclass
class _Tally:
    """What the API said of one batch, added up receipt by receipt: oldest first.

    Another rule than that of a batch's outputs: these totals are of what was answered. A call of unknown outcome makes
    no total unknown; it is counted apart, as `unknown_calls`.
    """

    cancelled: int | None = None
    ended: int | None = None
    deleted: int | None = None
    failed: int | None = None
    _requested: int | None = None
    _stopped: int | None = None
    _ended_ids: set[str] = field(default_factory=set)

    @property
    def stopped(self) -> int | None:
        """The distinct sessions that were stopped: never more than were requested, where that is known."""
        if self._stopped is None or self._requested is None:
            return self._stopped
        return min(self._stopped, self._requested)

    def add(self, receipt: Receipt) -> None:
        """Add one receipt."""
        self._add_request(receipt)
        # The same sessions may be cancelled twice, or ended twice; a deletion removes each session once.
        if receipt.cancelled_sessions is not None and not self.cancelled:
            self.cancelled = receipt.cancelled_sessions
            self._stopped = (self._stopped or 0) + receipt.cancelled_sessions
        if receipt.ended_sessions is not None:
            unnamed = max(0, receipt.ended_sessions - len(receipt.ended))
            ended = unnamed + len(set(receipt.ended) - self._ended_ids)
            self._ended_ids.update(receipt.ended)
            self.ended = (self.ended or 0) + ended
            self._stopped = (self._stopped or 0) + ended
        if receipt.deleted_sessions is not None:
            # As many as possible of the deleted sessions are those that were stopped before.
            self.deleted = (self.deleted or 0) + receipt.deleted_sessions
            self._stopped = max(self._stopped or 0, self.deleted)
        # A failed deletion is repeated, so the last response about it counts.
        if receipt.failed_deletions is not None:
            self.failed = receipt.failed_deletions
        if self.failed and receipt.operation == "delete" and receipt.outcome == "gone":
            self.failed = 0

    def _add_request(self, receipt: Receipt) -> None:
        count = receipt.subject.count
        if receipt.subject.batch_id is None or count is None:
            return
        if receipt.operation == "create":
            self._requested = count
        if receipt.operation == "retry" and receipt.outcome == "done" and self._requested is not None:
            self._requested += count


def _row(receipt: Receipt) -> dict[str, Any]:
    subject = receipt.subject
    return {
        "id": receipt.id,
        "run": receipt.run,
        "operation": receipt.operation,
        "owner": subject.owner,
        "urn": subject.urn,
        "resource": name_of(subject.urn) or None,
        "claim": subject.claim,
        "batch_id": subject.batch_id,
        "count": subject.count,
        "intended_at": receipt.intended_at.isoformat(),
        "answered_at": receipt.answered_at.isoformat() if receipt.answered_at else None,
        "outcome": receipt.outcome,
        **{name: getattr(receipt, name) for name in _OWN},
    }


def outcome_in_words(row: dict[str, Any]) -> str:
    """Return how the call of a row ended, for people."""
    outcome = row["outcome"]
    return f"{_OUTCOMES.get(outcome, outcome)}{' (a response was lost)' if row['was_lost'] else ''}"


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    known = [f"{row[name]} {verb}" for name, verb in STOPPED.items() if row[name] is not None]
    known += [f"{row['failed_deletions']} failed"] if row["failed_deletions"] else []
    known += [f"{row['still_running']} still running"] if row["still_running"] else []
    known += [f"{row['count']} requested"] if row["count"] is not None else []
    when = row["intended_at"][:19].replace("T", " ")
    return (when, row["owner"], row["resource"], row["operation"], row["batch_id"], outcome_in_words(row),
            ", ".join(known), row["note"])  # fmt: skip


def _line(cells: Iterable[object]) -> str:
    texts = ("" if cell is None else " ".join(str(cell).split()) for cell in cells)
    # A cell must not end its row, begin another column, or be taken for HTML.
    safe = (text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for text in texts)
    return f"| {' | '.join(safe)} |"


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
