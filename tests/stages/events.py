"""The engine's event log, read into steps and diagnostics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .base import Diagnostic, Step

_NOT_OURS = ("pulumi:pulumi:Stack", "pulumi:providers:")


def read_events(path: Path) -> list[dict[str, Any]]:
    """The events in order; none when the command ended before it could write any."""
    if not path.exists():
        return []
    # Only whole lines: the last line of a run that was killed may be cut short.
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def steps_of(events: list[dict[str, Any]], *, preview: bool) -> list[Step]:
    """The steps that were done, or in a preview are planned, each once."""
    steps: dict[Step, None] = {}
    refreshing: set[str] = set()
    for event in events:
        planned, done = event.get("resourcePreEvent"), event.get("resOutputsEvent")
        data = (planned or done or {}).get("metadata")
        if data is None or data["type"].startswith(_NOT_OURS):
            continue
        urn, op = data["urn"], data["op"]
        if planned and op == "refresh":
            refreshing.add(urn)
        elif done and urn in refreshing:
            refreshing.remove(urn)
            if _is_custom(data):
                steps[Step(_refreshed(data), urn)] = None
        # A replacement is told three times; `replace` and `delete-replaced` are enough. A component's end is only told
        # when it registers outputs.
        elif (planned if preview or not _is_custom(data) else done) and op != "create-replacement":
            steps[Step(op, urn)] = None
    return list(steps)


def _is_custom(data: dict[str, Any]) -> bool:
    return bool((data.get("new") or data.get("old") or {}).get("custom"))


def _refreshed(data: dict[str, Any]) -> str:
    """What a refresh found. `pulumi refresh` tells it as an operation; `up --refresh` only by the states."""
    if data["op"] != "refresh":
        return "read" if data["op"] == "same" else str(data["op"])
    if not data.get("new"):
        return "delete"
    return "read" if data["new"].get("outputs") == data["old"].get("outputs") else "update"


def diagnostics_of(events: list[dict[str, Any]], *, ephemeral: bool) -> list[Diagnostic]:
    """The messages that stay, or the passing ones; debug lines never."""
    found = []
    for event in events:
        data = event.get("diagnosticEvent")
        if data and data["severity"] != "debug" and bool(data.get("ephemeral")) == ephemeral:
            found.append(Diagnostic(data["severity"], data["message"].rstrip("\n"), data.get("urn", "")))
    return found
