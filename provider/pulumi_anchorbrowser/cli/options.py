"""Options that several commands share, parsed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from pulumi_anchorbrowser.choices import ANY, LiveStatus

if TYPE_CHECKING:
    from pulumi_anchorbrowser.cleanup import Exclusion, Selection

_Command = TypeVar("_Command", bound=Callable[..., Any])
_OWNER_PARTS = 3
OWNER = "ORG/PROJECT/STACK"


def batch_id(value: str) -> str:
    """Return the id in its canonical form. Raises BadParameter on anything but a UUID."""
    from pulumi_anchorbrowser.api.models import parse_id

    try:
        return parse_id(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def owner_name(value: str) -> str:
    """Return the full name of a stack. Raises BadParameter on anything else."""
    parts = value.split("/")
    if len(parts) != _OWNER_PARTS or not all(parts):
        wanted = "the command line runs in no stack. Write" if value == "this" else "must be"
        raise click.BadParameter(
            f"{wanted} the stack's full name, {OWNER} (the organization is `organization` on a DIY backend)."
        )
    return value


def owner_or_any(value: str) -> str:
    """Return the full name of a stack, or `any`. Raises BadParameter on anything else."""
    try:
        return value if value == ANY else owner_name(value)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message.rstrip('.')}, or `{ANY}`.") from None


_SELECTING = (
    click.option("--owner", type=owner_or_any, metavar=OWNER,
                 help="Batches that this stack started; `any`: of every owner."),
    click.option("--status", "statuses", multiple=True, type=click.Choice(get_args(LiveStatus)),
                 help="Batches with this status; repeatable: any of them matches."),
    click.option("--older-than", metavar="AGE", help="Older than this, such as 30m, 24h or 90s."),
    click.option("--newer-than", metavar="AGE", help="Younger than this."),
    click.option("--tag", "tags", multiple=True, metavar="TAG",
                 help="With this tag on every session; repeatable: every tag must match."),
)  # fmt: skip


def selecting_options(command: _Command) -> _Command:
    """Add the options that say which batches match."""
    for option in reversed(_SELECTING):
        command = option(command)
    return command


def selection_of(**criteria: Any) -> Selection:
    """Return the selection of these options. Raises UsageError that names everything that is wrong with them."""
    from pulumi_anchorbrowser.cleanup import Selection
    from pulumi_anchorbrowser.lifecycle import problems_of

    given = {name: list(value) if isinstance(value, tuple) else value for name, value in criteria.items() if value}
    _refuse(problems_of(Selection, given, _is_never_unknown))
    return Selection.model_validate(given)


def exclusion_of(batch_ids: tuple[str, ...], tags: tuple[str, ...]) -> Exclusion:
    """Return what to skip. Raises UsageError that names everything that is wrong with it."""
    from pulumi_anchorbrowser.cleanup import Exclusion
    from pulumi_anchorbrowser.lifecycle import problems_of

    given = {"batch_ids": list(batch_ids), "tags": list(tags)}
    _refuse([("exclude_tag", reason) for _, reason in problems_of(Exclusion, given, _is_never_unknown)])
    return Exclusion.model_validate(given)


def _refuse(problems: list[Any]) -> None:
    if problems:
        raise click.UsageError(f"{'; '.join(f'{_option(path)}: {reason}' for path, reason in problems)}.")


def _option(path: str) -> str:
    name = path.partition(".")[0]
    return {"": "these criteria", "statuses": "--status", "tags": "--tag"}.get(name, f"--{name.replace('_', '-')}")


def _is_never_unknown(_: object) -> bool:
    return False
