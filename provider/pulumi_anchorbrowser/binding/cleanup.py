"""`BatchCleanup` as plain functions: check, diff, preview, create, update, delete."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from pulumi_anchorbrowser.api import InvalidApiKey
from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.binding.settings import FROM_ENVIRONMENT
from pulumi_anchorbrowser.cleanup import (
    DEFAULTS,
    RECORDED,
    RESULTS,
    RUNS_AGAIN,
    Cleanup,
    CleanupInputs,
    Plan,
    Report,
    TooMany,
    cleanup_problems,
    outputs_of,
    run_cleanup,
    warn_of_undecided,
)
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle import Changes, Notices
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown
from pulumi_anchorbrowser.words import counted

_LAST_UP_COUNTS = "A destroy uses the values of the last `pulumi up`, so run that first."


def check(
    services: Services,
    old_inputs: Mapping[str, Any],
    news: Mapping[str, Any],
    *,
    urn: str,
    owner: str,
    is_unknown: IsUnknown,
    notices: Notices,
) -> Checked:
    """Return the inputs with their defaults, and what is wrong with them.

    Where the cleanup is going to run on apply, the plan is reported: it is what a preview shows. Nothing is changed.
    """
    inputs = {**DEFAULTS, **_without_none(news), "owner": owner}
    # Batches keep the owner tag of the name that the stack had, also those that Pulumi retains and no state has.
    if former := {*old_inputs.get("former_owners", ()), old_inputs.get("owner", owner)} - {owner}:
        inputs["former_owners"] = sorted(former)
    problems = cleanup_problems(inputs, is_unknown)
    if not problems and runs_on_apply(old_inputs, inputs):
        _report_plan(services, inputs, urn, notices)
    return Checked(inputs, problems)


def diff(old_outputs: Mapping[str, Any], news: Mapping[str, Any]) -> Changes:
    """Return what the user changed from `old_outputs`. Nothing makes a new cleanup necessary."""
    return Changes(_changed(old_outputs, news, (*RUNS_AGAIN, *RECORDED)), [])


def create(services: Services, inputs: Mapping[str, Any], *, urn: str, notices: Notices) -> tuple[str, dict[str, Any]]:
    """Run the cleanup where it runs on apply. Return the resource's id and outputs."""
    if inputs.get("dry_run") and not runs_on_apply({}, inputs):
        notices.info(
            "dry_run with when 'destroy' plans in a destroy only; with when 'both' every `pulumi up` plans too"
        )
    return f"cleanup-{secrets.token_hex(8)}", update(services, {}, inputs, urn=urn, notices=notices)


def update(
    services: Services, old_outputs: Mapping[str, Any], news: Mapping[str, Any], *, urn: str, notices: Notices
) -> dict[str, Any]:
    """Run the cleanup again where it runs on apply and what it does has changed. Return the outputs."""
    if not runs_on_apply(old_outputs, news):
        return {**news, **{name: old_outputs.get(name) for name in RESULTS}}
    inputs = _parsed(news, urn)
    if not inputs.dry_run:
        return {**news, **outputs_of(run(services, inputs, urn=urn, notices=notices))}
    with services.operation("cleanup", urn):
        # `check` has reported the plan a moment ago.
        return {**news, **outputs_of(Report(_plan(services, inputs, urn, notices)))}


def delete(services: Services, outputs: Mapping[str, Any], *, urn: str, notices: Notices) -> None:
    """Run the cleanup where it runs on destroy: in the stack's destroy, or in an `up` of a program without it."""
    inputs = _parsed(outputs, urn)
    if not inputs.runs_on_destroy:
        return
    try:
        run(services, inputs, urn=urn, notices=notices)
    except InvalidApiKey as error:
        # The cleanup never uses the environment's key in place of the stack's.
        if services.settings.key_source is not FROM_ENVIRONMENT:
            error.advice = f"{error.advice} {_LAST_UP_COUNTS}"
        raise
    except TooMany as error:
        error.advice = f"{error.advice} {_LAST_UP_COUNTS}".lstrip()
        raise


def run(services: Services, inputs: CleanupInputs, *, urn: str, notices: Notices, name: str = "cleanup") -> Report:
    """Report the plan, carry it out, report what was done."""
    with services.operation(name, urn):
        return run_cleanup(_cleanup(services, inputs, urn), inputs, notices)


def _report_plan(services: Services, inputs: Mapping[str, Any], urn: str, notices: Notices) -> None:
    try:
        parsed = _parsed(inputs, urn)
    except ValueError:
        return  # An input is not known yet.
    try:
        with services.settings.naming_key_source():
            plan = _plan(services, parsed, urn, notices)
    except ExpectedError as error:
        notices.warning(f"could not list what the cleanup would do: {error}")
        return
    notices.info(f"cleanup, {'dry run' if parsed.dry_run else 'plan'}: {plan.summary('would')}")
    warn_of_undecided(plan, notices)
    if plan.matched > parsed.limit:
        found = counted(plan.matched, "match", "matches")
        refused = "without dry_run the cleanup would be refused" if parsed.dry_run else "the cleanup would be refused"
        notices.warning(f"{refused}: {found} found, and limit is {parsed.limit}")


def _plan(services: Services, inputs: CleanupInputs, urn: str, notices: Notices) -> Plan:
    return _cleanup(services, inputs, urn).plan(inputs.request(), notices)


def _cleanup(services: Services, inputs: CleanupInputs, urn: str) -> Cleanup:
    return Cleanup(services.batches, services.state_reader(urn, inputs.owner))


def _parsed(inputs: Mapping[str, Any], urn: str) -> CleanupInputs:
    return CleanupInputs.model_validate({**inputs, "resource_urn": urn})


def runs_on_apply(old: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether this change of the inputs runs the cleanup; `old` is empty for a new resource."""
    applies = {"apply", "both"}
    if news.get("when") not in applies:
        return False
    return old.get("when") not in applies or bool(_changed(old, news, RUNS_AGAIN))


def _changed(old: Mapping[str, Any], news: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if _without_none(old.get(name)) != _without_none(news.get(name))]


def _without_none(value: Any) -> Any:
    # The engine drops properties that are None, so an absent one is the same.
    if isinstance(value, Mapping):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
