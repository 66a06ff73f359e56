"""The tags that every session of a batch carries, so that the batch can be found from the API's side."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

MANAGED_TAG = "pulumi"
# Set by users: no cleanup stops a batch of which any session carries it.
PROTECT_TAG = "pulumi-protect"
_OWNER = "pulumi-owner:"
_CLAIM = "pulumi-claim:"
# A claim in hexadecimal digits: milliseconds since 1970, the mark of the run, random digits.
_TIME_DIGITS, _MARK_DIGITS, _RANDOM_DIGITS = 11, 5, 8


def new_claim(now: datetime, run_mark: str) -> str:
    """Return a unique id for one create, of 24 hexadecimal digits, in the order of time.

    `check` mints it before the create is sent, so that a lost response leaves a name to look for. `run_mark` (five
    digits) is the same in all provider hosts of one run of the engine.
    """
    milliseconds = int(now.timestamp() * 1000)
    return f"{milliseconds:0{_TIME_DIGITS}x}{run_mark}{secrets.token_hex(_RANDOM_DIGITS // 2)}"


def minted_at(claim: str) -> datetime | None:
    """Return when the claim was minted, by the clock of the machine that did; None for a text that is no claim."""
    try:
        return datetime.fromtimestamp(int(claim[:_TIME_DIGITS], 16) / 1000, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def age_of(claim: str, now: datetime) -> timedelta | None:
    """Return how long ago the claim was minted; None for a text that is no claim."""
    minted = minted_at(claim)
    return None if minted is None else now - minted


def patience_left(age: timedelta | None, patience: float) -> float:
    """Return for how many seconds a batch of that age is looked for: its sessions become visible late."""
    return 0.0 if age is None else min(patience, max(0.0, patience - age.total_seconds()))


def run_mark_of(claim: str) -> str:
    """Return the mark of the run that minted the claim."""
    return claim[_TIME_DIGITS : _TIME_DIGITS + _MARK_DIGITS]


def owner_tag(owner: str) -> str:
    """Return the tag of all sessions that a stack (`organization/project/stack`) started."""
    return f"{_OWNER}{owner}"


def claim_tag(claim: str) -> str:
    """Return the tag of all sessions that one create started."""
    return f"{_CLAIM}{claim}"


def is_reserved_tag(tag: str) -> bool:
    """Whether only this provider may set the tag."""
    return tag == MANAGED_TAG or tag.startswith((_OWNER, _CLAIM))


def with_tags(configuration: dict[str, Any] | None, owner: str, claim: str) -> dict[str, Any]:
    """Return the configuration as it is sent: the user's own, with our tags added to those of every session."""
    configuration = dict(configuration or {})
    session = dict(configuration.get("session") or {})
    ours = [MANAGED_TAG, owner_tag(owner), claim_tag(claim)]
    session["tags"] = [*(session.get("tags") or []), *ours]
    return {**configuration, "session": session}


def owner_of(tags: Iterable[str]) -> str | None:
    """Return the stack (`organization/project/stack`) that these tags name; None where they name none."""
    return _after(_OWNER, tags)


def claim_of(tags: Iterable[str]) -> str | None:
    """Return the claim that these tags name; None where they name none."""
    return _after(_CLAIM, tags)


def _after(prefix: str, tags: Iterable[str]) -> str | None:
    return next((tag.removeprefix(prefix) for tag in sorted(tags) if tag.startswith(prefix)), None)
