"""Names outside and inside: every language's Pulumi program says `onDestroy`, the core and the API say `on_destroy`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_CAPITAL = re.compile(r"(?<!^)([A-Z])")
_LETTER = re.compile(r"(?<=[a-z0-9])_([a-z])")
_NUMBER = re.compile(r"\.(\d+)(?=\.|$)")
_WORD = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")

# Below these the keys are the user's own words, and stay as they are.
_FREE = frozenset({"metadata", "triggers", "configuration.integrations.configuration",
                   "configuration.browser.sensitive_data_mask.site_selectors"})  # fmt: skip


def outside(name: str) -> str:
    """Return the name of a property as programs write it: `on_destroy` is `onDestroy`."""
    return _LETTER.sub(lambda found: found[1].upper(), name)


def inside(name: str) -> str:
    """Return the name of a property as the core has it: `onDestroy` is `on_destroy`."""
    return _CAPITAL.sub(lambda found: f"_{found[1].lower()}", name)


def properties_outside(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties under the names that programs write, at every depth."""
    return {outside(name): _renamed(value, outside, (inside(name),)) for name, value in properties.items()}


def properties_inside(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties under the names of the core, at every depth. Names that are so already stay."""
    return {inside(name): _renamed(value, inside, (inside(name),)) for name, value in properties.items()}


def all_in(properties: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the core in these properties, at every depth. Keys of the user's own are left out."""
    found: set[str] = set()

    def note(name: str) -> str:
        found.add(name)
        return name

    for name, value in properties.items():
        _renamed(value, note, (note(name),))
    return frozenset(found)


def path_outside(path: str) -> str:
    """Return a dotted path as Pulumi writes it, under the names of programs: `select.batchIds[0]`."""
    steps = path.split(".")
    free = next((end for end in range(1, len(steps)) if _is_free(steps[:end])), len(steps))
    return _NUMBER.sub(r"[\1]", ".".join([*map(outside, steps[:free]), *steps[free:]]))


def text_outside(text: str, names: frozenset[str]) -> str:
    """Return a message in which each of these names of the core is the one that programs write."""
    return _WORD.sub(lambda found: outside(found[0]) if found[0] in names else found[0], text)


def _renamed(value: Any, rename: Callable[[str], str], path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping) and not _is_free(path):
        return {rename(name): _renamed(item, rename, (*path, inside(name))) for name, item in value.items()}
    if isinstance(value, list) and not _is_free(path):
        return [_renamed(item, rename, path) for item in value]
    return value


def _is_free(path: tuple[str, ...] | list[str]) -> bool:
    return ".".join(step for step in path if not step.isdigit()) in _FREE
