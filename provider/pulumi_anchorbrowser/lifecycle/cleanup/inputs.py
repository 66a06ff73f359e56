"""The inputs of a `BatchCleanup`, parsed once, and what came of it as outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_anchorbrowser.choices import Action, OnFailure, When
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown, Problem, problems_of
from pulumi_anchorbrowser.lifecycle.cleanup.cleanup import DEFAULT_LIMIT, Request
from pulumi_anchorbrowser.lifecycle.cleanup.report import Report
from pulumi_anchorbrowser.lifecycle.cleanup.selection import Exclusion, Selection


class CleanupInputs(BaseModel):
    """What a program asks of a cleanup, with the design's defaults.

    `resource_urn`, `owner` (`organization/project/stack`) and `declared` (the URNs of the program's batches) are added
    by the binding, not by the user.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    select: Selection
    exclude: Exclusion | None = None
    action: Action = "delete"
    when: When = "destroy"
    limit: Annotated[int, Field(ge=1)] = DEFAULT_LIMIT
    dry_run: bool = False
    triggers: list[Any] | None = None
    allow_all: bool = False
    on_failure: OnFailure = "error"
    resource_urn: str | None = None
    owner: str = ""
    declared: list[str] = []

    @property
    def runs_on_apply(self) -> bool:
        """Whether creating or changing the resource runs it."""
        return self.when in {"apply", "both"}

    @property
    def runs_on_destroy(self) -> bool:
        """Whether removing the resource runs it."""
        return self.when in {"destroy", "both"}

    @property
    def request(self) -> Request:
        """What is asked for, without the when and how much."""
        return Request(self.select, self.action, self.exclude or Exclusion(), self.owner, self.allow_all)


DEFAULTS: dict[str, Any] = {
    name: CleanupInputs.model_fields[name].default
    for name in ("action", "when", "limit", "dry_run", "allow_all", "on_failure")
}
# A change of these asks for another run; a change of the others is only recorded.
RUNS_AGAIN = ("select", "exclude", "action", "dry_run", "triggers")
RECORDED = ("when", "limit", "allow_all", "on_failure", "resource_urn", "owner")


def cleanup_problems(news: Mapping[str, Any], is_unknown: IsUnknown) -> list[Problem]:
    """Everything that is wrong with the inputs of a cleanup."""
    if news.get("select") is None:
        return [Problem("select", 'say which batches are meant, such as {"owner": "this"}; there is no default')]
    problems = problems_of(CleanupInputs, news, is_unknown)
    return problems or list(_too_wide(news))


def outputs_of(report: Report | None) -> dict[str, Any]:
    """The outputs of a run; all None where there was none yet."""
    if report is None:
        return dict.fromkeys(RESULTS)
    return {
        "matched": report.plan.matched,
        "plan": report.plan.to_rows(),
        "left_alone": report.plan.left_alone_rows(),
        "results": [result.to_row() for result in report.results],
        "failures": report.failures,
        **report.totals(),
    }


RESULTS = ("matched", "plan", "left_alone", "results", "failures", *Report.TOTALS)


def _too_wide(news: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        inputs = CleanupInputs.model_validate(news)
    except ValidationError:
        return  # What is not known yet is judged once it is.
    if inputs.select.matches_everything and not inputs.allow_all:
        yield Problem(
            "select",
            "it would match every batch of the team: narrow it by owner, tags, age, statuses or batch_ids, "
            "or set allow_all to True if every one of them is really meant",
        )
