"""`BatchReady` as plain functions: check, diff, create, update. A wait that is over is never read or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.lifecycle import Changes, Notices, with_canonical_id
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown
from pulumi_anchorbrowser.lifecycle.waiting import READY_DEFAULTS, WAITED_FOR, ReadyInputs, ready_problems
from pulumi_anchorbrowser.words import counted

_IN_PLACE = (*WAITED_FOR, "timeout")


def check(services: Services, news: Mapping[str, Any], *, is_unknown: IsUnknown) -> Checked:
    """Return the inputs with their defaults, and what is wrong with them."""
    inputs = with_canonical_id({**READY_DEFAULTS, **news})
    return Checked(inputs, ready_problems(inputs, is_unknown, services.count_of(inputs.get("batch_id"))))


def diff(
    old_outputs: Mapping[str, Any], news: Mapping[str, Any], *, is_unknown: IsUnknown = lambda _: False
) -> Changes:
    """Return what changed from `old_outputs`. Another batch is another wait; anything else is an update.

    A preview of an update of the batch does not know its id: most likely it stays the same.
    """
    source = ["batch_id"] if old_outputs.get("batch_id") != news.get("batch_id") else []
    in_place = [name for name in _IN_PLACE if old_outputs.get(name) != news.get(name)]
    return Changes([*source, *in_place], [] if is_unknown(news.get("batch_id")) else source)


def create(services: Services, inputs: Mapping[str, Any], *, urn: str, notices: Notices) -> tuple[str, dict[str, Any]]:
    """Wait. Return the resource's id and outputs."""
    parsed = _parsed(inputs, urn)
    return f"{parsed.batch_id}-ready", _wait(services, parsed, urn, notices)


def update(
    services: Services, old_outputs: Mapping[str, Any], news: Mapping[str, Any], *, urn: str, notices: Notices
) -> dict[str, Any]:
    """Wait again where the inputs ask for another wait. Return the outputs."""
    inputs = _parsed(news, urn)
    if any(old_outputs.get(name) != news.get(name) for name in WAITED_FOR):
        return _wait(services, inputs, urn, notices)
    return {**old_outputs, **inputs.model_dump()}


def _parsed(inputs: Mapping[str, Any], urn: str) -> ReadyInputs:
    return ReadyInputs.model_validate({**inputs, "resource_urn": urn})


def _wait(services: Services, inputs: ReadyInputs, urn: str, notices: Notices) -> dict[str, Any]:
    with services.operation("wait", urn, batch_id=inputs.batch_id):
        reached = services.waiting(notices).until(inputs)
        batch = services.client.get_batch(inputs.batch_id) if inputs.record_sessions else None
    if batch is not None and batch.odd_rows:
        notices.warning(
            f"{counted(batch.odd_rows, 'session')} of batch {inputs.batch_id} could not be read from the API's "
            "response, so sessions does not have all of them"
        )
    return reached.outputs(inputs, batch.sessions if batch is not None else None)
