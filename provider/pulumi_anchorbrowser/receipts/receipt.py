"""One receipt: an intent, written before the call, and its outcome, written after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Operation = Literal["create", "cancel", "delete", "end_sessions", "retry"]
# `refused`: the API changed nothing. `unknown`: it may have. No outcome at all: we were stopped before we knew.
# `settled`: a create that turned out to have made nothing, or whose batch has been removed since.
Outcome = Literal["done", "refused", "unknown", "settled"]


@dataclass(frozen=True)
class Subject:
    """What a call is about. `account` tells which key and address, without telling the key."""

    owner: str
    urn: str
    claim: str
    account: str
    batch_id: str | None = None
    count: int | None = None
    # Of what a batch is created with; tells whether it is the same as before, and not what it is.
    fingerprint: str | None = None


@dataclass(frozen=True)
class Counts:
    """What the API has said of a batch in all receipts together; None where it has not said it.

    A count is uncertain where a call was repeated, or interrupted, after an answer that never came.
    """

    cancelled_sessions: int | None = None
    ended_sessions: int | None = None
    deleted_sessions: int | None = None
    ended_uncertain: bool = False
    deleted_uncertain: bool = False


@dataclass(frozen=True)
class Receipt:
    """A receipt as it stands in the store. Times are UTC."""

    id: int
    run: str
    operation: Operation
    subject: Subject
    intended_at: datetime
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    http_status: int | None = None
    cancelled_sessions: int | None = None
    ended_sessions: int | None = None
    deleted_sessions: int | None = None
    failed_deletions: int | None = None
    uncertain: bool = False
    note: str | None = None
    in_state: bool = False
