"""The stage for the native plugin without an engine: the programs of the scenarios, over the plugin and rehearsed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi_anchorbrowser
from pulumi_anchorbrowser.rehearsal import Result

from .base import Diagnostic, StageResult, write_project
from .on_rehearsal import RehearsalStage

PLUGIN_TYPE = "anchorbrowser:index:"
# What the programs of the scenarios import in place of the package. The argument classes are the same ones.
MODULE = "over_the_plugin"
OVER_THE_PLUGIN = "from pulumi_anchorbrowser import *\nfrom pulumi_anchorbrowser.native import *\n"
_IMPORTS = (
    (re.compile(r"^import pulumi_anchorbrowser$", re.MULTILINE), f"import {MODULE} as pulumi_anchorbrowser"),
    (re.compile(r"^import pulumi_anchorbrowser as ", re.MULTILINE), f"import {MODULE} as "),
    (re.compile(r"^from pulumi_anchorbrowser import ", re.MULTILINE), f"from {MODULE} import "),
)
_SCHEMA = json.loads(
    (Path(pulumi_anchorbrowser.__file__).parent / "native" / "schema.json").read_text(encoding="utf-8")
)
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
_WORD = re.compile(r"\b[A-Za-z0-9_]+\b")


def _names_of_properties() -> Iterator[str]:
    for described in (*_SCHEMA["resources"].values(), *_SCHEMA["types"].values()):
        yield from described.get("properties", {})
        yield from described.get("inputProperties", {})


IN_PYTHON = {name: _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name) for name in _names_of_properties()}
_OF_PYTHON_ALONE = frozenset(name for name in IN_PYTHON.values() if name not in IN_PYTHON)


class NativeStage(RehearsalStage):
    """A rehearsal of the same programs over the plugin.

    The plugin has its own names for properties, `onDestroy` and not `on_destroy`. A test sees those of Python, here in
    messages and in the state as in the outputs of the program. A name of Python's that the plugin has let through
    is an AssertionError.
    """

    kind = "native"

    def write_program(self, source: str) -> None:
        """Replaces the program, and has it import the resources of the plugin."""
        for imported, instead in _IMPORTS:
            source = imported.sub(instead, source)
        write_project(self.project_dir, source)
        (self.project_dir / f"{MODULE}.py").write_text(OVER_THE_PLUGIN, encoding="utf-8")

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """Return the state as `pulumi stack export` prints it, with Python's names of properties."""
        exported = super().export(show_secrets=show_secrets)
        for resource in exported["deployment"]["resources"]:
            if resource["type"].startswith(PLUGIN_TYPE):
                for kind in ("inputs", "outputs"):
                    resource[kind] = _in_python(resource.get(kind, {}))
        return exported

    def resource_outputs(self, name: str) -> dict[str, Any]:
        """The outputs of the one resource of this name, secrets shown, with Python's names."""
        return _in_python(super().resource_outputs(name))

    def _run(self, what: str, run: Callable[[], Result], expect_failure: bool) -> StageResult:
        result = super()._run(what, run, expect_failure)
        result.diagnostics = [told_in_python(line) for line in result.diagnostics]
        result.status = [told_in_python(line) for line in result.status]
        return result


def _in_python(value: Any) -> Any:
    """Properties and what they hold under Python's names."""
    if isinstance(value, dict):
        let_through = _OF_PYTHON_ALONE & value.keys()
        assert not let_through, f"the plugin's state has {let_through}"
        return {IN_PYTHON.get(name, name): _in_python(item) for name, item in value.items()}
    return [_in_python(item) for item in value] if isinstance(value, list) else value


def told_in_python(line: Diagnostic) -> Diagnostic:
    """A message under Python's names."""
    if PLUGIN_TYPE not in line.urn:
        return line
    let_through = _OF_PYTHON_ALONE & set(_WORD.findall(line.message))
    assert not let_through, f"the plugin said {let_through}: {line.message}"
    return line._replace(message=_WORD.sub(lambda found: IN_PYTHON.get(found[0], found[0]), line.message))
