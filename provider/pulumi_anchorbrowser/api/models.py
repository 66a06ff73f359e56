"""The API's answers, parsed once at the edge. Unknown fields are tolerated; the ones we act on must be there."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

# Words of the API for a batch's status. An answer may use a word that is not here; it is then passed on as it is.
PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = "pending", "processing", "completed", "failed", "cancelled"
UNFINISHED = frozenset({PENDING, PROCESSING})


def parse_id(value: object, of: str = "batch") -> str:
    """The id in its canonical form. Raises ValueError on anything but a UUID, so that it can stand in a path."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise ValueError(f"{str(value)[:60]!r} is not a {of} id (a UUID)") from None


BatchId = Annotated[str, AfterValidator(parse_id)]


class _Answer(BaseModel):
    """`after_lost_answer`: an earlier try of the same call may have been handled without its answer reaching us."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    after_lost_answer: bool = Field(default=False, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, answer: Any) -> Any:
        return (
            {name: value for name, value in answer.items() if value is not None} if isinstance(answer, dict) else answer
        )


class BatchCreated(_Answer):
    """POST /v1/batch-sessions."""

    batch_id: BatchId
    status: str = PENDING
    total_requests: int | None = None
    created_at: str | None = None


class BatchSession(_Answer):
    """One session of a batch. The URLs open the browser to whoever holds them, hence SecretStr."""

    session_id: str | None = None
    item_index: int | None = None
    status: str = PENDING
    cdp_url: SecretStr | None = None
    live_view_url: SecretStr | None = None
    error: str | None = None
    retry_count: int | None = None


class BatchSummary(_Answer):
    """A batch as the list shows it: without its sessions."""

    batch_id: BatchId
    status: str
    total_requests: int | None = None
    completed_requests: int | None = None
    failed_requests: int | None = None
    created_at: str | None = None
    actual_completion_time: str | None = None


class Batch(BatchSummary):
    """GET /v1/batch-sessions/{id}: the batch with every one of its sessions."""

    error: str | None = None
    sessions: tuple[BatchSession, ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the batch is left: the other possible answer to a GET after a DELETE.

        An answer that leaves the sessions out does not say so, and one that still counts some contradicts itself.
        """
        return self.sessions == () and self.status not in UNFINISHED and not self.completed_requests


class Pagination(_Answer):
    """Where a page stands among all."""

    current_page: int | None = None
    total_pages: int | None = None
    total_records: int | None = None
    has_next: bool


class BatchPage(_Answer):
    """GET /v1/batch-sessions: at most 100 batches."""

    batches: tuple[BatchSummary, ...]
    pagination: Pagination


class BatchCancelled(_Answer):
    """PATCH /v1/batch-sessions/{id}: how many running sessions it terminated, None where the answer does not say."""

    status: str = CANCELLED
    cancelled_sessions: int | None = None
    message: str | None = None


class FailedDeletion(_Answer):
    """A session that the API could not delete, and why."""

    session_id: str | None = None
    error: str | None = None


class BatchDeleted(_Answer):
    """DELETE /v1/batch-sessions/{id}. The counts are None where the answer does not say."""

    deleted_sessions: int | None = None
    failed_deletions: int | None = None
    errors: tuple[FailedDeletion, ...] = ()
    message: str | None = None


class BatchRetried(_Answer):
    """POST /v1/batch-sessions/{id}/retry."""

    status: str = PROCESSING
    retried_sessions: int | None = None
    message: str | None = None


class SessionStatus(_Answer):
    """An item of GET /v1/sessions/all/status."""

    session_id: str
    status: str | None = None
    tags: tuple[str, ...] = Field(default=())
    created_at: str | None = None


class SessionStatuses(_Answer):
    """GET /v1/sessions/all/status."""

    count: int | None = None
    items: tuple[SessionStatus, ...]


class ListedSession(_Answer):
    """An item of GET /v1/sessions."""

    id: str
    status: str | None = None
    tags: tuple[str, ...] = Field(default=())


class SessionPage(_Answer):
    """GET /v1/sessions: a page of sessions, ended ones included."""

    sessions: tuple[ListedSession, ...]
    total: int | None = None
