"""The bodies of the API's responses; a field without a value is left out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, WithJsonSchema

from pulumi_anchorbrowser.simulator.plan import CreationStatus, ShownStatus
from pulumi_anchorbrowser.simulator.wire import Timestamp, Uuid, Wire

Phase = Literal["queued", "provisioning", "configuring", "ready"]
# `cancelling` is in no contract, and so not in the simulator's document either.
BatchState = Annotated[ShownStatus, WithJsonSchema({"type": "string", "enum": list(get_args(CreationStatus))})]


class ErrorDetail(Wire):
    code: int
    message: str


class ErrorBody(Wire):
    error: ErrorDetail


class CreatedBatchBody(Wire):
    batch_id: Uuid
    status: BatchState
    total_requests: int
    created_at: Timestamp


class BatchSummaryBody(CreatedBatchBody):
    completed_requests: int
    failed_requests: int
    actual_completion_time: Timestamp | None = None


class PaginationBody(Wire):
    current_page: int
    total_pages: int
    total_records: int
    has_next: bool
    has_prev: bool


class BatchListBody(Wire):
    batches: list[BatchSummaryBody]
    pagination: PaginationBody


class BatchItemBody(Wire):
    item_index: int
    session_id: Uuid | None = None
    status: CreationStatus
    cdp_url: str | None = None
    live_view_url: str | None = None
    error: str | None = None
    retry_count: int
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    metadata: dict[str, Any] | None = None


class ProgressBody(Wire):
    percentage: Annotated[float, Field(ge=0, le=100)]
    current_phase: Phase


class BatchStatusBody(BatchSummaryBody):
    processing_requests: int
    pending_requests: int
    error: str | None = None
    sessions: list[BatchItemBody] | None = None
    progress: ProgressBody


class CancelledBatchBody(Wire):
    batch_id: Uuid
    status: Annotated[ShownStatus, WithJsonSchema({"type": "string", "enum": ["cancelled"]})]
    cancelled_sessions: int
    message: str


class FailedDeletionBody(Wire):
    session_id: str
    error: str


class DeletedBatchBody(Wire):
    batch_id: Uuid
    deleted_sessions: int | None = None
    failed_deletions: int | None = None
    errors: list[FailedDeletionBody] | None = None
    message: str


class RetriedBatchBody(Wire):
    batch_id: Uuid
    status: CreationStatus
    retried_sessions: int
    message: str


class SessionStatusBody(Wire):
    session_id: str
    status: str
    tags: list[str]
    created_at: Timestamp


class SessionStatusListBody(Wire):
    count: int
    items: list[SessionStatusBody]


class SessionSummaryBody(Wire):
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


class SessionPageBody(Wire):
    sessions: list[SessionSummaryBody]
    total: int
    page: int
    total_pages: int


class CreatedSessionBody(Wire):
    id: str
    cdp_url: str
    live_view_url: str


class SessionTagsBody(Wire):
    tags: list[str]


class SuccessBody(Wire):
    status: str


class BillingBody(Wire):
    credits: float
    credits_used: float
    included_credits: float
    billing_period: str
    tier: str
    max_concurrent_browsers: int
