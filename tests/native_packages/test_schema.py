"""The plugin's schema is a promise: what a program may write does not disappear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.native.schema import schema_text

PROMISED = Path(__file__).with_name("promised_names.txt")
SCHEMA: dict[str, Any] = json.loads(schema_text())


def names_of(schema: dict[str, Any]) -> Iterator[str]:
    """The names that programs write or read: settings, inputs, outputs, properties and values."""
    yield from (f"config {name}" for name in schema["config"]["variables"])
    for token, resource in schema["resources"].items():
        yield from (f"{token} input {name}" for name in resource["inputProperties"])
        yield from (f"{token} output {name}" for name in resource["properties"])
        yield from (f"{token} alias {alias['type']}" for alias in resource["aliases"])
    for token, kind in schema["types"].items():
        yield from (f"{token} property {name}" for name in kind.get("properties", {}))
        yield from (f"{token} value {one['value']} as {one['name']}" for one in kind.get("enum", []))


def test_no_name_disappears_from_the_schema() -> None:
    promised = set(PROMISED.read_text(encoding="utf-8").splitlines())
    assert len(promised) > 150
    assert promised - set(names_of(SCHEMA)) == set(), "programs of users have these"


def test_every_new_name_is_recorded_as_promised() -> None:
    promised = PROMISED.read_text(encoding="utf-8").splitlines()
    assert [name for name in names_of(SCHEMA) if name not in promised] == [], f"add these to {PROMISED.name}"


def test_the_served_schema_has_the_version_that_package_add_asks_for() -> None:
    assert SCHEMA["version"] == __version__


def test_every_type_and_every_choice_says_what_it_is() -> None:
    assert [token for token, kind in SCHEMA["types"].items() if not kind.get("description")] == []


def test_what_opens_something_is_secret() -> None:
    resources, types = SCHEMA["resources"], SCHEMA["types"]
    assert SCHEMA["provider"]["inputProperties"]["apiKey"]["secret"]
    assert SCHEMA["config"]["variables"]["apiKey"]["secret"]
    assert types["anchorbrowser:index:Proxy"]["properties"]["password"]["secret"]
    assert resources["anchorbrowser:index:BatchReady"]["properties"]["sessions"]["secret"]


def test_the_generated_python_package_is_not_called_as_this_one() -> None:
    assert SCHEMA["language"]["python"]["packageName"] != "pulumi_anchorbrowser"


def test_no_description_names_what_only_python_programs_have() -> None:
    texts = [text for text in descriptions(SCHEMA) if "depends_on" in text or "teardown_hook" in text or "None" in text]
    assert texts == []


def descriptions(value: Any) -> Iterator[str]:
    """Every description, at every depth."""
    if isinstance(value, dict):
        if isinstance(value.get("description"), str):
            yield value["description"]
        for item in value.values():
            yield from descriptions(item)
