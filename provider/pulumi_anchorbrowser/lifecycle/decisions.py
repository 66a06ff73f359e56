"""What to do with a batch, as data. No clock, no I/O, no environment."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_anchorbrowser.api import Batch
from pulumi_anchorbrowser.api.models import CANCELLED, COMPLETED, FAILED, UNFINISHED
from pulumi_anchorbrowser.choices import IfCompleted
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.record import BatchRecord


@dataclass(frozen=True)
class Start:
    """Start a new batch."""


@dataclass(frozen=True)
class Adopt:
    """Take over a batch that exists, and bring it to the desired status."""


@dataclass(frozen=True)
class RecordOnly:
    """Call nothing: what is asked for would be started only to be stopped."""


@dataclass(frozen=True)
class Cancel:
    """PATCH the batch: stop its browsers, keep their data."""


@dataclass(frozen=True)
class Delete:
    """DELETE the batch: stop its browsers, remove their data."""


@dataclass(frozen=True)
class EndSessions:
    """End its sessions one by one: stop its browsers, keep their data."""


@dataclass(frozen=True)
class AlreadyCancelled:
    """It was cancelled before; how many sessions that stopped, this answer does not say."""


@dataclass(frozen=True)
class AlreadyGone:
    """The API no longer knows it."""


@dataclass(frozen=True)
class Accept:
    """Leave its browsers running until they end by themselves, as the user chose."""


@dataclass(frozen=True)
class Refuse:
    """Stop with an error."""

    reason: str


@dataclass(frozen=True)
class Keep:
    """Leave the resource in the state, as deleted."""


@dataclass(frozen=True)
class Forget:
    """Drop the resource from the state, so that the next `pulumi up` creates it anew."""


@dataclass(frozen=True)
class Nothing:
    """There is nothing to do."""


CreateDecision = Start | Adopt | RecordOnly
StopDecision = Cancel | Delete | EndSessions | Nothing
RefusedCancelDecision = AlreadyCancelled | AlreadyGone | Cancel | EndSessions | Delete | Accept | Refuse


def on_create(inputs: BatchInputs) -> CreateDecision:
    """What creating the resource takes."""
    if inputs.batch_id is not None:
        return Adopt()
    return Start() if inputs.status == "active" else RecordOnly()


def on_adopt(record: BatchRecord) -> StopDecision | Refuse:
    """What brings an adopted batch, just seen, to the desired status."""
    if record.status == "cancelled":
        return Cancel()
    if record.status == "deleted":
        return Delete()
    if record.live_status == CANCELLED:
        return Refuse("the batch is already cancelled and cannot be active; adopt it with status 'cancelled'")
    return Nothing()


def on_update(record: BatchRecord, inputs: BatchInputs) -> StopDecision:
    """What an update takes: the desired status has gone forward, or a completed batch is to be treated otherwise."""
    if inputs.status == "active" or record.is_gone:
        return Nothing()
    if inputs.status == "deleted":
        return Delete()
    if record.status == "active":
        return Cancel()
    treated_otherwise = inputs.if_completed != record.if_completed and not record.is_stopped
    return Cancel() if treated_otherwise else Nothing()


def on_destroy(record: BatchRecord) -> StopDecision:
    """What removing the resource takes."""
    if record.is_gone:
        return Nothing()
    if record.on_destroy == "delete":
        return Delete()
    if record.is_stopped:
        return Nothing()
    return Cancel() if record.on_destroy == "cancel" else EndSessions()


def on_refused_cancel(live: Batch | None, if_completed: IfCompleted) -> RefusedCancelDecision:
    """What to do after a 409, which says "already cancelled" or "completed"; only the batch itself tells which."""
    if live is None or live.is_empty:
        return AlreadyGone()
    if live.status == CANCELLED:
        return AlreadyCancelled()
    # Under a word that we do not know more sessions may come, so ending those there are is not enough.
    may_grow = live.status not in {COMPLETED, FAILED} and if_completed == "end_sessions"
    if live.status in UNFINISHED or may_grow:
        return Cancel()
    by_choice: dict[IfCompleted, RefusedCancelDecision] = {
        "end_sessions": EndSessions(),
        "delete": Delete(),
        "accept": Accept(),
        "fail": Refuse(f"the batch is {live.status}, its browsers may still run, and if_completed is 'fail'"),
    }
    return by_choice[if_completed]


def on_missing(record: BatchRecord) -> Keep | Forget:
    """What to do in a refresh when the API no longer knows the batch."""
    return Forget() if record.status == "active" and record.on_missing == "recreate" else Keep()
