"""`Batch` as plain functions: check, diff, create, read, update, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_anchorbrowser.api.models import parse_id
from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.lifecycle import (
    DEFAULTS,
    BatchInputs,
    BatchRecord,
    Changes,
    Notices,
    Problem,
    batch_problems,
    changes_between,
    with_canonical_id,
)
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown, unknown_fields
from pulumi_anchorbrowser.lifecycle.errors import NotAdopted
from pulumi_anchorbrowser.lifecycle.messages import intent_of

# A preview shows what a change is from by the inputs. The other defaults are in the outputs alone, since the engine
# writes every input at every step.
_SHOWN_DEFAULTS = {name: DEFAULTS[name] for name in ("status", "on_destroy")}
# The engine prints the whole value of a property that a problem names.
_MAY_HOLD_SECRETS = frozenset({"configuration", "metadata"})


def check(
    services: Services,
    old_inputs: Mapping[str, Any],
    news: Mapping[str, Any],
    *,
    urn: str,
    owner: str,
    is_unknown: IsUnknown,
) -> Checked:
    """Return the inputs, with a claim that the engine saves before it creates.

    `old_inputs` are the inputs of the last run; empty for a new batch, which gets a new claim. In a preview of a Python
    program that claim is unknown, and stays so: a plan that Pulumi saves then accepts the claim of the `up`.
    """
    services.begin_trail(urn, owner)
    inputs = with_canonical_id({**_SHOWN_DEFAULTS, **news, "owner": owner})
    claim = old_inputs.get("claim")
    if claim or not is_unknown(news.get("claim")):
        inputs["claim"] = claim or services.new_claim()
    if isinstance(inputs.get("batch_id"), str):
        services.trail.spare(inputs["batch_id"])
    problems = [_without_value(one) for one in batch_problems(old_inputs, inputs, is_unknown)]
    return Checked(inputs, problems, unknown_fields(inputs.get("configuration")))


def diff(
    services: Services,
    batch_id: str,
    old_outputs: Mapping[str, Any],
    news: Mapping[str, Any],
    *,
    urn: str,
    is_unknown: IsUnknown,
    notices: Notices,
) -> Changes:
    """Return what changed from `old_outputs`, and what of it makes a new batch necessary. Calls nothing.

    Reports what the change will start and stop: a preview shows the names of properties alone.
    """
    owner = str(news.get("owner", ""))
    services.begin_trail(urn, owner)
    services.trail.announce(owner, notices)
    services.note_batch(batch_id, old_outputs.get("count"))
    if _record(old_outputs, urn).is_of_unknown_outcome:
        # What it started is looked for and deleted before another one is started.
        notices.info(
            "an earlier create of this resource may have started a batch: this change looks for that batch and deletes "
            "it, then creates anew"
        )
        return Changes(["live_status"], ["live_status"], deletes_first=True)
    changes = changes_between(batch_id, old_outputs, {**DEFAULTS, **news}, is_unknown)
    intent = intent_of(_record(old_outputs, urn), {**DEFAULTS, **news}, changes) if changes.changed else None
    if intent is not None:
        notices.info(intent)
    return changes


def create(
    services: Services,
    inputs: Mapping[str, Any],
    *,
    urn: str,
    notices: Notices,
    keep: Callable[[str, dict[str, Any]], object] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Start or adopt a batch. Return the resource's id and outputs.

    Where it raises after a batch was adopted, or after one may have been started, `keep` first gets an id and outputs
    with which a later run can go on; None where the binding cannot save them.
    """
    keep_record = None if keep is None else lambda known: keep(known.id, known.to_outputs())
    parsed = BatchInputs.model_validate({**inputs, "resource_urn": urn})
    services.begin_trail(urn, parsed.owner)
    with services.operation("create", urn, claim=parsed.claim, batch_id=parsed.batch_id):
        record = services.batches.create(parsed, notices, keep_record)
    if not record.adopted:
        services.note_batch(record.batch_id, record.count, is_new=True)
    return record.id, record.to_outputs()


def read(services: Services, outputs: Mapping[str, Any], *, urn: str, notices: Notices) -> dict[str, Any] | None:
    """Return the outputs brought up to date; None where the batch is gone and the resource is to be dropped."""
    record = _record(outputs, urn)
    with services.operation("read", urn, claim=record.claim, batch_id=record.batch_id):
        found = services.batches.read(record, notices)
    return None if found is None else found.to_outputs()


def update(
    services: Services, old_outputs: Mapping[str, Any], news: Mapping[str, Any], *, urn: str, notices: Notices
) -> dict[str, Any]:
    """Cancel or delete the batch where the desired status has changed to that; save the rest. Return the outputs."""
    record = _record(old_outputs, urn)
    inputs = BatchInputs.model_validate({**news, "resource_urn": urn})
    services.begin_trail(urn, inputs.owner)
    with services.operation("update", urn, claim=record.claim, batch_id=record.batch_id):
        return services.batches.update(record, inputs, notices).to_outputs()


def delete(services: Services, outputs: Mapping[str, Any], *, urn: str, notices: Notices) -> dict[str, Any]:
    """Do what `on_destroy` says. Return the final outputs: the counts."""
    record = _record(outputs, urn)
    services.begin_trail(urn, record.owner, at_delete=True)
    with services.operation("delete", urn, claim=record.claim, batch_id=record.batch_id):
        return services.batches.delete(record, notices).to_outputs()


def import_(services: Services, batch_id: str, *, urn: str, owner: str, notices: Notices) -> dict[str, Any]:
    """Return the outputs of a resource that adopts an existing batch as it is."""
    try:
        known_id = parse_id(batch_id)
    except ValueError as error:
        raise NotAdopted(batch_id, str(error), "Give the id of a batch, a UUID.") from None
    with services.operation("import", urn, batch_id=known_id):
        return services.batches.imported(known_id, owner, services.new_claim(), notices).to_outputs()


def _without_value(problem: Problem) -> Problem:
    is_secret = problem.property in _MAY_HOLD_SECRETS
    return Problem("", f"{problem.property} {problem.reason}") if is_secret else problem


def _record(outputs: Mapping[str, Any], urn: str) -> BatchRecord:
    return BatchRecord.model_validate({**outputs, "resource_urn": urn})
