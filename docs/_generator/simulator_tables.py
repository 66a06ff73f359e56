"""The settings of the simulator and its faults, as their docstrings and fields have them."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

from docstrings import sections
from tables import code, table

from pulumi_anchorbrowser.simulator import Fault, SimulatorSettings
from pulumi_anchorbrowser.simulator.faults import FaultKind


def settings() -> str:
    """Return a table of all settings under each heading of the docstring."""
    entries = sections(SimulatorSettings)
    _same_names({name for of_one in entries.values() for name in of_one}, _defaults(SimulatorSettings).keys())
    return "\n\n".join(f"**{heading}**\n\n{_fields(SimulatorSettings, named)}" for heading, named in entries.items())


def fault_kinds() -> str:
    """Return a table of what can go wrong."""
    kinds = sections(Fault)["Kinds"]
    _same_names(kinds.keys(), get_args(FaultKind))
    return table(("kind", "what it does"), [(f"`{name}`", text) for name, text in kinds.items()])


def fault_fields() -> str:
    """Return a table of a fault's fields."""
    fields = sections(Fault)["Fields"]
    _same_names(fields.keys(), _defaults(Fault).keys())
    return _fields(Fault, fields)


def _fields(kind: Any, told: dict[str, str]) -> str:
    defaults = _defaults(kind)
    return table(("name", "default", "meaning"), [(f"`{name}`", code(defaults[name]), told[name]) for name in told])


def _defaults(kind: Any) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(kind)}


def _same_names(told: Any, there: Any) -> None:
    if set(told) != set(there):
        raise ValueError(f"docstring and code differ in {sorted(set(told) ^ set(there))}")
