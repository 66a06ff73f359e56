"""The times that the API names, by the clocks of its servers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from pydantic import TypeAdapter, ValidationError

# Beside times of the API: the clocks of its servers may differ.
CLOCK_MARGIN = timedelta(hours=1)
_MOMENT = TypeAdapter(datetime)


def moment(text: str | None) -> datetime | None:
    """Return a timestamp of the API as a time; None where it is none. One without a zone is in UTC."""
    try:
        parsed = _MOMENT.validate_python(text)
    except ValidationError:
        return None
    # A year such as 1 or 9999 stands for "none", and no time can be added to it.
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)) if 2000 < parsed.year < 9000 else None


def earliest(texts: Iterable[str | None]) -> datetime | None:
    """Return the earliest of these timestamps; None where one of them is unknown, or there are none."""
    moments = [moment(text) for text in texts]
    known = [one for one in moments if one is not None]
    return min(known) if known and len(known) == len(moments) else None
