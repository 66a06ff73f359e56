"""What every command shares that stops something: the plan, the question, the work, the report, and Ctrl-C in each."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

import click

from pulumi_anchorbrowser.cli.exits import CommandRefused, ExitCode, end, plain
from pulumi_anchorbrowser.cli.printing import Messages, age_in_words, console, print_json, print_note, print_table
from pulumi_anchorbrowser.clock import SystemClock
from pulumi_anchorbrowser.words import STOPPED, counted

if TYPE_CHECKING:
    from pulumi_anchorbrowser.choices import IfCompleted
    from pulumi_anchorbrowser.cleanup import BatchResult, Plan, Report, Request
    from pulumi_anchorbrowser.cli.connection import Connection

# dry_run: only planned, as requested. planned: there was no terminal to ask on. declined: the answer was no.
ChangeState = Literal["nothing", "dry_run", "planned", "declined", "done", "interrupted"]
_Command = TypeVar("_Command", bound=Callable[..., Any])
_DOING = {"cancel": "cancelling", "delete": "deleting", "end_sessions": "ending sessions"}
_OUTCOMES = {"done": "done", "gone": "already gone", "failed": "FAILED", "interrupted": "interrupted",
             "not_begun": "not begun", "skipped": "skipped"}  # fmt: skip
_STDERR = 2
_SHOW_CURSOR = b"\x1b[?25h"
_FINISHING = b"\nFinishing calls in flight; starting no new ones. Press Ctrl-C again to quit now.\n"
_QUIT = b"\nQuit. Calls in flight have a receipt without an outcome: they may or may not have been handled.\n"


def change_options(command: _Command) -> _Command:
    """Add the options of every command that stops something."""
    dry = click.option("--dry-run", is_flag=True, help="Only print the plan.")
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(dry(command))


@dataclass(frozen=True)
class Manner:
    """How a plan is carried out. `limit` is how many batches and sessions it may have (None: any number)."""

    yes: bool
    dry_run: bool
    as_json: bool
    limit: int | None = None
    if_completed: IfCompleted = "end_sessions"


@dataclass(frozen=True)
class Change:
    """A plan, how far it got, and its report. `named` are the ids that the user gave."""

    plan: Plan
    state: ChangeState
    report: Report
    named: frozenset[str] = frozenset()

    @property
    def exit_code(self) -> ExitCode:
        """The command's exit code."""
        if self.state == "interrupted":
            return ExitCode.INTERRUPTED
        if self.state in {"planned", "declined"}:
            return ExitCode.PLANNED_ONLY
        return ExitCode.SOME_FAILED if self.report.failures or self._skipped_a_named_batch else ExitCode.OK

    @property
    def _skipped_a_named_batch(self) -> bool:
        # A batch that is stopped already is as the user wants it.
        skipped = any(one.batch_id in self.named and one.kind != "stopped" for one in self.plan.skipped)
        return skipped or (bool(self.named) and bool(self.report.of_outcome("skipped")))

    def to_document(self) -> dict[str, Any]:
        """Return the change as plain data, for JSON."""
        return {
            "action": self.plan.action,
            "state": self.state,
            "planned": self.plan.to_rows(),
            "skipped": self.plan.skipped_rows(),
            "results": [result.to_row() for result in self.report.results],
            "failures": self.report.failures,
            "not_begun": self.report.not_begun,
            "totals": self.report.totals(),
        }


def planned(connection: Connection, request: Request) -> Plan:
    """Return the plan of what is requested. Raises ApiError and ListingIncomplete."""
    with looking() as messages:
        return connection.cleanup.plan(request, messages)


def change(connection: Connection, plan: Plan, manner: Manner, named: frozenset[str] = frozenset()) -> Change:
    """Print the plan, ask, carry it out, print the report. Raises CommandRefused for more than the limit."""
    from pulumi_anchorbrowser.cleanup import Report

    print_plan(plan, quiet=manner.as_json and not _can_ask(), err=manner.as_json)
    if not plan.matched:
        return Change(plan, "nothing", Report(plan), named)
    check_limit(plan, manner.limit)
    state = _only_planned(plan, manner)
    if state is not None:
        return Change(plan, state, Report(plan), named)
    report = _carry_out(connection, plan, manner)
    if not manner.as_json:
        _print_report(report)
    return Change(plan, "interrupted" if report.was_interrupted else "done", report, named)


def end_changed(command: str, done: Change, *, as_json: bool) -> NoReturn:
    """End the command with the exit code of what was done, after its JSON document if that is wanted."""
    if as_json:
        print_json(command, **done.to_document())
    end(done.exit_code)


def check_limit(plan: Plan, limit: int | None) -> None:
    """Raise CommandRefused where the plan has more than the limit."""
    if limit is not None and plan.matched > limit:
        raise CommandRefused(
            f"Nothing was done: {counted(plan.matched, 'match', 'matches')} found, and --limit is {limit}. "
            f"Narrow the selection, or give --limit {plan.matched} to stop all of them."
        )


def print_plan(plan: Plan, *, quiet: bool = False, err: bool = False) -> None:
    """Print what will be stopped, what is skipped and why, and the summary."""
    if quiet:
        return
    if plan.batches:
        rows = [(b.batch_id, b.status, age_in_words(b.created_at), b.total_requests, b.owner) for b in plan.batches]
        print_table(("BATCH", "STATUS", "AGE", "SESSIONS", "OWNER"), rows, err=err)
    if plan.sessions:
        single = [(s.session_id, s.status, age_in_words(s.created_at), s.owner) for s in plan.sessions]
        print_table(("SESSION", "STATUS", "AGE", "OWNER"), single, err=err)
    if plan.skipped:
        click.echo("Skipped:", err=err)
        print_table(("ID", "STATUS", "WHY"), [(s.id, s.status, s.reason) for s in plan.skipped], err=err)
    click.echo(f"Plan: {plain(plan.summary())}", err=err)


def _only_planned(plan: Plan, manner: Manner) -> ChangeState | None:
    if manner.dry_run:
        return "dry_run"
    if manner.yes:
        return None
    if not _can_ask():
        print_note("Nothing was done: there is no terminal to ask on. Give --yes to continue without asking.")
        return "planned"
    question = plan.describe()
    try:
        agreed = click.confirm(f"{question[0].upper()}{question[1:]}?", err=True)
    except click.Abort:
        click.echo("\nNothing was done.", err=True, nl=False)
        raise
    if not agreed:
        click.echo("Nothing was done.", err=True)
    return None if agreed else "declined"


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _carry_out(connection: Connection, plan: Plan, manner: Manner) -> Report:
    with _finishing(connection.clock), _showing_progress(_DOING[plan.action], plan.matched) as show:
        return connection.cleanup.carry_out(
            plan, Messages(), limit=None, on_result=show, if_completed=manner.if_completed
        )


# Ctrl-C, and the SIGTERM of a CI job that is cancelled


@contextmanager
def looking() -> Iterator[Messages]:
    """Read, and show what is read on a terminal. Ctrl-C ends the command at once, since nothing was changed yet."""
    with _handling(lambda: _quit(b"\nInterrupted.\n")):
        if not sys.stderr.isatty():
            yield Messages()
            return
        with console(err=True).status("looking for batches") as status:
            yield Messages(status.update)


@contextmanager
def _finishing(clock: SystemClock) -> Iterator[None]:
    """Carry out a plan. Ctrl-C ends every wait, and calls in flight are finished; a second one quits at once."""
    came = False

    def interrupted() -> None:
        nonlocal came
        if came:
            _quit(_QUIT)
        came = True
        clock.interrupt_from_signal()
        _write(_FINISHING)

    with _handling(interrupted):
        yield


@contextmanager
def _handling(interrupted: Callable[[], None]) -> Iterator[None]:
    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal calls it
        interrupted()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _quit(text: bytes) -> NoReturn:
    # A progress bar has hidden the cursor.
    _write(_SHOW_CURSOR + text if os.isatty(_STDERR) else text)
    os._exit(ExitCode.INTERRUPTED)


def _write(text: bytes) -> None:
    # By the system call: a handler must not wait for the lock of a stream that it has interrupted. Whoever read this
    # one may have been interrupted as well.
    with suppress(OSError):
        os.write(_STDERR, text)


# Progress and results


@contextmanager
def _showing_progress(title: str, total: int) -> Iterator[Callable[[BatchResult], None]]:
    """Show each result: in a bar on a terminal, else on a line of its own. Called from one thread at a time."""
    if not sys.stderr.isatty():
        yield _line_by_line(total)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda _: bar.advance(task)


def _line_by_line(total: int) -> Callable[[BatchResult], None]:
    ended = 0

    def show(result: BatchResult) -> None:
        nonlocal ended
        ended += 1
        print_note(f"[{ended}/{total}] {_DOING[result.action]} {result.id}: {_described(result)}")

    return show


def _described(result: BatchResult) -> str:
    counts = [f"{value} {verb}" for name, verb in STOPPED.items() if (value := getattr(result, name)) is not None]
    running = [f"{result.still_running} still running"] if result.still_running else []
    details = ", ".join([*counts, *running, *filter(None, [result.reason])])
    return plain(f"{_OUTCOMES[result.outcome]}{f' ({details})' if details else ''}")


def _print_report(report: Report) -> None:
    shown = [one for one in report.results if one.outcome not in {"done", "gone"}]
    if shown:
        print_table(("ID", "RESULT"), [(one.id, _described(one)) for one in shown])
    click.echo(f"Result: {plain(report.summary())}")
