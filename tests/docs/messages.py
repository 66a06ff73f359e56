"""Every text that the package can print: `.venv/bin/python tests/docs/messages.py` lists them for a reader."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[2] / "provider" / "pulumi_anchorbrowser"
# The simulator speaks as the API does, whose words are not ours.
_NOT_OURS = ("simulator/",)
_FOR_MACHINES = re.compile(r"(CREATE|INSERT|UPDATE|SELECT|PRAGMA|ON CONFLICT|BEGIN|import)\b|.*= \?")


class Text(NamedTuple):
    """A text, where it stands, and the function that it is passed to.

    A value that is put in at run time stands in braces, as in the source.
    """

    place: str
    text: str
    function: str


@functools.cache
def texts() -> list[Text]:
    """Return every string of the package that reads as prose: messages, advice and help, but no other docstring."""
    found = []
    for source in sorted(PACKAGE.rglob("*.py")):
        name = str(source.relative_to(PACKAGE))
        if not name.startswith(_NOT_OURS):
            tree = ast.parse(source.read_text(encoding="utf-8"))
            found += [Text(f"{name}:{line}", *rest) for line, *rest in _prose(tree, _docstrings(tree), "")]
    return found


def _prose(node: ast.AST, left_out: set[int], function: str) -> Iterator[tuple[int, str, str]]:
    if id(node) in left_out:
        return
    if isinstance(node, (ast.JoinedStr, ast.Constant)) and _is_prose(text := _text(node)):
        yield node.lineno, inspect.cleandoc(text) if text.count("\n") > 1 else text, function
    if isinstance(node, ast.Call):
        function = ast.unparse(node.func).rpartition(".")[2]
    for child in ast.iter_child_nodes(node):
        # The parts of an f-string are no texts of their own; what stands in its braces is.
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _prose(child, left_out, function)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.FormattedValue):
        return f"{{{ast.unparse(node.value)}}}"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_prose(text: str) -> bool:
    words = re.sub(r"\{[^{}]*\}", "{}", text).split()
    return len(words) > 1 and any(word.isalpha() for word in words) and not _FOR_MACHINES.match(text.strip())


def _docstrings(tree: ast.AST) -> set[int]:
    """Return the docstrings, of attributes too, but not those of commands, which are their help."""
    found: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and not _is_command(node):
            found |= {id(one.value) for one in body if isinstance(one, ast.Expr)} - {
                id(one.value) for one in body if isinstance(one, ast.Expr) and not isinstance(one.value, ast.Constant)
            }
    return found


def _is_command(node: ast.AST) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(ast.unparse(one).startswith(("click.command", "click.group")) for one in decorators)


if __name__ == "__main__":
    for one in texts():
        print(f"{one.place}: {one.text}")  # noqa: T201  # what it is for
