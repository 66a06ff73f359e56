"""Whatever changes something: its plan, the question, the work, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from pulumi_anchorbrowser.cli.exits import ExitCode, Refused
from pulumi_anchorbrowser.cli.interrupts import Interrupts
from pulumi_anchorbrowser.cli.printing import Speech, age_of, print_table
from pulumi_anchorbrowser.cli.progress import showing_progress, told
from pulumi_anchorbrowser.words import batches

if TYPE_CHECKING:
    from pulumi_anchorbrowser.choices import IfCompleted
    from pulumi_anchorbrowser.cli.connection import Connection
    from pulumi_anchorbrowser.lifecycle.cleanup import Plan, Report

# dry_run: only planned, as asked. planned: for want of a terminal. declined: the question was answered with no.
State = Literal["nothing", "dry_run", "planned", "declined", "done", "interrupted"]
_Command = TypeVar("_Command", bound=Callable[..., Any])
_DOING = {"cancel": "cancelling", "delete": "deleting", "end_sessions": "ending sessions"}


def change_options(command: _Command) -> _Command:
    """The options that every command has that changes something."""
    dry = click.option("--dry-run", is_flag=True, help="Only print the plan.")
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(dry(command))


@dataclass(frozen=True)
class Manner:
    """How a change is to go. `limit` is how many batches it may be about (None: any number)."""

    yes: bool
    dry_run: bool
    as_json: bool
    limit: int | None = None
    if_completed: IfCompleted = "end_sessions"


@dataclass(frozen=True)
class Change:
    """A plan, how far it came, and the report of it. `named` are ids that the user gave, none to be left alone."""

    plan: Plan
    state: State
    report: Report
    named: frozenset[str] = frozenset()

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        if self.state == "interrupted":
            return ExitCode.INTERRUPTED
        if self.state in {"planned", "declined"}:
            return ExitCode.PLANNED_ONLY
        return ExitCode.SOME_FAILED if self.report.failures or self._not_as_named else ExitCode.OK

    @property
    def _not_as_named(self) -> bool:
        # One that is stopped already is as it was to be.
        return any(one.batch_id in self.named and one.kind != "stopped" for one in self.plan.left_alone)

    def to_document(self) -> dict[str, Any]:
        """The change as JSON has it."""
        return {
            "action": self.plan.action,
            "state": self.state,
            "planned": self.plan.to_rows(),
            "left_alone": self.plan.left_alone_rows(),
            "results": [result.to_row() for result in self.report.results],
            "failures": self.report.failures,
            "left": self.report.left,
            "totals": self.report.totals(),
        }


def change(connection: Connection, plan: Plan, manner: Manner, named: frozenset[str] = frozenset()) -> Change:
    """Print the plan, ask, carry it out, print what came of it. Raises Refused where it is about too many."""
    from pulumi_anchorbrowser.lifecycle.cleanup import Report

    _print_plan(plan, quiet=manner.as_json and not _someone_is_there(), err=manner.as_json)
    if not plan.batches:
        return Change(plan, "nothing", Report(plan), named)
    if manner.limit is not None and plan.matched > manner.limit:
        raise Refused(
            f"Nothing was done: {plan.matched} batches match, and --limit is {manner.limit}. Narrow the selection, or "
            f"give --limit {plan.matched} if all of them are meant."
        )
    stays = _only_planned(plan, manner)
    if stays is not None:
        return Change(plan, stays, Report(plan), named)
    report, was_interrupted = _carry_out(connection, plan, manner)
    if not manner.as_json:
        _print_report(report)
    return Change(plan, "interrupted" if was_interrupted else "done", report, named)


def _only_planned(plan: Plan, manner: Manner) -> State | None:
    if manner.dry_run:
        return "dry_run"
    if manner.yes:
        return None
    if not _someone_is_there():
        click.echo("Nothing was done: there is no terminal to ask on. Give --yes to go on without asking.", err=True)
        return "planned"
    try:
        agreed = click.confirm(f"{plan.action} {batches(plan.matched)}?", err=True)
    except click.Abort:
        click.echo("\nNothing was done.", err=True, nl=False)
        raise
    if not agreed:
        click.echo("Nothing was done.", err=True)
    return None if agreed else "declined"


def _someone_is_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _carry_out(connection: Connection, plan: Plan, manner: Manner) -> tuple[Report, bool]:
    from pulumi_anchorbrowser.lifecycle.cleanup import Watch

    with Interrupts() as interrupts, showing_progress(_DOING[plan.action], plan.matched) as show:
        report = connection.cleanup.carry_out(
            plan,
            Speech(),
            limit=None,
            watch=Watch(on_result=show, is_stopped=lambda: interrupts.came),
            if_completed=manner.if_completed,
        )
    # One that came when the last call was in flight has left nothing undone.
    return report, bool(report.left)


def _print_plan(plan: Plan, *, quiet: bool, err: bool) -> None:
    if quiet:
        return
    if plan.batches:
        rows = [(b.batch_id, b.status, age_of(b.created_at), b.total_requests, b.owner) for b in plan.batches]
        print_table(("BATCH", "STATUS", "AGE", "SESSIONS", "OWNER"), rows, err=err)
    if plan.left_alone:
        click.echo("Left alone:", err=err)
        print_table(("BATCH", "STATUS", "WHY"), [(b.batch_id, b.status, b.reason) for b in plan.left_alone], err=err)
    what = f"{plan.action} {batches(plan.matched)} with {plan.sessions} sessions" if plan.batches else "nothing to do"
    click.echo(f"Plan: {what}", err=err)


def _print_report(report: Report) -> None:
    failed = [one for one in report.results if one.outcome in {"failed", "left"}]
    if failed:
        print_table(("BATCH", "RESULT"), [(one.batch_id, told(one)) for one in failed])
    click.echo(f"Result: {report.told()}")
