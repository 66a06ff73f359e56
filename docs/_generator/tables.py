"""Tables and types in Markdown."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any, ForwardRef

import pulumi
import typing_extensions

_LATER = (collections.abc.Awaitable, pulumi.Output)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a `|` in a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """The value as one writes it in a program."""
    return f"`{value!r}`".replace("'", '"')


def hints_of(thing: Any) -> dict[str, Any]:
    """The types of a function's arguments, or of a class's attributes."""
    if typing_extensions.is_typeddict(thing):
        # Pulumi's Input names these two as text.
        names = {"Output": pulumi.Output, "T": typing.TypeVar("T")}
        return typing_extensions.get_type_hints(thing, localns=names, include_extras=True)
    return inspect.get_annotations(thing, eval_str=True)


def type_told(annotation: Any, links: str = "") -> str:
    """A type in words, without `Input`, `Output` and None. Argument classes link to the page `links`."""
    annotation = _without_wrapper(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(code(value) for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_told(one, links) for one in arguments if one is not type(None))
    if origin is list:
        return f"list of {type_told(arguments[0], links)}"
    if origin is dict:
        return "dict" if arguments[1] is Any else f"dict of {type_told(arguments[1], links)}"
    if typing_extensions.is_typeddict(annotation):
        return f"[{annotation.__name__}]({links}#{annotation.__name__.lower()})"
    return "any" if annotation is Any else str(annotation.__name__)


def _without_wrapper(annotation: Any) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if getattr(origin, "__name__", "") in {"Required", "NotRequired"} or origin is pulumi.Output:
        return _without_wrapper(arguments[0])
    # An Input[T] is T, an awaitable T, or an Output[T].
    bare = [one for one in arguments if not (isinstance(one, ForwardRef) or typing.get_origin(one) in _LATER)]
    return typing.Union[tuple(bare)] if 0 < len(bare) < len(arguments) else annotation  # noqa: UP007
