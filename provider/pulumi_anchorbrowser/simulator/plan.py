"""What is settled about a batch when it is created or retried, and how its sessions are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

CreationStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
# The contract does not have `cancelling`; see `Settings.cancelling_seconds`.
ShownStatus = Literal[CreationStatus, "cancelling"]


@dataclass(frozen=True)
class CreationPlan:
    """How the sessions of a batch are to be created and how long they live; all times in seconds."""

    count: int
    creation_seconds: float
    failing: int
    lifetime: float | None
    partly_failed_status: Literal["completed", "failed"] = "completed"


class Retry(NamedTuple):
    """The latest retry of one session that had failed."""

    asked_at: float
    started_at: float
    ready_at: float
    attempts: int
    succeeds: bool


class SessionCounts(NamedTuple):
    completed: int
    failed: int
    processing: int
    pending: int
