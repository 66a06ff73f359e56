"""The tables of operations, made by asking `next_step` what follows."""

from __future__ import annotations

from typing import Any, get_args

from tables import code, table

from pulumi_anchorbrowser.api import AlreadySettled, Answered, BatchSession, NotFound, Outcome, Refused
from pulumi_anchorbrowser.api import BatchDetails as ApiBatch
from pulumi_anchorbrowser.choices import IfCompleted, OnDestroy, OnMissing, Status
from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord
from pulumi_anchorbrowser.lifecycle.goals import (
    Adopted,
    Cancelled,
    Goal,
    goal_of_adoption,
    goal_of_create,
    goal_of_destroy,
    goal_of_update,
    is_dropped_when_missing,
)
from pulumi_anchorbrowser.lifecycle.next_step import NOT_FOUND, SECOND_LOOK_SECONDS, next_step
from pulumi_anchorbrowser.lifecycle.steps import (
    Cancel,
    Confirm,
    Delete,
    Done,
    EndSessions,
    Entry,
    Fail,
    Get,
    Pause,
    Start,
    Step,
)

ID = "6e019235-bc0d-43f2-b13e-a5ea2acec607"
NO_CALL = "no call"
# What each step asks of the API.
REQUESTS: dict[type, str] = {
    Start: "`POST`",
    Get: "`GET`",
    Cancel: "`PATCH`",
    Delete: "`DELETE`",
    EndSessions: "`DELETE` of each session",
    Confirm: "no more calls but the confirmation",
    Done: "no more calls, a warning: its browsers keep running",
}
STATUSES = get_args(Status)
_LIVE = ("pending", "processing", "completed", "failed", "cancelled")
_CANCELLING, _UNKNOWN_WORD = "cancelling", "paused"
# What follows a pause, by its reason.
_PAUSES = {
    "cancelling": "`GET` again, until it is cancelled",
    "cancel_refused": "`PATCH` again, after a pause",
}


def on_create() -> str:
    """Return a table by source and desired status."""
    rows = []
    for given, source in ((f"`count`, {code(s)}", {"count": 3, "status": s}) for s in STATUSES):
        rows.append((given, _of_create(BatchInputs.model_validate(source))))
    adopted = BatchInputs.model_validate({"batch_id": ID})
    return table(("given", "the request"), [*rows, ("`batch_id`", f"{_of_create(adopted)}, then as below")])


def on_adopt() -> str:
    """Return a table by desired status and by the batch as the API shows it."""
    rows = [[code(live), *(_of_adoption(status, live) for status in STATUSES)] for live in _LIVE]
    return table(("the API shows", *(f"`status` {code(status)}" for status in STATUSES)), rows)


def on_update() -> str:
    """Return a table by the batch as it stands and by the status wanted."""
    situations = [
        ("active", _record("active", "processing")),
        ("cancelled", _record("cancelled", "cancelled")),
        ("deleted", _record("deleted", "deleted")),
        ("active, and the last read got a 404", _record("active", "deleted", missing=True)),
        (
            "cancelled, `if_completed` `accept` let its browsers run, and was changed since",
            _record("cancelled", "completed", if_completed="accept"),
        ),
    ]
    rows = [
        [name, *(first_request(goal_of_update(record, _inputs(s))) for s in STATUSES)] for name, record in situations
    ]
    return table(("before", *(f"to {code(status)}" for status in STATUSES)), rows)


def on_refused_cancel() -> str:
    """Return a table by the batch as a GET shows it and by `if_completed`."""
    choices = get_args(IfCompleted)
    entries = [(code(status), [_shown(status)]) for status in (*_LIVE, _CANCELLING)]
    entries += [(f"{code(_UNKNOWN_WORD)}, or any other word that this release does not know", [_shown(_UNKNOWN_WORD)])]
    entries += [("404, twice", [_not_found(), Entry(Pause(SECOND_LOOK_SECONDS, NOT_FOUND)), _not_found()])]
    rows = [[name, *(_after_refusal(choice, shown) for choice in choices)] for name, shown in entries]
    return table(("the batch is", *(code(choice) for choice in choices)), rows)


def on_destroy() -> str:
    """Return a table by the batch as it stands and by `on_destroy`."""
    situations = [
        ("active", _record("active", "processing")),
        ("cancelled, and confirmed", _record("cancelled", "cancelled", still_running=0)),
        (
            "cancelled by ending every session, and confirmed",
            _record("cancelled", "completed", ended=True, still_running=0),
        ),
        ("cancelled or deleted, and not confirmed", _record("cancelled", "cancelled")),
        ("cancelled, and its browsers keep running (`accept`)", _record("cancelled", "completed")),
        ("active, and the last read got a 404", _record("active", "deleted", missing=True)),
        ("deleted and confirmed, or never started", _record("deleted", "deleted", still_running=0)),
    ]
    choices = get_args(OnDestroy)
    rows = [[name, *(_of_destroy(record.but(on_destroy=choice)) for choice in choices)] for name, record in situations]
    return table(("the batch is", *(code(choice) for choice in choices)), rows)


def on_missing() -> str:
    """Return a table by desired status and `on_missing`."""
    choices = get_args(OnMissing)
    kept, dropped = (
        "kept in the state, `live_status` deleted",
        "dropped from the state; the next `pulumi up` starts a new batch",
    )
    rows = [
        [
            code(status),
            *(
                dropped if is_dropped_when_missing(_record(status, "deleted", on_missing=choice)) else kept
                for choice in choices
            ),
        ]
        for status in STATUSES
    ]
    return table(("`status`", *(f"`on_missing` {code(choice)}" for choice in choices)), rows)


def first_request(goal: Goal | None, record: BatchRecord | None = None) -> str:
    """Return the first request of a goal."""
    if goal is None:
        return NO_CALL
    return REQUESTS[type(next_step(record or _record("active", "processing"), goal, []))]


def _of_create(inputs: BatchInputs) -> str:
    goal = goal_of_create(inputs, 60.0)
    return "no call, a warning" if goal is None else first_request(goal)


def _of_adoption(status: str, live: str) -> str:
    record = _record(status, live)
    step = next_step(record, Adopted(), [_shown(live)])
    if isinstance(step, Fail):
        return f"an error: {step.error.explanation.partition(': ')[2]}"
    return first_request(goal_of_adoption(record))


def _of_destroy(record: BatchRecord) -> str:
    first = first_request(goal_of_destroy(record))
    if first == REQUESTS[Confirm]:
        return "a list of its sessions; if one runs, as if not confirmed"
    return f"{first}, then `DELETE` of each session" if first == REQUESTS[Get] else first


def _after_refusal(choice: Any, entries: list[Entry]) -> str:
    refused = Entry(Cancel(), Outcome((Refused(AlreadySettled("cancel", "HTTP 409", status=409)),)))
    return _words(next_step(_record("active", "processing"), Cancelled(choice), [refused, *entries]))


def _words(step: Step) -> str:
    if isinstance(step, Fail):
        return f"an error: {step.error.explanation.rpartition('; ')[2]}"
    if isinstance(step, Pause):
        return _PAUSES[step.reason]
    return REQUESTS[type(step)]


def _inputs(status: str) -> BatchInputs:
    return BatchInputs.model_validate({"count": 3, "status": status})


def _record(status: str, live: str, **more: Any) -> BatchRecord:
    return BatchRecord.model_validate({"count": 3, "batch_id": ID, "status": status, "live_status": live, **more})


def _shown(status: str) -> Entry:
    sessions = (BatchSession(session_id=ID),)
    return Entry(Get(), Outcome((Answered(ApiBatch(batch_id=ID, status=status, total_requests=1, sessions=sessions)),)))


def _not_found() -> Entry:
    return Entry(Get(), Outcome((Refused(NotFound("read the batch", "HTTP 404", status=404)),)))
