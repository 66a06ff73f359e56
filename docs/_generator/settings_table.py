"""The settings: which there are is asked of the code that reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from docstrings import attributes
from tables import table

from pulumi_anchorbrowser.binding.settings import SETTINGS, Settings
from pulumi_anchorbrowser.errors import ExpectedError

_KEY = "anchorbrowser:"
# One of these is a value that any setting takes, and none has by default.
_VALUES = ("7", "https://example.com", "/receipts.sqlite3")


class _Environment(dict[str, str]):
    """Remembers which variables were asked for."""

    def __init__(self, **variables: str) -> None:
        super().__init__(variables)
        self.asked: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.append(name)
        return super().get(name, default)


def settings() -> str:
    """Return a table of every setting."""
    environment = _Environment()
    Settings.read(lambda _: None, environment)
    told = attributes(Settings)
    names = dict.fromkeys(name for name in environment.asked if name.startswith("ANCHORBROWSER_"))
    rows = []
    for variable in names:
        field = _field_of(variable)
        rows.append((f"{_config_key(variable)}`{variable}`", _default(field), told[field.name]))
    return table(("stack config, or environment", "default", "meaning"), rows)


def _config_key(variable: str) -> str:
    words = variable.removeprefix("ANCHORBROWSER_").lower().split("_")
    name = words[0] + "".join(word.title() for word in words[1:])
    return f"`{_KEY}{name}` or " if name in SETTINGS else ""


def _field_of(variable: str) -> dataclasses.Field[Any]:
    """Return the field that the variable sets."""
    plain = Settings.read(lambda _: None, _Environment())
    for changed in _readings(variable):
        for field in dataclasses.fields(Settings):
            if getattr(changed, field.name) != getattr(plain, field.name):
                return field
    raise LookupError(f"{variable} sets no field of Settings")


def _readings(variable: str) -> Iterator[Settings]:
    for value in _VALUES:
        with suppress(ExpectedError):
            yield Settings.read(lambda _: None, _Environment(**{variable: value}))


def _default(field: dataclasses.Field[Any]) -> str:
    if field.name == "receipts":
        return "`$PULUMI_HOME/anchorbrowser/receipts.sqlite3`"
    if field.default is dataclasses.MISSING or not field.default:
        return "none"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"
