"""The operations of `BatchCleanup`: run it when it is created, changed or removed, as its `when` says."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.dynamic.cleaning import plan_cleanup, run_cleanup, tell_undecided
from pulumi_anchorbrowser.dynamic.engine import EngineNotices
from pulumi_anchorbrowser.dynamic.operations import Operations, check_result, is_unknown, received
from pulumi_anchorbrowser.dynamic.speech import AnchorBrowserError
from pulumi_anchorbrowser.lifecycle import LifecycleError
from pulumi_anchorbrowser.lifecycle.cleanup import (
    DEFAULTS,
    RECORDED,
    RESULTS,
    RUNS_AGAIN,
    CleanupInputs,
    TooMany,
    cleanup_problems,
    outputs_of,
)

# Hidden inputs of the constructor: whether this is a preview, and the URNs of the program's batches.
_PREVIEW, _DECLARED = "is_preview", "declared"
_LAST_UP_COUNTS = "A destroy uses the values of the last `pulumi up`, so run that first."


class BatchCleanupOperations(Operations):
    """Runs cleanups."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Every wrong property at once, and the defaults. In a preview, the plan as a line of the log: reads only."""
        inputs = {**DEFAULTS, **_without_none(received(news))}
        is_preview = inputs.pop(_PREVIEW, False)
        problems = cleanup_problems(inputs, is_unknown)
        if is_preview is True and not problems and _runs_on_apply(received(olds), inputs):
            self._preview(inputs)
        return check_result(inputs, problems)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Whether anything that the user says has changed. Calls nothing."""
        changed = _changed(received(olds), received(news), (*RUNS_AGAIN, *RECORDED))
        return DiffResult(changes=bool(changed), replaces=[], delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Run it, where it is to run on apply."""
        inputs = received(props)
        return CreateResult(f"cleanup-{secrets.token_hex(8)}", self._applied({}, inputs))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Calls nothing: it is the record of a run."""
        return ReadResult(id_, received(props))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Run it again where what it does has changed, or its triggers; else record."""
        return UpdateResult(self._applied(received(olds), received(news)))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Run it, where it is to run on destroy: by the stack's destroy, or by an `up` of a program without it."""
        inputs = CleanupInputs.model_validate(received(props))
        if not inputs.runs_on_destroy:
            return
        # An `up` deletes last of all, when every batch of the program has been named.
        spared = self._services.declared.spared(inputs.owner, ())
        with self._operation("cleanup", inputs.resource_urn):
            try:
                run_cleanup(self._services, inputs, spared, EngineNotices(inputs.resource_urn))
            except TooMany as error:
                error.args = (f"{error} {_LAST_UP_COUNTS}",)
                raise

    def _applied(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        inputs = CleanupInputs.model_validate(news)
        outputs = {name: value for name, value in news.items() if name != _DECLARED}
        if not _runs_on_apply(olds, news):
            return {**outputs, **{name: olds.get(name) for name in RESULTS}}
        spared = self._services.declared.spared(inputs.owner, inputs.declared)
        with self._operation("cleanup", inputs.resource_urn):
            report = run_cleanup(self._services, inputs, spared, EngineNotices(inputs.resource_urn))
        return {**outputs, **outputs_of(report)}

    def _preview(self, news: Mapping[str, Any]) -> None:
        notices = EngineNotices(news.get("resource_urn"))
        try:
            inputs = CleanupInputs.model_validate(news)
        except ValueError:
            return  # Something is not known yet.
        try:
            # The engine waits for this answer before it names the next batch, so there is nothing to wait for.
            spared = self._services.declared.spared(inputs.owner, inputs.declared, patience=0)
            plan = plan_cleanup(self._services, inputs, spared, notices)
        except (ApiError, LifecycleError, AnchorBrowserError) as error:
            notices.warning(f"what the cleanup would do cannot be told: {error}")
            return
        notices.info(f"cleanup, preview: would {plan.told()}")
        tell_undecided(plan, notices)
        if plan.matched > inputs.limit:
            notices.warning(f"{plan.matched} batches match, and limit is {inputs.limit}: it would refuse")


def _runs_on_apply(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether this change of the inputs runs the cleanup; `olds` is empty for a new resource."""
    applies = {"apply", "both"}
    if news.get("when") not in applies:
        return False
    return olds.get("when") not in applies or bool(_changed(olds, news, RUNS_AGAIN))


def _changed(olds: Mapping[str, Any], news: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if _without_none(olds.get(name)) != _without_none(news.get(name))]


def _without_none(value: Any) -> Any:
    # The engine drops properties that are None, so an absent one is the same.
    if isinstance(value, Mapping):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
