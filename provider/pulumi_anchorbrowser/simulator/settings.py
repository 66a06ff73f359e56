"""How the simulated API behaves: every knob, and every answer that the contract leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Settings:
    """Knobs of one simulator; each may be changed while it runs and holds from the next request on.

    What a batch was created with (its creation time, its failing sessions) stays as it was at its creation.
    """

    # How batches are created
    creation_seconds: float = 0.0  # from the POST until the last session is ready
    failing_sessions: int = 0  # how many sessions of each batch fail to be created
    retries_to_heal: int | None = 1  # retries a failing session needs; None: it never heals
    partly_failed_status: Literal["completed", "failed"] = "completed"  # when some, not all, sessions failed

    # What the plan allows
    credits: float | None = None  # per team, one credit a session; None: without end
    max_concurrent_browsers: int = -1  # told by GET /v1/billing, not enforced
    creation_quota: int | None = None  # POSTs of batches a team may make in a window, then 429
    creation_quota_seconds: float = 60.0
    retry_after_on_429: bool = True  # unknown: whether 429 carries Retry-After

    # Time
    latency_seconds: float = 0.0  # before each request is handled
    minute_seconds: float = 60.0  # how long a minute of max_duration and idle_timeout lasts
    batches_listed_after: float = 0.0  # seconds until a new batch shows up in lists
    sessions_listed_after: float = 0.0  # seconds until a created session shows up in lists

    # Deletion
    failing_deletions: int = 0  # sessions of each batch that DELETE leaves behind, still running
    deletions_heal_after: int | None = None  # failing tries on a batch before one works; None: none ever does

    # Documented nowhere: the simulator can give either answer
    failed_batch_cancellable: bool = True
    get_after_delete: Literal["404", "empty"] = "404"
    second_delete: Literal["404", "zeros"] = "404"
    end_ended_session: Literal["200", "404"] = "200"
    ended_sessions_in_all_status: bool = True
    running_word: str = "running"  # the status of a session; the contract only says that it is a string
    ended_word: str = "completed"
