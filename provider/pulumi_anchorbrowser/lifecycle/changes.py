"""Which changes of a program's inputs matter, and which of them need a new batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pulumi_anchorbrowser.api.models import parse_id
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown

# What a batch was started with. The API can change none of it.
STARTED_WITH = ("count", "configuration", "metadata")
_IN_PLACE = ("status", "on_destroy", "if_completed", "on_missing")


class Changes(NamedTuple):
    """The names of the inputs that changed, and of those that make a new batch necessary."""

    changed: list[str]
    replaces: list[str]
    deletes_first: bool = False
    """Whether the old one is deleted before the new one is created."""


def changes_between(
    batch_id: str, old_outputs: Mapping[str, Any], news: Mapping[str, Any], is_unknown: IsUnknown
) -> Changes:
    """Return the changes from the recorded outputs to the new inputs.

    A batch is replaced only while it is to be active: to cancel one and to change its `count` in the same breath
    must not start another. Another `batch_id` is always another batch.
    """
    active = news.get("status", "active") == "active" or is_unknown(news.get("status"))
    source = _source_changes(batch_id, old_outputs, news, active)
    # With `batch_id` there is no `count`, `configuration` or `metadata` to differ.
    adopts = source or news.get("batch_id") is not None
    started_with = [] if adopts else started_with_changes(old_outputs, news)
    in_place = [name for name in _IN_PLACE if _differs(old_outputs.get(name), news.get(name))]
    replaces = list(source)
    if active:
        replaces += started_with
        if "status" in in_place and not is_unknown(news.get("status")):
            replaces.append("status")
    named = source or _renamed_source(old_outputs, news)
    return Changes([*named, *started_with, *in_place], replaces)


def started_with_changes(old_outputs: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Return the changed inputs of those that a batch is started with.

    They need a new batch where it is to be active, and are only saved where it is not.
    """
    return [name for name in STARTED_WITH if _differs(old_outputs.get(name), news.get(name))]


def _source_changes(batch_id: str, old_outputs: Mapping[str, Any], news: Mapping[str, Any], active: bool) -> list[str]:
    wanted = news.get("batch_id")
    if wanted is None:
        # Where no batch is to run, an adopted one that is stopped stays what it is.
        return ["batch_id"] if old_outputs.get("adopted") and active else []
    return [] if _is_same_id(wanted, batch_id) else ["batch_id"]


def _is_same_id(wanted: Any, batch_id: str) -> bool:
    try:
        return parse_id(wanted) == batch_id
    except ValueError:
        return False


def _renamed_source(old_outputs: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    # `count` gave way to the `batch_id` of the very batch it had started.
    return ["batch_id"] if news.get("batch_id") is not None and not old_outputs.get("adopted") else []


def _differs(old: Any, new: Any) -> bool:
    return bool(_plain(old) != _plain(new))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return ("a switch, not a number", value)
    # The engine drops properties that are None, at any depth, so an absent one is the same.
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
