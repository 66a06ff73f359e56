"""Options that several commands share, parsed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pulumi_anchorbrowser.lifecycle.cleanup import Exclusion, Selection

_Command = TypeVar("_Command", bound=Callable[..., Any])
_STATUSES = ("pending", "processing", "completed", "failed", "cancelled")
OWNER = "ORG/PROJECT/STACK"


def batch_id(value: str) -> str:
    """The id in its canonical form, as click parses it. Raises BadParameter on anything but a UUID."""
    from pulumi_anchorbrowser.api.models import parse_id

    try:
        return parse_id(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


_DURATION = "such as 30m, 24h or 90s"
_SELECTING = (
    click.option("--owner", metavar=OWNER, help="Batches of this stack; `any` for those of every stack and of none."),
    click.option("--status", "statuses", multiple=True, type=click.Choice(_STATUSES), help="Repeatable."),
    click.option("--older-than", metavar="AGE", help=f"Created longer ago than this, {_DURATION}."),
    click.option("--newer-than", metavar="AGE", help="Created since."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="On the sessions; all of them, if repeated."),
)


def selecting_options(command: _Command) -> _Command:
    """The options that say which batches are meant."""
    for option in reversed(_SELECTING):
        command = option(command)
    return command


def selection_of(owner: str | None, **criteria: Any) -> Selection:
    """The selection of these options, those not given left out. Raises UsageError for all that is wrong with them."""
    from pulumi_anchorbrowser.lifecycle import problems_of
    from pulumi_anchorbrowser.lifecycle.cleanup import Selection

    if owner == "this":
        raise click.UsageError(f"--owner: the command line runs in no stack; name it as {OWNER}.")
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in criteria.items() if value}
    given |= {"owner": owner} if owner is not None else {}
    _no_problems(problems_of(Selection, given, _is_known))
    return Selection.model_validate(given)


def exclusion_of(batch_ids: tuple[str, ...], tags: tuple[str, ...]) -> Exclusion:
    """What is to be left alone."""
    from pulumi_anchorbrowser.lifecycle import problems_of
    from pulumi_anchorbrowser.lifecycle.cleanup import Exclusion

    given = {"batch_ids": list(batch_ids), "tags": list(tags)}
    _no_problems(problems_of(Exclusion, given, _is_known))
    return Exclusion.model_validate(given)


def _no_problems(problems: list[Any]) -> None:
    if problems:
        told = "; ".join(f"{_option(path)}: {reason}" for path, reason in problems)
        raise click.UsageError(f"{told}.")


def _option(path: str) -> str:
    name = path.partition("[")[0].partition(".")[0]
    return {"statuses": "--status", "tags": "--tag"}.get(name, f"--{name.replace('_', '-')}" if name else "selection")


def _is_known(_: object) -> bool:
    return False
