"""A debug log as a user's own tools read it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.simulator import LoggedRequest

Line = dict[str, Any]
Call = tuple[str, str, int | None]


class DebugLog:
    """The log in this file; `lines` fails where one of them is not whole."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def lines(self, event: str | None = None, **fields: Any) -> list[Line]:
        """The lines of this event with these fields; all, where nothing is named."""
        wanted = fields if event is None else {"event": event, **fields}
        found: list[Line] = [json.loads(line) for line in self.place.read_text(encoding="utf-8").splitlines()]
        return [line for line in found if wanted.items() <= line.items()]

    def calls(self) -> Counter[Call]:
        """Every request that it tells of."""
        return Counter((line["method"], line["path"], line.get("status")) for line in self.lines("request"))


def calls_of(requests: Iterable[LoggedRequest]) -> Counter[Call]:
    """The same, of the simulator's own log."""
    return Counter((request.method, request.path, request.status) for request in requests)
