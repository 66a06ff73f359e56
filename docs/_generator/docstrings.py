"""What the docstrings say: of a class's attributes, and of a function's arguments."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer

_ARGUMENT = re.compile(r":param (\w+): (.*?)(?=\n:|\Z)", re.DOTALL)


def attributes(kind: type) -> dict[str, str]:
    """The docstring of each attribute, on one line."""
    found = ModuleAnalyzer.for_module(kind.__module__).find_attr_docs()
    return {name: _flat("\n".join(lines)) for (owner, name), lines in found.items() if owner == kind.__name__}


def arguments(function: Callable[..., Any]) -> dict[str, str]:
    """What the `Args` of the function's docstring say, each on one line."""
    lines = GoogleDocstring(inspect.getdoc(function) or "").lines()
    return {name: _flat(text) for name, text in _ARGUMENT.findall("\n".join(lines))}


def summary(kind: object) -> str:
    """What the docstring promises first."""
    return _flat((inspect.getdoc(kind) or "").partition("\n\n")[0])


def _flat(text: str) -> str:
    return " ".join(text.split())
