"""The tables of decisions, asked of the decisions themselves."""

from __future__ import annotations

from typing import Any, get_args

from tables import code, table

from pulumi_anchorbrowser.api import Batch as ApiBatch
from pulumi_anchorbrowser.choices import IfCompleted, OnDestroy, OnMissing, Status
from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord, decisions

ID = "6e019235-bc0d-43f2-b13e-a5ea2acec607"
# What each decision asks of the API.
CALLS: dict[type, str] = {
    decisions.Start: "`POST`",
    decisions.Adopt: "`GET`, then as below",
    decisions.RecordOnly: "no call, a warning",
    decisions.Cancel: "`PATCH`",
    decisions.Delete: "`DELETE`",
    decisions.EndSessions: "`DELETE` of each session",
    decisions.AlreadyCancelled: "no more calls: it is cancelled already",
    decisions.AlreadyGone: "no more calls: nothing of it is left",
    decisions.Accept: "no more calls, a warning: its browsers run on",
    decisions.Keep: "kept in the state, `live_status` deleted",
    decisions.Forget: "dropped from the state; the next `pulumi up` starts a new batch",
    decisions.Nothing: "no call",
}
STATUSES = get_args(Status)
_LIVE = ("pending", "processing", "completed", "failed", "cancelled")


def on_create() -> str:
    """By source and desired status."""
    rows = []
    for given, source in ((f"`count`, {code(s)}", {"count": 3, "status": s}) for s in STATUSES):
        rows.append((given, _told(decisions.on_create(BatchInputs.model_validate(source)))))
    adopted = BatchInputs.model_validate({"batch_id": ID})
    return table(("given", "the request"), [*rows, ("`batch_id`", _told(decisions.on_create(adopted)))])


def on_adopt() -> str:
    """By desired status, and by the batch as the API shows it."""
    rows = [[code(live), *(_told(decisions.on_adopt(_record(status, live))) for status in STATUSES)] for live in _LIVE]
    return table(("the API shows", *(f"`status` {code(status)}" for status in STATUSES)), rows)


def on_update() -> str:
    """By the status before, the batch as it stands, and the status wanted."""
    situations = [
        ("active", _record("active", "processing")),
        ("cancelled", _record("cancelled", "cancelled")),
        ("deleted", _record("deleted", "deleted")),
        ("any; the API no longer knows it", _record("active", "deleted")),
    ]
    rows = [
        [told, *(_told(decisions.on_update(record, _inputs(status))) for status in STATUSES)]
        for told, record in situations
    ]
    accepted = _record("cancelled", "completed", if_completed="accept")
    told = "cancelled, where `if_completed` `accept` let its browsers run, and now says otherwise"
    rows.append([told, *(_told(decisions.on_update(accepted, _inputs(status))) for status in STATUSES)])
    return table(("before", *(f"to {code(status)}" for status in STATUSES)), rows)


def on_refused_cancel() -> str:
    """By the batch as a GET shows it, and by `if_completed`."""
    choices = get_args(IfCompleted)
    rows = [
        [told, *(_told(decisions.on_refused_cancel(live, choice)) for choice in choices)]
        for told, live in [(code(status), _live(status)) for status in _LIVE] + [("404, or empty", None)]
    ]
    return table(("the batch is", *(code(choice) for choice in choices)), rows)


def on_destroy() -> str:
    """By `on_destroy`, and by the batch as it stands."""
    situations = [
        ("active", _record("active", "processing")),
        ("cancelled", _record("cancelled", "cancelled")),
        ("cancelled by ending every session", _record("cancelled", "completed", ended=True)),
        ("cancelled, its browsers run on (`accept`)", _record("cancelled", "completed")),
        ("deleted, or never started", _record("deleted", "deleted")),
    ]
    choices = get_args(OnDestroy)
    rows = [
        [told, *(_told(decisions.on_destroy(record.but(on_destroy=choice))) for choice in choices)]
        for told, record in situations
    ]
    return table(("the batch is", *(code(choice) for choice in choices)), rows)


def on_missing() -> str:
    """By desired status and `on_missing`."""
    choices = get_args(OnMissing)
    rows = [
        [code(s), *(_told(decisions.on_missing(_record(s, "processing", on_missing=c))) for c in choices)]
        for s in STATUSES
    ]
    return table(("`status`", *(f"`on_missing` {code(choice)}" for choice in choices)), rows)


def _told(decision: object) -> str:
    if isinstance(decision, decisions.Refuse):
        return f"an error: {decision.reason}"
    return CALLS[type(decision)]


def _inputs(status: str) -> BatchInputs:
    return BatchInputs.model_validate({"count": 3, "status": status})


def _record(status: str, live: str, **more: Any) -> BatchRecord:
    return BatchRecord.from_outputs({"count": 3, "batch_id": ID, "status": status, "live_status": live, **more})


def _live(status: str) -> ApiBatch:
    return ApiBatch.model_validate({"batch_id": ID, "status": status, "total_requests": 3})
