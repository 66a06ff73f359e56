"""What a change of each input does, asked of the code that decides it."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from operations import ID, STATUSES, first_request
from resources import input_names
from tables import code, table

from pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady
from pulumi_anchorbrowser.binding import cleanup, ready
from pulumi_anchorbrowser.cleanup import RUNS_AGAIN
from pulumi_anchorbrowser.lifecycle import DEFAULTS, BatchInputs, BatchRecord, batch_problems, changes_between
from pulumi_anchorbrowser.lifecycle.goals import goal_of_update
from pulumi_anchorbrowser.lifecycle.waiting import WAITED_FOR

ANOTHER_ID = "0b8f6c8e-4f4b-4d0c-9f0e-1f6f2f1d9a55"
# Each input with another value than before.
_BATCH: dict[str, Any] = {
    "count": 4,
    "batch_id": ANOTHER_ID,
    "configuration": {"browser": {"headless": {"active": True}}},
    "metadata": {"team": "search"},
    "on_destroy": "cancel",
    "if_completed": "fail",
    "on_missing": "recreate",
}
_READY: dict[str, Any] = {
    "batch_id": ANOTHER_ID,
    "min_ready": 2,
    "timeout": "20m",
    "retry_failed": 1,
    "record_sessions": True,
}
_CLEANUP: dict[str, Any] = {
    "select": {"owner": "any", "tags": ["a"]},
    "exclude": {"tags": ["b"]},
    "action": "cancel",
    "when": "both",
    "limit": 7,
    "dry_run": True,
    "triggers": [1],
    "allow_all": True,
    "on_failure": "warn",
}
_STARTED = {"count": 3, "batch_id": ID, "adopted": False}
_ADOPTED = {"batch_id": ID, "adopted": True}


def _is_known(_: object) -> bool:
    return False


def of_batch() -> str:
    """Return a table by input and by the status of the batch."""
    rows = []
    for name in input_names(Batch.__init__):
        if name == "status":
            continue  # It has a table of its own.
        cells = [_of_batch(name, status, adopted=False) for status in ("active", "cancelled")]
        rows.append((f"`{name}`", *cells, _of_batch(name, "active", adopted=True)))
    rows.insert(2, ("`batch_id`, to the id it already has", _same_id("active"), _same_id("cancelled"), "no change"))
    return table(("a change of", "while active", "once cancelled or deleted", "of an adopted batch"), rows)


def of_status() -> str:
    """Return a table by pair of statuses."""
    rows = [
        (code(before), code(after), *(_of_status(before, after, adopted) for adopted in (False, True)))
        for before, after in permutations(STATUSES, 2)
    ]
    return table(("from", "to", "a batch started here", "an adopted batch"), rows)


def of_ready() -> str:
    """Return a table by input of a wait."""
    olds = {"batch_id": ID, "timeout": "10m"}
    rows = []
    for name in input_names(BatchReady.__init__):
        replaced = ready.diff(olds, {**olds, name: _READY[name]}).replaces
        waits = "in place: it waits again" if name in WAITED_FOR else "in place, no call"
        rows.append((f"`{name}`", "replaced: another wait" if replaced else waits))
    return table(("a change of", "does"), rows)


def of_cleanup() -> str:
    """Return a table by input of a cleanup."""
    olds = {"select": {"tags": ["pr-12"]}}
    rows = []
    for name in input_names(BatchCleanup.__init__):
        changes = cleanup.diff(olds, {**olds, name: _CLEANUP[name]})
        if changes.replaces or not changes.changed:
            raise ValueError(f"{name}: a change of a cleanup is not in place any more; report that here")
        runs = "in place; with `when` apply or both it runs again"
        begins = "in place; from destroy to apply or both it runs"
        rows.append((f"`{name}`", runs if name in RUNS_AGAIN else begins if name == "when" else "in place, saved"))
    return table(("a change of", "does"), rows)


def _of_batch(name: str, status: str, *, adopted: bool) -> str:
    olds: dict[str, Any] = {**DEFAULTS, **(_ADOPTED if adopted else _STARTED), "status": status}
    given = {**DEFAULTS, "status": status, **({"batch_id": ID} if adopted else {"count": 3})}
    news = {**given, name: _BATCH[name]}
    if name in {"count", "batch_id"}:
        news.pop("batch_id" if name == "count" else "count", None)
    elif batch_problems(olds, news, _is_known):
        return "refused"
    return _told(olds, news)


def _same_id(status: str) -> str:
    olds = {**DEFAULTS, **_STARTED, "status": status}
    return _told(olds, {**DEFAULTS, "batch_id": ID, "status": status})


def _of_status(before: str, after: str, adopted: bool) -> str:
    source = {"batch_id": ID} if adopted else {"count": 3}
    olds = {**DEFAULTS, **(_ADOPTED if adopted else _STARTED), "status": before}
    news = {**DEFAULTS, **source, "status": after}
    return "refused" if batch_problems(olds, news, _is_known) else _told(olds, news)


def _told(olds: dict[str, Any], news: dict[str, Any]) -> str:
    changes = changes_between(ID, olds, news, _is_known)
    if changes.replaces:
        return "replaced"
    if not changes.changed:
        return "no change"
    live = {"active": "processing"}.get(olds["status"], olds["status"])
    record = BatchRecord.model_validate({**olds, "live_status": live})
    return f"in place: {first_request(goal_of_update(record, BatchInputs.model_validate(news)))}"
