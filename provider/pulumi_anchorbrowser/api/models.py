"""The API's responses, parsed once at the edge. Unknown fields are ignored; the ones we act on must be there.

A count that the API does not report, or that cannot be one, is None: never 0.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from pulumi_anchorbrowser.words import counted

# The API's words for a batch's status. A response may use a word that is not here; it is then passed on as it is.
PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = "pending", "processing", "completed", "failed", "cancelled"
UNFINISHED = frozenset({PENDING, PROCESSING})
# No session starts under these. The last one would be that of a deleted batch, of which the API documents none.
_FINAL = frozenset({COMPLETED, FAILED, CANCELLED, "deleted"})
_HIGHEST_COUNT = 10**9


def parse_id(value: object, of: str = "batch") -> str:
    """Return the id in its canonical form, fit for a path. Raises ValueError for anything but a UUID."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise ValueError(f"must be a {of} id, which is a UUID (got {str(value)[:60]!r})") from None


def is_id(value: object) -> bool:
    """Whether this can be the id of a batch or a session."""
    return _id_or_none(value) is not None


def _id_or_none(value: object) -> str | None:
    with suppress(ValueError):
        return parse_id(value)
    return None


def _bounded(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _HIGHEST_COUNT else None


BatchId = Annotated[str, AfterValidator(parse_id)]
SessionId = Annotated[str, BeforeValidator(lambda value: parse_id(value, of="session"))]
# None where the API names no id, or something that can stand in no path.
MaybeSessionId = Annotated[str | None, BeforeValidator(_id_or_none)]
Count = Annotated[int | None, AfterValidator(_bounded)]
# Only shown, so that whatever the API gives will do.
Text = Annotated[str | None, BeforeValidator(lambda value: None if value is None else str(value))]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, answer: Any) -> Any:
        return (
            {name: value for name, value in answer.items() if value is not None} if isinstance(answer, dict) else answer
        )


class _Listing(_Answer):
    """Rows. One that cannot be read is not among them, and must not hide the others: `odd_rows` counts it."""

    _rows: ClassVar[tuple[str, type[BaseModel]]]

    odd_rows: int = 0

    @model_validator(mode="before")
    @classmethod
    def _pass_over_odd_rows(cls, page: Any) -> Any:
        name, kind = cls._rows
        if not isinstance(page, dict) or not isinstance(page.get(name), list):
            return page
        parsed: list[BaseModel] = []
        for row in page[name]:
            with suppress(ValidationError):
                parsed.append(kind.model_validate(row))
        return {**page, name: parsed, "odd_rows": len(page[name]) - len(parsed)}


class BatchCreated(_Answer):
    """POST /v1/batch-sessions."""

    batch_id: BatchId
    status: str = PENDING
    total_requests: Count = None
    created_at: str | None = None


class BatchSession(_Answer):
    """One session of a batch. The URLs open the browser to whoever holds them, hence SecretStr."""

    session_id: MaybeSessionId = None
    item_index: int | None = None
    status: str = PENDING
    cdp_url: SecretStr | None = None
    live_view_url: SecretStr | None = None
    error: Text = None
    retry_count: Count = None


class BatchSummary(_Answer):
    """A batch as the list shows it: without its sessions."""

    batch_id: BatchId
    status: str
    total_requests: Count = None
    completed_requests: Count = None
    failed_requests: Count = None
    created_at: str | None = None
    actual_completion_time: str | None = None


class BatchDetails(BatchSummary, _Listing):
    """GET /v1/batch-sessions/{id}: the batch with every one of its sessions; None where the API does not list them."""

    _rows = ("sessions", BatchSession)

    error: Text = None
    sessions: tuple[BatchSession, ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the batch is left: the other possible response to a GET after a DELETE.

        A response that leaves the sessions out does not say so, and one that still counts some contradicts itself.
        """
        has_sessions = self.sessions != () or self.odd_rows or self.completed_requests
        # Under a word that this release does not know, its sessions may be still to start.
        return not has_sessions and self.status in _FINAL


class Pagination(_Answer):
    """Where a page stands among all."""

    total_pages: Count = None
    total_records: Count = None
    has_next: bool


class BatchPage(_Listing):
    """GET /v1/batch-sessions: at most 100 batches."""

    _rows = ("batches", BatchSummary)

    batches: tuple[BatchSummary, ...]
    pagination: Pagination


class BatchCancelled(_Answer):
    """PATCH /v1/batch-sessions/{id}: how many running sessions it terminated."""

    status: str = CANCELLED
    cancelled_sessions: Count = None
    message: Text = None


class FailedDeletion(_Answer):
    """A session that the API could not delete, and why."""

    session_id: MaybeSessionId = None
    error: Text = None

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_text(cls, row: Any) -> Any:
        return row if isinstance(row, dict) else {"error": row}


class BatchDeleted(_Answer):
    """DELETE /v1/batch-sessions/{id}."""

    deleted_sessions: Count = None
    failed_deletions: Count = None
    errors: tuple[FailedDeletion, ...] = ()
    message: Text = None

    @property
    def failed(self) -> int | None:
        """How many sessions were not deleted: at least the number of `errors`; None where the API says neither."""
        if self.failed_deletions is None and not self.errors:
            return None
        return max(self.failed_deletions or 0, len(self.errors))


class BatchRetried(_Answer):
    """POST /v1/batch-sessions/{id}/retry."""

    retried_sessions: Count = None


class SessionStatus(_Answer):
    """An item of GET /v1/sessions/all/status."""

    session_id: SessionId
    status: str | None = None
    tags: tuple[str, ...] = ()
    created_at: str | None = None


class SessionStatuses(_Listing):
    """GET /v1/sessions/all/status."""

    _rows = ("items", SessionStatus)

    count: Count = None
    items: tuple[SessionStatus, ...]

    @property
    def trouble(self) -> str | None:
        """Why there may be other sessions: rows that cannot be read, or fewer rows than reported; else None."""
        if self.odd_rows:
            return f"the API lists {counted(self.odd_rows, 'session')} without a usable id"
        if len(self.items) < (self.count or 0):
            return f"the API lists {len(self.items)} and reports {self.count}"
        return None


class ListedSession(_Answer):
    """An item of GET /v1/sessions."""

    id: SessionId
    tags: tuple[str, ...] = ()


class SessionPage(_Listing):
    """GET /v1/sessions: a page of sessions, ended ones included."""

    _rows = ("sessions", ListedSession)

    sessions: tuple[ListedSession, ...]
    total: Count = None


class Billing(_Answer):
    """GET /v1/billing: the plan's figures. `max_concurrent_browsers` is -1 where the plan has no limit."""

    tier: str | None = None
    credits: float | None = Field(default=None, allow_inf_nan=False)
    cost_limit: float | None = Field(default=None, allow_inf_nan=False)
    max_concurrent_browsers: int | None = None
