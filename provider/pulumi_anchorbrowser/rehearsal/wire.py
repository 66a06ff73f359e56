"""Property bags on the wire: protobuf structs to plain values and back, with secrets taken off and put on again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.struct_pb2 import (
    ListValue,
    Struct,
    Value,
)

PROVIDER_KEY = "__provider"

# The signatures of Pulumi's wire format; every SDK and engine carries the same ones.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public marker of the format, not a secret
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"

Properties = dict[str, Any]


def from_struct(struct: Struct) -> Properties:
    """The struct as plain values: whole numbers as ints, secrets unwrapped, resource references as ids or URNs."""
    return {name: _plain(value) for name, value in struct.fields.items()}


def secret_names(struct: Struct) -> frozenset[str]:
    """The names of the properties that are secret or hold a secret anywhere inside (the SDK lifts those up too)."""
    return frozenset(name for name, value in struct.fields.items() if _holds_secret(value))


def to_struct(properties: Mapping[str, Any], secrets: Iterable[str] = ()) -> Struct:
    """The plain values as a struct, with the properties named in `secrets` marked as secret."""
    struct = Struct()
    marked = set(secrets)
    struct.update({name: _mark(value) if name in marked else value for name, value in properties.items()})
    return struct


def with_value(value: Any) -> Any:
    """The value without the properties in it that are null, which are no difference to an engine."""
    if isinstance(value, Mapping):
        return {name: with_value(item) for name, item in value.items() if item is not None}
    return [with_value(item) for item in value] if isinstance(value, list) else value


def hidden(properties: Mapping[str, Any], secrets: Iterable[str]) -> Properties:
    """The properties as an export has them: `[secret]` stands in place of the ciphertext of each that is secret."""
    marked = set(secrets)
    secret = {_SIGNATURE: _SECRET, "ciphertext": "[secret]"}
    return {name: secret if name in marked else value for name, value in properties.items()}


def shown(properties: Mapping[str, Any], secrets: Iterable[str]) -> Properties:
    """The properties as an export with `--show-secrets` has them: secrets in the clear, marked as such."""
    marked = set(secrets)
    return {
        name: {_SIGNATURE: _SECRET, "plaintext": json.dumps(value)} if name in marked else value
        for name, value in properties.items()
    }


def _mark(value: Any) -> Properties:
    return {_SIGNATURE: _SECRET, "value": value}


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in _items(value.list_value)]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return None if kind in {None, "null_value"} else getattr(value, kind)


def _plain_struct(struct: Struct) -> Any:
    signature = _signature(struct)
    if signature == _SECRET:
        return _plain(struct.fields["value"])
    if signature == _RESOURCE:
        fields = struct.fields
        return _plain(fields["id"] if "id" in fields else fields["urn"])
    return from_struct(struct)


def _holds_secret(value: Value) -> bool:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return any(_holds_secret(item) for item in _items(value.list_value))
    if kind == "struct_value":
        struct = value.struct_value
        return _signature(struct) == _SECRET or any(_holds_secret(item) for item in struct.fields.values())
    return False


def _signature(struct: Struct) -> str | None:
    return struct.fields[_SIGNATURE].string_value if _SIGNATURE in struct.fields else None


def _items(values: ListValue) -> Iterable[Value]:
    return list(values.values)
