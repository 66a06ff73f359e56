"""docs/settings.md, docs/testing.md and the reference are complete."""

from __future__ import annotations

import dataclasses
import re

from docs.pages import DOCS, ROOT

import pulumi_anchorbrowser
from pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady
from pulumi_anchorbrowser.binding.settings import SETTINGS
from pulumi_anchorbrowser.simulator import SimulatorSettings

SOURCES = ROOT / "provider" / "pulumi_anchorbrowser"


def test_every_setting_and_every_variable_that_the_code_names_is_on_the_page() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    code = "".join(source.read_text(encoding="utf-8") for source in SOURCES.rglob("*.py"))
    variables = set(re.findall(r"\b(?:ANCHORBROWSER_[A-Z]+(?:_[A-Z]+)*|PULUMI_HOME)\b", code))
    assert len(variables) >= 6
    assert [name for name in sorted(variables) if f"`{name}`" not in page] == []
    assert [name for name in SETTINGS if f"`anchorbrowser:{name}`" not in page] == []


def test_every_output_is_in_the_reference() -> None:
    for resource, page in ((Batch, "batch"), (BatchReady, "batch-ready"), (BatchCleanup, "batch-cleanup")):
        text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
        assert [name for name in resource.__annotations__ if f"| `{name}` |" not in text] == []


def test_every_public_argument_class_is_in_the_reference() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    classes = [name for name in pulumi_anchorbrowser.__all__ if name.endswith("Args")]
    assert len(classes) >= 10
    assert [name for name in classes if not re.search(rf"^##+ `?{name}`?$", text, re.MULTILINE)] == []


def test_every_setting_of_the_simulator_is_on_the_page_on_tests() -> None:
    page = (DOCS / "testing.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(SimulatorSettings):
        assert f"| `{field.name}` |" in page
