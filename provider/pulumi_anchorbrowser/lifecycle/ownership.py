"""Whose a batch is: the marks that every session of it carries, so that it can be found again from either side."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

MANAGED_TAG = "pulumi"
# A user's own to set: no cleanup touches a batch whose sessions carry it.
PROTECT_TAG = "pulumi-protect"
_OWNER = "pulumi-owner:"
_CLAIM = "pulumi-claim:"


def new_claim() -> str:
    """A random id for one create. Minted before the call, so that a lost reply leaves a name to look for."""
    return secrets.token_hex(12)


def owner_tag(owner: str) -> str:
    """The tag of all sessions that a stack (`organization/project/stack`) started."""
    return f"{_OWNER}{owner}"


def claim_tag(claim: str) -> str:
    """The tag of all sessions that one create started."""
    return f"{_CLAIM}{claim}"


def is_reserved_tag(tag: str) -> bool:
    """Whether only this provider may set the tag."""
    return tag == MANAGED_TAG or tag.startswith((_OWNER, _CLAIM))


def with_marks(configuration: dict[str, Any] | None, owner: str, claim: str) -> dict[str, Any]:
    """The configuration as it is sent: the user's own, with the marks added to the tags of every session."""
    configuration = dict(configuration or {})
    session = dict(configuration.get("session") or {})
    marks = [MANAGED_TAG, owner_tag(owner), claim_tag(claim)]
    session["tags"] = [*(session.get("tags") or []), *marks]
    return {**configuration, "session": session}


def owner_of(tags: Iterable[str]) -> str | None:
    """The stack (`organization/project/stack`) that these tags name; None where they name none."""
    return _after(_OWNER, tags)


def claim_of(tags: Iterable[str]) -> str | None:
    """The claim that these tags name; None where they name none."""
    return _after(_CLAIM, tags)


def _after(prefix: str, tags: Iterable[str]) -> str | None:
    return next((tag.removeprefix(prefix) for tag in sorted(tags) if tag.startswith(prefix)), None)
