"""One receipt: the intent, written before a call, and its outcome, written after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Operation = Literal["create", "cancel", "delete", "end_sessions", "retry"]
# How a call ended. `gone`: the API knows no such batch or session (HTTP 404), so there was nothing left to stop.
# `refused`: the API changed nothing. `unknown`: the response was lost, and the API may have acted. `settled`: a create
# that started nothing after all, or whose batch was deleted since.
Ending = Literal["done", "gone", "refused", "unknown", "settled"]
# How the ending of one session ended; `lost`: the response was lost.
SessionEnding = Literal["ended", "gone", "refused", "lost"]


@dataclass(frozen=True)
class Subject:
    """What a call is about. `account` identifies the API key and base URL without containing the key.

    `count` is the number of sessions that a create requests, or that a retry retries.
    """

    owner: str
    urn: str
    claim: str
    account: str
    batch_id: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class Receipt:
    """A receipt as the store has it. Times are UTC. An `outcome` of None: the call has begun, and no end is known.

    Counts are the API's own, None where it said none. `was_lost`: the response to one of the tries was lost.
    `run` names the process that made the call: a provider host, a plugin or a command. A run of the engine may have
    several. `ended`, `gone`, `refused` and `lost` are the ids of the sessions that an `end_sessions` was to end, by how
    that ended.
    """

    id: int
    run: str
    operation: Operation
    subject: Subject
    intended_at: datetime
    outcome: Ending | None = None
    answered_at: datetime | None = None
    http_status: int | None = None
    cancelled_sessions: int | None = None
    ended_sessions: int | None = None
    deleted_sessions: int | None = None
    failed_deletions: int | None = None
    still_running: int | None = None
    confirmed_at: str | None = None
    was_lost: bool = False
    note: str | None = None
    ended: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
