"""Durations as users write them: "10m", "90s", or a number of seconds."""

from __future__ import annotations

import math
from typing import Annotated, Any, cast

import durationpy
from pydantic import PlainValidator

_A_DURATION = 'a duration such as "10m" or "90s", or a number of seconds'


def seconds(value: object) -> float:
    """Return the seconds of a duration. Raises ValueError for anything else, and below 0."""
    length = math.nan
    if isinstance(value, str):
        length = _parsed(value.strip())
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        length = float(value)
    if not (math.isfinite(length) and length >= 0):
        raise ValueError(f"must be {_A_DURATION}, and not less than 0")
    return length


def _parsed(text: str) -> float:
    try:
        # A command line has only text: there, "90" is the number.
        return float(text)
    except ValueError:
        pass
    try:
        return durationpy.from_str(text).total_seconds()
    except (durationpy.DurationError, ValueError, OverflowError):
        return math.nan


def _check(value: Any) -> float | str:
    seconds(value)
    return cast("float | str", value)


# As one validator, not a union, so that a wrong value is one problem.
Duration = Annotated[float | str, PlainValidator(_check)]
