"""What docstrings say of a class's attributes, of a function's arguments, and under headings of their own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer

_ARGUMENT = re.compile(r":param (\w+): (.*?)(?=\n:|\Z)", re.DOTALL)
_SECTION = re.compile(r"^(\S[^\n]*):\n((?: {4}[^\n]*\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+): (.*)$", re.MULTILINE)


def attributes(kind: type) -> dict[str, str]:
    """Return the docstring of each attribute, on one line."""
    found = ModuleAnalyzer.for_module(kind.__module__).find_attr_docs()
    return {name: _flat("\n".join(lines)) for (owner, name), lines in found.items() if owner == kind.__name__}


def constants(module: ModuleType) -> dict[str, str]:
    """Return the docstring of each constant of a module, on one line."""
    found = ModuleAnalyzer.for_module(module.__name__).find_attr_docs()
    return {name: _flat("\n".join(lines)) for (owner, name), lines in found.items() if not owner}


def arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Return what the `Args` of the function's docstring say, each on one line."""
    lines = GoogleDocstring(inspect.getdoc(function) or "").lines()
    return {name: _flat(text) for name, text in _ARGUMENT.findall("\n".join(lines))}


def sections(kind: object) -> dict[str, dict[str, str]]:
    """Return what stands under each heading of the docstring, by name: `Heading:`, then lines `    name: text`."""
    found = _SECTION.findall(inspect.getdoc(kind) or "")
    return {heading: dict(_ENTRY.findall(entries)) for heading, entries in found}


def summary(kind: object) -> str:
    """Return the first paragraph of the docstring."""
    return _flat((inspect.getdoc(kind) or "").partition("\n\n")[0])


def _flat(text: str) -> str:
    return " ".join(text.split())
