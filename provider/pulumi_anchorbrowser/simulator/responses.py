"""The bodies of the API's responses; a field without a value is left out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, WithJsonSchema

from pulumi_anchorbrowser.simulator.plan import ShownStatus, Status
from pulumi_anchorbrowser.simulator.wire import Timestamp, Uuid, Wire

Phase = Literal["queued", "provisioning", "configuring", "ready"]
# `cancelling` is in no contract, and so not in the simulator's document either.
BatchState = Annotated[ShownStatus, WithJsonSchema({"type": "string", "enum": list(get_args(Status))})]


class ErrorDetail(Wire):
    code: int
    message: str


class ErrorBody(Wire):
    error: ErrorDetail


class CreatedBatch(Wire):
    batch_id: Uuid
    status: BatchState
    total_requests: int
    created_at: Timestamp


class BatchSummary(CreatedBatch):
    completed_requests: int
    failed_requests: int
    actual_completion_time: Timestamp | None = None


class Pagination(Wire):
    current_page: int
    total_pages: int
    total_records: int
    has_next: bool
    has_prev: bool


class BatchList(Wire):
    batches: list[BatchSummary]
    pagination: Pagination


class BatchItem(Wire):
    item_index: int
    session_id: Uuid | None = None
    status: Status
    cdp_url: str | None = None
    live_view_url: str | None = None
    error: str | None = None
    retry_count: int
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    metadata: dict[str, Any] | None = None


class Progress(Wire):
    percentage: Annotated[float, Field(ge=0, le=100)]
    current_phase: Phase


class BatchStatus(BatchSummary):
    processing_requests: int
    pending_requests: int
    error: str | None = None
    sessions: list[BatchItem] | None = None
    progress: Progress


class CancelledBatch(Wire):
    batch_id: Uuid
    status: Annotated[ShownStatus, WithJsonSchema({"type": "string", "enum": ["cancelled"]})]
    cancelled_sessions: int
    message: str


class FailedDeletion(Wire):
    session_id: str
    error: str


class DeletedBatch(Wire):
    batch_id: Uuid
    deleted_sessions: int | None = None
    failed_deletions: int | None = None
    errors: list[FailedDeletion] | None = None
    message: str


class RetriedBatch(Wire):
    batch_id: Uuid
    status: Status
    retried_sessions: int
    message: str


class SessionStatus(Wire):
    session_id: str
    status: str
    tags: list[str]
    created_at: Timestamp


class SessionStatusList(Wire):
    count: int
    items: list[SessionStatus]


class SessionSummary(Wire):
    id: str
    status: str
    tags: list[str]
    headless: bool
    recording: bool
    used_credits: float | Literal["N/A"]
    duration: float | None = None
    created_at: Timestamp
    user_configuration: dict[str, Any]
    task_initiated: bool
    task_executions_count: int
    api_key_name: str
    browser_ip: str
    domains: list[str]


class SessionPage(Wire):
    sessions: list[SessionSummary]
    total: int
    page: int
    total_pages: int


class CreatedSession(Wire):
    id: str
    cdp_url: str
    live_view_url: str


class SessionTags(Wire):
    tags: list[str]


class Success(Wire):
    status: str


class Billing(Wire):
    credits: float
    credits_used: float
    included_credits: float
    billing_period: str
    tier: str
    max_concurrent_browsers: int
