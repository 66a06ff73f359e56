"""What a batch is to become, as data, and which goal an operation on a resource sets."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.choices import IfCompleted
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs
from pulumi_anchorbrowser.lifecycle.record import DELETED, BatchRecord


@dataclass(frozen=True)
class Started:
    """A new batch, started exactly once. A lost response is looked for, for up to `patience` seconds."""

    patience: float


@dataclass(frozen=True)
class Sought:
    """The batch of an interrupted create is found by its claim, or there is none after `patience` seconds.

    Sessions that run, and whose batch is not found, are an error; with `ends_sessions` they are ended one by one.
    """

    patience: float
    ends_sessions: bool = False


@dataclass(frozen=True)
class Adopted:
    """The record has what the API says of a batch that exists already."""


@dataclass(frozen=True)
class Refreshed:
    """The record has what the API says of the batch now."""


@dataclass(frozen=True)
class Cancelled:
    """Its browsers are stopped, its data is kept. `if_completed`: what to do where the API refuses.

    `is_again`: it was cancelled before, and that was confirmed. A look comes first; if no session runs, nothing else.
    """

    if_completed: IfCompleted = "end_sessions"
    is_again: bool = False


@dataclass(frozen=True)
class Deleted:
    """Its browsers are stopped, its data is removed."""


@dataclass(frozen=True)
class SessionsEnded:
    """Each of its sessions is ended, its data is kept, and no more sessions start. `is_again`: as for `Cancelled`."""

    is_again: bool = False


StopGoal = Cancelled | Deleted | SessionsEnded
Goal = Started | Sought | Adopted | Refreshed | StopGoal


def goal_of_create(inputs: BatchInputs, patience: float) -> Started | Adopted | None:
    """Return the goal of creating the resource; None where a new batch would only be started to be stopped."""
    if inputs.batch_id is not None:
        return Adopted()
    return Started(patience) if inputs.status == "active" else None


def goal_of_adoption(record: BatchRecord) -> StopGoal | None:
    """Return what brings a batch that was just adopted to its desired status; None where it has it."""
    if record.status == "deleted":
        return Deleted()
    return Cancelled(record.if_completed) if record.status == "cancelled" else None


def goal_of_update(record: BatchRecord, inputs: BatchInputs) -> StopGoal | None:
    """Return the goal of an update: the desired status changed, or a completed batch is to be treated otherwise."""
    if inputs.status == "active" or record.is_deleted:
        return None
    if inputs.status == "deleted":
        return Deleted()
    is_treated_otherwise = inputs.if_completed != record.if_completed and not record.is_stopped
    return Cancelled(inputs.if_completed) if record.status == "active" or is_treated_otherwise else None


def goal_of_destroy(record: BatchRecord) -> StopGoal | None:
    """Return the goal of deleting the resource, by its `on_destroy`; None where nothing is left to stop.

    A stop that was never confirmed is made once more: its response may have been better than the truth. One that was
    is looked at again where the batch is kept: a retry may have started browsers in it since.
    """
    is_confirmed = record.batch_id is None or (record.still_running == 0 and not record.missing)
    if record.is_deleted and is_confirmed:
        return None
    if record.on_destroy == "delete":
        return Deleted()
    is_again = record.is_stopped and is_confirmed
    return Cancelled(record.if_completed, is_again) if record.on_destroy == "cancel" else SessionsEnded(is_again)


def is_dropped_when_missing(record: BatchRecord) -> bool:
    """Whether a refresh drops the resource from the state, because the API no longer knows its batch."""
    return record.status == "active" and record.on_missing == "recreate"


def is_adoptable(record: BatchRecord) -> bool:
    """Whether a batch of this live status can have this desired status."""
    return not (record.status == "active" and record.live_status in {CANCELLED, DELETED})
