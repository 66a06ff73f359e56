"""Every setting and every fault is documented where the docs take it from: in one line of a docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import get_args

import pytest

from pulumi_anchorbrowser.simulator import Fault, SimulatorSettings
from pulumi_anchorbrowser.simulator.faults import FaultKind


def entries(thing: type) -> dict[str, list[str]]:
    """The names under each heading of a docstring: headings are indented by 0, entries (`name: text`) by 4."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in inspect.getdoc(thing).splitlines():  # type: ignore[union-attr]
        if re.fullmatch(r"\S[^:]*:", line):
            heading = line[:-1]
        elif entry := re.fullmatch(r" {4}(\w+): (\S.+)", line):
            assert not entry[2].endswith("."), line
            found.setdefault(heading, []).append(entry[1])
    return found


def names(thing: type) -> list[str]:
    return [field.name for field in dataclasses.fields(thing)]


def test_each_setting_is_documented_once_in_the_order_of_the_fields() -> None:
    documented = [name for group in entries(SimulatorSettings).values() for name in group]
    assert documented == names(SimulatorSettings)
    assert len(entries(SimulatorSettings)) == 6


def test_each_kind_and_each_field_of_a_fault_is_documented_once() -> None:
    assert entries(Fault) == {"Kinds": list(get_args(FaultKind)), "Fields": names(Fault)}


@pytest.mark.parametrize("name", [name for name in names(SimulatorSettings) if name.endswith(("_seconds", "_after"))])
def test_each_time_is_documented_with_its_unit(name: str) -> None:
    text = re.search(rf"^\s+{name}: (.*)$", SimulatorSettings.__doc__ or "", re.MULTILINE)
    assert text is not None
    assert "second" in text[1] or "tries" in text[1]
