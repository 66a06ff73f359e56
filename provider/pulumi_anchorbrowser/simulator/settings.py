"""How the simulated API behaves: its limits, its false reports, and every behaviour that the contract leaves open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

LaggingListing = Literal["batches", "batch", "sessions", "statuses"]
SimulatedStop = Literal["cancel", "delete", "end"]


@dataclass
class SimulatorSettings:
    """The behaviour of one simulator; each setting may be changed while it runs and holds from the next request on.

    A batch keeps what it was created with: its creation time, its lifetime and its failing sessions.

    Creation of batches:
        creation_seconds: seconds from the POST until the last session of a batch is ready
        failing_sessions: sessions of each batch that fail to be created
        retries_to_heal: retries that a failing session needs; None: it never heals
        partly_failed_status: status of a batch of which some sessions failed, `completed` or `failed`
        accept_unknown_fields: whether a POST accepts fields that the API does not know; if not, 400

    Limits of the plan:
        credits: credits of each team, one for each session; None: without limit
        credits_refused_with: status of a POST for which the credits do not suffice, 402 or 403
        max_concurrent_browsers: browsers a team may run at once, as GET /v1/billing reports it; -1: without limit
        enforce_max_concurrent_browsers: whether a POST beyond max_concurrent_browsers is refused with 429
        creation_quota: POSTs of batches a team may make in a window, the next one is refused with 429; None: any number
        creation_quota_seconds: seconds that the window of creation_quota lasts
        retry_after_on_429: whether the 429 of creation_quota has a Retry-After header

    Time:
        latency_seconds: seconds before each request is handled
        minute_seconds: seconds that a minute of max_duration and idle_timeout lasts
        clock_offset_seconds: seconds that the API's clock (Date header, created_at) is ahead; set it at the start

    Listings:
        batches_listed_after: seconds until a new batch is in lists
        sessions_listed_after: seconds until a created session is in lists
        lag_seconds: seconds that the listings in `lagging` are behind: old statuses, 404 for a younger batch
        lagging: listings that lag: `batches`, `batch` (GET of one), `sessions`, `statuses` (/v1/sessions/all/status)
        batch_sessions: sessions in a GET of a batch: `all`, `left_out` (no such field), `without_ids`
        odd_rows: rows to put before page 1 of each list: in turns one whose status is null, one whose id is no UUID
        endless_pages: what follows the last page, which promises a next one: `no` next one, `empty` pages, `repeated`
        total_off_by: rows that the total of each list is too high (negative: too low)
        unsteady_pages: whether each response is shifted by one row against the one before, and has another total

    Stops:
        cancelling_seconds: seconds that a cancelled batch is `cancelling` and its sessions run on
        surviving_sessions: sessions of each batch, the first ones, that keep running when a stop reports success
        survive: stops that they survive: `cancel` (PATCH), `delete` (DELETE of a batch), `end` (DELETE of a session)
        survive_seconds: seconds that they survive the first stop; None: until their own time limits
        end_survivor: status of a DELETE of a session that survives it, 200 or 404
        failing_deletions: sessions of each batch that a DELETE reports as failed and leaves running
        deletions_heal_after: tries of a DELETE that fail before one succeeds; None: all fail
        deletion_report: what a DELETE reports: `all`, `errors` (no failed_deletions), `counts` (no errors), `nothing`

    Documented nowhere; the simulator can do either:
        failed_batch_cancellable: whether a failed batch can be cancelled
        get_after_delete: GET of a deleted batch: `404`, or an `empty` batch
        second_delete: DELETE of a deleted batch: `404`, or 200 with `zeros`
        end_ended_session: status of a DELETE of a session that has ended, 200 or 404
        ended_sessions_in_all_status: whether /v1/sessions/all/status lists ended sessions
        running_word: status of a running session; `SimulatedBatch.running_word` of one batch has precedence
        ended_word: status of an ended session
    """

    creation_seconds: float = 0.0
    failing_sessions: int = 0
    retries_to_heal: int | None = 1
    partly_failed_status: Literal["completed", "failed"] = "completed"
    accept_unknown_fields: bool = True

    credits: float | None = None
    credits_refused_with: Literal[402, 403] = 402
    max_concurrent_browsers: int = -1
    enforce_max_concurrent_browsers: bool = False
    creation_quota: int | None = None
    creation_quota_seconds: float = 60.0
    retry_after_on_429: bool = True

    latency_seconds: float = 0.0
    minute_seconds: float = 60.0
    clock_offset_seconds: float = 0.0

    batches_listed_after: float = 0.0
    sessions_listed_after: float = 0.0
    lag_seconds: float = 0.0
    lagging: Collection[LaggingListing] = ("batches", "batch", "sessions", "statuses")
    batch_sessions: Literal["all", "left_out", "without_ids"] = "all"
    odd_rows: int = 0
    endless_pages: Literal["no", "empty", "repeated"] = "no"
    total_off_by: int = 0
    unsteady_pages: bool = False

    cancelling_seconds: float = 0.0
    surviving_sessions: int = 0
    survive: Collection[SimulatedStop] = ("cancel", "delete")
    survive_seconds: float | None = None
    end_survivor: Literal[200, 404] = 200
    failing_deletions: int = 0
    deletions_heal_after: int | None = None
    deletion_report: Literal["all", "errors", "counts", "nothing"] = "all"

    failed_batch_cancellable: bool = True
    get_after_delete: Literal["404", "empty"] = "404"
    second_delete: Literal["404", "zeros"] = "404"
    end_ended_session: Literal["200", "404"] = "200"
    ended_sessions_in_all_status: bool = True
    running_word: str = "running"
    ended_word: str = "completed"
