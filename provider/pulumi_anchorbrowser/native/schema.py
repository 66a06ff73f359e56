"""The schema of the plugin: the file that `make docs` writes, and what this package reads from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.native.names import inside

FILE = Path(__file__).with_name("schema.json")


@cache
def schema_text() -> str:
    """Return the schema as JSON, as the engine and the SDK generators read it; `pulumi package add` needs a version."""
    return json.dumps({"version": __version__, **_written()})


@cache
def _written() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


def _properties(schema: dict[str, Any]) -> Iterator[str]:
    for part in (*schema["resources"].values(), *schema["types"].values()):
        yield from part.get("properties", {})
        yield from part.get("inputProperties", {})


NAMES = frozenset(name for name in map(inside, _properties(_written())) if "_" in name)
"""The names that the core has for properties and that programs write otherwise: messages are translated by them."""
