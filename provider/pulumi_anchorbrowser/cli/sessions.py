"""The sessions of a batch as the commands that only look show them: whether they run, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_anchorbrowser.words import batches, first_of

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import Client, SessionStatus
    from pulumi_anchorbrowser.cli.printing import Messages


@dataclass(frozen=True)
class SessionsNow:
    """The sessions of a batch as the API lists them. `trouble` says why it may have others; None where it has not."""

    listed: tuple[SessionStatus, ...] = ()
    trouble: str | None = None

    @property
    def tags(self) -> frozenset[str]:
        """The tags of all of them."""
        return frozenset(tag for one in self.listed for tag in one.tags)

    @property
    def running(self) -> int | None:
        """How many run; None where that is not known, also where this release does not know the API's word."""
        from pulumi_anchorbrowser.lifecycle.looks import look_of

        look = look_of(self.listed)
        return None if look.unknown or self.trouble else len(look.running)

    @property
    def is_protected(self) -> bool | None:
        """Whether any carries the tag that protects; None where that is not known."""
        from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG

        if PROTECT_TAG in self.tags:
            return True
        return False if self.listed and not self.trouble else None

    def may_all_have(self, tags: frozenset[str]) -> bool:
        """Whether each session has these tags, as far as is known."""
        return bool(self.listed or self.trouble) and all(tags.issubset(one.tags) for one in self.listed)


def sessions_now(client: Client, batch_id: str) -> SessionsNow:
    """Return the sessions of a batch; none where the API has no such batch any more. Raises Interrupted."""
    from pulumi_anchorbrowser.api import ApiError, NotFound

    try:
        statuses = client.session_statuses(batch_id=batch_id)
    except NotFound:
        return SessionsNow()
    except ApiError as error:
        return SessionsNow(trouble=error.reason)
    return SessionsNow(statuses.items, statuses.trouble)


def warn_of_trouble(messages: Messages, seen: Mapping[str, SessionsNow]) -> bool:
    """Warn of the batches, given by their ids, whose sessions are not all known. Return whether there are any."""
    troubles = [f"{batch_id} ({sessions.trouble})" for batch_id, sessions in seen.items() if sessions.trouble]
    if troubles:
        messages.warning(f"could not read all sessions of {batches(len(troubles))}: {first_of(troubles, '; ')}")
    return bool(troubles)
