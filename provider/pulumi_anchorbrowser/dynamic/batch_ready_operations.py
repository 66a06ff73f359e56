"""The operations of `BatchReady`: wait, and record what was waited for."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from pulumi_anchorbrowser.dynamic.engine import EngineNotices
from pulumi_anchorbrowser.dynamic.operations import Operations, check_result, is_unknown, received
from pulumi_anchorbrowser.lifecycle import with_canonical_id
from pulumi_anchorbrowser.lifecycle.readiness import (
    READY_DEFAULTS,
    WAITED_FOR,
    ReadyInputs,
    outputs_of,
    ready_problems,
)

_IN_PLACE = (*WAITED_FOR, "timeout", "resource_urn")


class BatchReadyOperations(Operations):
    """Waits for batches."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:  # noqa: ARG002
        """Every wrong property at once, and the defaults."""
        inputs = with_canonical_id({**READY_DEFAULTS, **received(news)})
        return check_result(inputs, ready_problems(inputs, is_unknown))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another batch is another wait; all else is an update."""
        olds, news = received(olds), received(news)
        replaces = ["batch_id"] if olds.get("batch_id") != news.get("batch_id") else []
        in_place = [name for name in _IN_PLACE if olds.get(name) != news.get(name)]
        return DiffResult(changes=bool(replaces or in_place), replaces=replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait. A failure leaves the batch, which is a resource of its own, in the state."""
        inputs = ReadyInputs.model_validate(received(props))
        return CreateResult(f"{inputs.batch_id}-ready", self._wait(inputs))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Calls nothing: it is the record of a wait that is over."""
        return ReadResult(id_, received(props))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again where more is asked for than before."""
        inputs = ReadyInputs.model_validate(received(news))
        if any(olds.get(name) != news.get(name) for name in WAITED_FOR):
            return UpdateResult(self._wait(inputs))
        return UpdateResult({**received(olds), **inputs.model_dump()})

    def _wait(self, inputs: ReadyInputs) -> dict[str, Any]:
        urn = inputs.resource_urn or ""
        with self._operation("wait", urn, batch_id=inputs.batch_id):
            reached = self._services.waiting(EngineNotices(urn)).until(inputs.batch_id, inputs.goal, urn)
            sessions = self._services.client.get_batch(inputs.batch_id).sessions if inputs.record_sessions else None
        return outputs_of(inputs, reached, sessions)
