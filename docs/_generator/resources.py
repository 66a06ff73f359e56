"""The inputs and outputs of the resources and of the teardown hook, as their signatures and docstrings have them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from docstrings import arguments, attributes, summary
from tables import code, hints_of, table, type_told

import pulumi_anchorbrowser
from pulumi_anchorbrowser import ExcludeArgs, SelectArgs, SessionConfigurationArgs
from pulumi_anchorbrowser.dynamic.arguments import BrowserArgs, SessionArgs

_PULUMIS_OWN = {"self", "resource_name", "name", "opts"}
_CONFIGURATION = "configuration.md"
_CLEANUP = "batch-cleanup.md"


def input_names(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that are the user's inputs."""
    return [name for name in inspect.signature(function).parameters if name not in _PULUMIS_OWN]


def inputs(function: Callable[..., Any], defaults: Mapping[str, Any]) -> str:
    """Return a table of the inputs. `defaults` holds those that the signature leaves to the provider."""
    parameters, hints = inspect.signature(function).parameters, hints_of(function)
    told = arguments(function)
    rows = []
    for name in input_names(function):
        default = parameters[name].default
        if default is inspect.Parameter.empty:
            shown = "required"
        else:
            value = defaults.get(name) if default is None else default
            shown = "none" if value is None else code(value)
        rows.append((f"`{name}`", type_told(hints[name], _page_of(hints[name])), shown, told[name]))
    return table(("input", "type", "default", "meaning"), rows)


def outputs(kind: Any) -> str:
    """Return a table of the outputs; every input is an output of the same name."""
    hints, told = hints_of(kind), attributes(kind)
    given = input_names(kind.__init__)
    names = [name for name in hints if name not in given]
    rows = [(f"`{name}`", type_told(hints[name]), _can_be_none(hints[name]), told[name]) for name in names]
    return table(("output", "type", "null?", "meaning"), rows)


def argument_class(kind: Any) -> str:
    """Return a table of the properties of an argument class."""
    hints, told = hints_of(kind), attributes(kind)
    rows = []
    for name, hint in hints.items():
        required = "yes" if getattr(typing.get_origin(hint), "__name__", "") == "Required" else ""
        rows.append((f"`{name}`", type_told(hint), required, told[name]))
    return table(("property", "type", "required", "meaning"), rows)


def fields(kind: Any) -> str:
    """Return a table of the fields of a class that is read and not written."""
    hints, told = hints_of(kind), attributes(kind)
    rows = [(f"`{name}`", type_told(hint), _can_be_none(hint), told[name]) for name, hint in hints.items()]
    return table(("field", "type", "null?", "meaning"), rows)


def configuration() -> str:
    """Return a table for each argument class of `configuration`, the outermost first."""
    first = [SessionConfigurationArgs, SessionArgs, BrowserArgs]
    exported = [getattr(pulumi_anchorbrowser, name) for name in pulumi_anchorbrowser.__all__ if name.endswith("Args")]
    rest = [kind for kind in exported if kind not in (*first, SelectArgs, ExcludeArgs)]
    return "\n\n".join(f"## {kind.__name__}\n\n{summary(kind)}\n\n{argument_class(kind)}" for kind in [*first, *rest])


def _page_of(hint: Any) -> str:
    return _CLEANUP if "SelectArgs" in str(hint) or "ExcludeArgs" in str(hint) else _CONFIGURATION


def _can_be_none(hint: Any) -> str:
    return "yes" if "None" in str(hint) else ""
