"""The operations of `Batch`: translate, call the lifecycle, translate back."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from pulumi_anchorbrowser.dynamic.engine import EngineNotices
from pulumi_anchorbrowser.dynamic.operations import Operations, check_result, is_unknown, received
from pulumi_anchorbrowser.lifecycle import (
    DEFAULTS,
    BatchInputs,
    BatchRecord,
    batch_problems,
    changes_between,
    new_claim,
    with_canonical_id,
)

_SHOWN_DEFAULTS = {name: DEFAULTS[name] for name in ("status", "on_destroy")}


class BatchOperations(Operations):
    """Creates, reads, updates and deletes batches."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Every wrong property at once; and a claim, which the engine writes down before it creates.

        Defaults need no place among the inputs, which the engine writes at every step: they are outputs anyway. Two of
        them are there all the same, since a preview shows what a change is from by the inputs.
        """
        inputs = with_canonical_id({**_SHOWN_DEFAULTS, **received(news)})
        inputs["claim"] = olds.get("claim") or new_claim()
        self._services.declared.note_inputs(inputs)
        return check_result(inputs, batch_problems(received(olds), inputs, is_unknown))

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """What changed, and what of it needs a new batch. Calls nothing."""
        self._services.note_in_state(id_)
        news = {**DEFAULTS, **received(news)}
        self._warn_of_leftovers(id_, news)
        changes = changes_between(id_, received(olds), news, is_unknown)
        return DiffResult(changes=bool(changes.changed), replaces=changes.replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Start or adopt a batch."""
        inputs = BatchInputs.model_validate(received(props))
        with self._operation("create", inputs.resource_urn, claim=inputs.claim, batch_id=inputs.batch_id):
            record = self._services.keeper.create(inputs, EngineNotices(inputs.resource_urn))
        self._services.note_delivered(record.batch_id)
        return CreateResult(record.id, record.to_outputs())

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Bring the outputs up to date; an empty id where the batch is gone and is to be created anew."""
        record = BatchRecord.from_outputs(received(props))
        with self._operation("read", record.resource_urn, claim=record.claim, batch_id=record.batch_id):
            found = self._services.keeper.read(record, EngineNotices(record.resource_urn))
        return ReadResult(id_, found.to_outputs()) if found else ReadResult(None, {})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Cancel or delete the batch where the desired status has gone forward; record the rest."""
        record = BatchRecord.from_outputs(received(olds))
        inputs = BatchInputs.model_validate(received(news))
        with self._operation("update", inputs.resource_urn, claim=record.claim, batch_id=record.batch_id):
            updated = self._services.keeper.update(record, inputs, EngineNotices(inputs.resource_urn))
        return UpdateResult(updated.to_outputs())

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Do what `on_destroy` says; the counts are told in a line of the log, and kept in the receipts."""
        record = BatchRecord.from_outputs(received(props))
        with self._operation("delete", record.resource_urn, claim=record.claim, batch_id=record.batch_id):
            self._services.keeper.delete(record, EngineNotices(record.resource_urn))

    def _warn_of_leftovers(self, id_: str, news: dict[str, Any]) -> None:
        urn = str(news.get("resource_urn"))
        for left in self._services.leftovers(str(news.get("owner")), urn, id_):
            EngineNotices(urn).warning(
                f"batch {left}, which an interrupted run has started for this resource, is in no state, and may run. "
                f"The resource's next change or destroy deletes it, and so does `pulumi-anchorbrowser delete {left}`"
            )
