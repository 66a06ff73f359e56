"""What is known of a batch: its inputs, and all that the API has said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from pulumi_anchorbrowser.api import Batch, BatchSummary
from pulumi_anchorbrowser.api.models import CANCELLED
from pulumi_anchorbrowser.lifecycle.inputs import BatchInputs

DELETED = "deleted"
_NOT_STARTED = "not-started-"


class BatchRecord(BatchInputs):
    """The outputs of a `Batch`, as they stand in the state. A count is None until the API has said it.

    `batch_id` is the id the API gave, whether the batch was started or adopted. `live_status` is the API's word, or
    `deleted`. `ended` says that all its sessions were ended one by one. `account` tells which key and address made
    the batch, see `api.Account`.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    live_status: str
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
    message: str | None = None
    ended: bool = False
    adopted: bool = False
    account: str = ""

    @classmethod
    def of(cls, inputs: BatchInputs, **known: Any) -> BatchRecord:
        """A record of these inputs and of what is known beside them."""
        return cls.model_validate({**inputs.model_dump(), "adopted": inputs.batch_id is not None, **known})

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> BatchRecord:
        """The record in a resource's state."""
        return cls.model_validate(outputs)

    def to_outputs(self) -> dict[str, Any]:
        """The resource's state: every input under its own name, and every output. `ended` is there if it is true."""
        return self.model_dump(exclude=None if self.ended else {"ended"})

    @property
    def id(self) -> str:
        """The resource's id: the batch's own, or one that says no batch was ever started."""
        return self.batch_id or f"{_NOT_STARTED}{self.claim}"

    @property
    def known_id(self) -> str:
        """The batch's id, where there is a batch to act on."""
        if self.batch_id is None:
            raise ValueError("no batch was ever started for this resource")
        return self.batch_id

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing left to act on: deleted, or never started."""
        return self.live_status == DELETED or self.batch_id is None

    @property
    def is_stopped(self) -> bool:
        """Whether none of its browsers runs, as far as the API has told us."""
        return self.is_gone or self.live_status == CANCELLED or self.ended

    def but(self, **changes: Any) -> BatchRecord:
        """The record with some of its values changed."""
        return self.model_copy(update=changes)

    def with_inputs(self, inputs: BatchInputs) -> BatchRecord:
        """The same batch under new inputs. The claim is the one its sessions carry, for ever."""
        changes = inputs.model_dump(exclude={"batch_id", "claim"})
        return self.but(**changes, adopted=inputs.batch_id is not None)

    def seen(self, batch: Batch | BatchSummary) -> BatchRecord:
        """The record after the API has shown the batch."""
        return self.but(
            live_status=batch.status,
            total_requests=batch.total_requests,
            completed_requests=batch.completed_requests,
            failed_requests=batch.failed_requests,
            created_at=batch.created_at or self.created_at,
            completed_at=batch.actual_completion_time or self.completed_at,
        )
