"""What every body has in common: a field may be absent, and is never null."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
URI_PATTERN = re.compile(r"[a-z][a-z0-9+.-]*:\S*", re.IGNORECASE)
TIMESTAMP_PATTERN = re.compile(r"(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d:\d\d)(?:\.(\d+))?(z|[+-]\d\d:\d\d)", re.IGNORECASE)


def _without_null(schema: dict[str, Any]) -> None:
    for name, field in schema.get("properties", {}).items():
        choices = [choice for choice in field.get("anyOf", []) if choice != {"type": "null"}]
        rest = {key: value for key, value in field.items() if key not in ("anyOf", "title")}
        if rest.get("default", "") is None:
            del rest["default"]
        if len(choices) == 1:
            rest = {**choices[0], **rest}
        elif choices:
            rest = {"anyOf": choices, **rest}
        schema["properties"][name] = rest


class Wire(BaseModel):
    """A body, or a part of one; absent fields are None here and absent on the wire and in the document."""

    model_config = ConfigDict(strict=True, json_schema_extra=_without_null)


class Sent(Wire):
    """What a caller sends: unknown names are kept (see `configuration.unknown_fields`), an explicit null is refused."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, value: object) -> object:
        if isinstance(value, Mapping):
            for name in cls.model_fields:
                if name in value and value[name] is None:
                    raise ValueError(f"{name} must not be null")
        return value


DataT = TypeVar("DataT")


class Data(Wire, Generic[DataT]):
    data: DataT


def _matching(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"{what} is expected")
        return value

    return AfterValidator(check)


def _moment(value: object) -> object:
    """Read RFC 3339 only: pydantic alone would also take numbers and bare dates."""
    if not isinstance(value, str):
        return value
    match = TIMESTAMP_PATTERN.fullmatch(value)
    if not match:
        raise ValueError("an ISO 8601 timestamp with its offset is expected")
    date, time, fraction, offset = match.groups()
    # Python 3.10 reads fractions of three or six digits only, and no Z.
    micro = (fraction or "0")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{date}T{time}.{micro}{'+00:00' if offset in 'zZ' else offset}")


Uuid = Annotated[str, _matching(UUID_PATTERN, "a UUID"), Field(json_schema_extra={"format": "uuid"})]
Uri = Annotated[str, _matching(URI_PATTERN, "a URI"), Field(json_schema_extra={"format": "uri"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
