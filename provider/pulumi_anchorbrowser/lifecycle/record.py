"""The record of a batch: its inputs, and everything the API has said of it. These are the outputs of a `Batch`."""

from __future__ import annotations

from typing import Any

from pulumi_anchorbrowser.api import BatchDetails, BatchSummary
from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs

DELETED = "deleted"
UNKNOWN_OUTCOME = "unknown"
_NOT_STARTED = "not-started-"
# Left out of the state where they say nothing, since the engine writes the whole state at every step.
_ONLY_IF_SET = ("ended", "missing")


class BatchRecord(BatchInputs):
    """The outputs of a `Batch`, as the state has them. A count is None until the API has said it.

    `batch_id` is the API's id, whether the batch was started or adopted. `live_status` is the API's word, or `deleted`.
    `ended` is True once every session was ended one by one, `missing` where only a 404 says that the batch is gone.
    `still_running` is how many sessions the API listed as running after the last stop, at `confirmed_at`; None where
    that is not confirmed. `account` is the key and address that started the batch, see `api.Account`.
    """

    live_status: str = ""
    total_requests: int | None = None
    completed_requests: int | None = None
    failed_requests: int | None = None
    created_at: str | None = None
    completed_at: str | None = None
    cancelled_sessions: int | None = None
    ended_sessions: int | None = None
    deleted_sessions: int | None = None
    failed_deletions: int | None = None
    deletion_errors: list[dict[str, str | None]] | None = None
    still_running: int | None = None
    confirmed_at: str | None = None
    message: str | None = None
    ended: bool = False
    missing: bool = False
    adopted: bool = False
    account: str = ""

    @classmethod
    def of(cls, inputs: BatchInputs, **known: Any) -> BatchRecord:
        """Return a record of these inputs and of what is known beside them."""
        urn = inputs.resource_urn
        return cls.model_validate(
            {**inputs.model_dump(), "resource_urn": urn, "adopted": inputs.batch_id is not None, **known}
        )

    def to_outputs(self) -> dict[str, Any]:
        """Return the resource's state: every input under its own name, and every output."""
        return self.model_dump(exclude={name for name in _ONLY_IF_SET if not getattr(self, name)})

    @property
    def id(self) -> str:
        """The resource's id: the batch's own, or one that says that no batch was ever started, or perhaps one."""
        return self.batch_id or f"{f'{UNKNOWN_OUTCOME}-' if self.is_of_unknown_outcome else _NOT_STARTED}{self.claim}"

    @property
    def is_of_unknown_outcome(self) -> bool:
        """Whether its create may have started a batch, which is known by its claim alone."""
        return self.batch_id is None and self.live_status == UNKNOWN_OUTCOME

    @property
    def known_id(self) -> str:
        """The batch's id. Raises ValueError where there is no batch."""
        if self.batch_id is None:
            raise ValueError("no batch was ever started for this resource")
        return self.batch_id

    @property
    def is_deleted(self) -> bool:
        """Whether there is no batch, for certain: none was started, or this resource's own DELETE was answered."""
        return self._has_no_batch or (self.live_status == DELETED and not self.missing)

    @property
    def is_stopped(self) -> bool:
        """Whether none of its browsers runs, as far as the API has said."""
        return self._has_no_batch or self.live_status in {DELETED, CANCELLED} or self.ended

    @property
    def _has_no_batch(self) -> bool:
        return self.batch_id is None and not self.is_of_unknown_outcome

    def but(self, **changes: Any) -> BatchRecord:
        """Return the record with some of its values changed."""
        return self.model_copy(update=changes)

    def with_inputs(self, inputs: BatchInputs) -> BatchRecord:
        """Return the same batch under new inputs. The owner and the claim stay: the sessions carry them in tags."""
        changes = inputs.model_dump(exclude={"batch_id", "claim", "owner"})
        adopted = self.adopted or inputs.batch_id is not None
        return self.but(**changes, resource_urn=inputs.resource_urn, adopted=adopted)

    def seen(self, batch: BatchDetails | BatchSummary) -> BatchRecord:
        """Return the record after a response that shows the batch."""
        return self.but(
            live_status=batch.status,
            total_requests=batch.total_requests,
            completed_requests=batch.completed_requests,
            failed_requests=batch.failed_requests,
            created_at=batch.created_at or self.created_at,
            completed_at=batch.actual_completion_time or self.completed_at,
            missing=False,
        )
