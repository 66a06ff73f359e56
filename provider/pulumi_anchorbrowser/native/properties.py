"""Properties on the wire: protobuf's Struct with Pulumi's own signs for what is secret and what is not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from pulumi_anchorbrowser.native import names

_SIGN = rpc._special_sig_key  # noqa: SLF001  # the SDK's own name for the key that marks special values


# A resource that the dynamic provider made has this among its properties, with the name of a class.
DYNAMIC = "__provider"


class _Unknown:
    def __repr__(self) -> str:
        return "a value that is not known yet"


UNKNOWN: Final = _Unknown()
"""Stands for a value that a preview does not know."""


class _Secret:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "a secret"


def is_unknown(value: object) -> bool:
    """Whether a preview does not know the value yet."""
    return value is UNKNOWN


def received(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Return properties under the names of the core: without those that are null or of the dynamic provider.

    Secrets arrive as plain values, as `Handshake` asks for; where an engine sends one all the same, it is opened.
    """
    known = {name: value for name, value in plain(properties).items() if value is not None and name != DYNAMIC}
    return names.properties_inside(known)


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Return properties under the names that they have on the wire, with whole numbers as integers."""
    return {name: _plain(value) for name, value in properties.fields.items()}


def sent(properties: Mapping[str, Any], secrets: Iterable[Sequence[str]] = ()) -> struct_pb2.Struct:
    """Return the core's properties for the wire, under the names that programs write. None is null.

    The properties at the paths `secrets` are marked as secret.
    """
    written: Any = names.properties_outside(properties)
    for path in secrets:
        written = _with_secret(written, *map(names.outside, path))
    struct = struct_pb2.Struct()
    struct.update(_wire(written))
    return struct


def _with_secret(value: Any, *path: str) -> Any:
    if not path:
        return value if value is None or value is UNKNOWN else _Secret(value)
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _with_secret(value[path[0]], *path[1:])}


def detailed_diff(
    old_outputs: Mapping[str, Any], news: Mapping[str, Any], changed: list[str], replaces: list[str]
) -> dict[str, provider_pb2.PropertyDiff]:
    """Return what changed, down to the item of a list, under the names that programs write."""
    return {
        path: provider_pb2.PropertyDiff(kind=kind)
        for name in changed
        for path, kind in _differences(
            names.properties_outside({name: old_outputs.get(name)}),
            names.properties_outside({name: news.get(name)}),
            name in replaces,
        )
    }


def _differences(old: Any, new: Any, replaces: bool, path: str = "") -> Iterator[tuple[str, Any]]:
    old, new = _without_none(old), _without_none(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _differences(old.get(name), new.get(name), replaces, _below(path, name))
    elif isinstance(old, list) and isinstance(new, list):
        for number in range(max(len(old), len(new))):
            before, after = (side[number] if number < len(side) else None for side in (old, new))
            yield from _differences(before, after, replaces, f"{path}[{number}]")
    elif old != new:
        verb = "ADD" if old is None else "DELETE" if new is None else "UPDATE"
        yield path, getattr(provider_pb2.PropertyDiff, f"{verb}_REPLACE" if replaces else verb)


def _below(path: str, name: str) -> str:
    if not name.replace("_", "a").isalnum():
        return f'{path}["{name}"]'
    return f"{path}.{name}" if path else name


def _without_none(value: Any) -> Any:
    return {name: item for name, item in value.items() if item is not None} if isinstance(value, Mapping) else value


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGN in fields and fields[_SIGN].string_value == rpc._special_secret_sig:  # noqa: SLF001
            return _plain(fields["value"])
        return {name: _plain(item) for name, item in fields.items()}
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    if kind == "number_value":
        # The engine knows only one kind of number, so that a count of 5 arrives as 5.0.
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return value.bool_value if kind == "bool_value" else None


def _wire(value: Any) -> Any:
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, _Secret):
        return {_SIGN: rpc._special_secret_sig, "value": _wire(value.value)}  # noqa: SLF001
    if isinstance(value, Mapping):
        return {name: _wire(item) for name, item in value.items()}
    return [_wire(item) for item in value] if isinstance(value, (list, tuple)) else value
