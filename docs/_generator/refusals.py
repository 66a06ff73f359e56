"""The tables of what is refused, and in what words: asked of the checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from operations import ID
from tables import code, table

from pulumi_anchorbrowser.cleanup import cleanup_problems
from pulumi_anchorbrowser.lifecycle import Problem, batch_problems
from pulumi_anchorbrowser.lifecycle.waiting import ready_problems

_BROWSER = "configuration.browser"
_SESSION = "configuration.session"
_SHORT = "6e01..."
OWN_STACK = "acme/shop/dev"
_BATCHES: list[dict[str, Any]] = [
    {},
    {"count": 0},
    {"count": 1001},
    {"count": 3, "batch_id": ID},
    {"batch_id": "six"},
    {"batch_id": ID, "metadata": {}},
    {"count": 3, "status": "stopped"},
    {"count": 3, f"{_BROWSER}.headles": {"active": True}},
    {"count": 3, f"{_SESSION}.timeout.max_duration": 100000},
    {"count": 3, f"{_SESSION}.tags": ["a,b"]},
    {"count": 3, f"{_SESSION}.tags": ["pulumi"]},
    {"count": 3, f"{_BROWSER}.captcha_solver.active": True},
    {"count": 3, f"{_BROWSER}.popup_blocker.active": True, f"{_BROWSER}.adblock.active": False},
    {"count": 3, f"{_BROWSER}.extra_stealth.active": True},
    {"count": 3, f"{_BROWSER}.headless.active": True, f"{_SESSION}.live_view.one_time_url": True},
    {"count": 3, f"{_SESSION}.proxy": {"active": True, "type": "custom"}},
    {"count": 3, f"{_SESSION}.proxy": {"active": True, "city": "oslo"}},
]
_WAITS: list[dict[str, Any]] = [
    {},
    {"batch_id": ID, "min_ready": 0},
    {"batch_id": ID, "min_ready": 4},
    {"batch_id": ID, "timeout": "soon"},
    {"batch_id": ID, "retry_failed": 4},
]
_CLEANUPS: list[dict[str, Any]] = [
    {},
    {"select": {}},
    {"select": {"owner": "any"}},
    {"select": {"owner": "mine"}},
    {"select": {"owner": "this"}},
    {"select": {"owner": OWN_STACK}},
    {"select": {"tags": ["a,b"]}},
    {"select": {"older_than": "2h", "newer_than": "1h"}},
    {"select": {"what": "sessions", "statuses": ["completed"]}},
    {"select": {"tags": ["pr-12"]}, "limit": 0},
]


def of_batch() -> str:
    """Return what a `Batch` refuses; of an adopted batch, that it becomes active again."""
    back = batch_problems({"batch_id": ID, "status": "cancelled"}, {"batch_id": ID, "status": "active"}, _is_known)
    rows = [(_given(wrong), *_only(batch_problems({}, _nested(wrong), _is_known))) for wrong in _BATCHES]
    return _table([*rows, ('`status="active"`, adopted and then cancelled', *_only(back))])


def of_ready() -> str:
    """Return what a `BatchReady` refuses, of a batch of three browsers."""
    return _table((_given(wrong), *_only(ready_problems(wrong, _is_known, 3))) for wrong in _WAITS)


def of_cleanup() -> str:
    """Return what a `BatchCleanup` and a teardown hook of the stack `acme/shop/dev` refuse."""
    return _table(
        (_given(wrong), *_only(cleanup_problems({**wrong, "owner": OWN_STACK}, _is_known))) for wrong in _CLEANUPS
    )


def _is_known(_: object) -> bool:
    return False


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    return table(("given", "refused property", "why"), rows)


def _given(wrong: dict[str, Any]) -> str:
    shown = {name: _SHORT if value == ID else value for name, value in wrong.items()}
    return ", ".join(f"`{name}`: {code(value)}" for name, value in shown.items()) or "nothing"


def _only(problems: list[Problem]) -> tuple[str, str]:
    (problem,) = problems
    return f"`{problem.property}`", problem.reason


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return dotted names as dictionaries in dictionaries."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *outer, last = path.split(".")
        place = nested
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = value
    return nested
