"""What can stop a cleanup, or go wrong in one: what happened, why, and what to do next, on one line."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_anchorbrowser.lifecycle.errors import LifecycleError

_NAMED = 10


class MatchesEverything(LifecycleError):
    """The selection would take every batch of the team."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done: the selection would match every batch of the team. Narrow it by owner, tags, age, "
            "statuses or batch_ids; or set allow_all to True if every one of them is really meant."
        )


class NoSuchOwner(LifecycleError):
    """The selection says `this`, and there is no running stack."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done: the selection is about 'this' stack, and no stack is running. "
            "Set owner to an organization/project/stack, or to 'any'."
        )


class TooMany(LifecycleError):
    """More batches match than the limit allows."""

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(
            f"Nothing was done: {found} batches match, and limit is {limit}. Narrow the selection, or set limit to "
            f"{found} or more if all of them are meant."
        )


class CleanupIncomplete(LifecycleError):
    """Some batches could not be dealt with; the rest are done."""

    def __init__(self, failures: Sequence[dict[str, str]], done: int) -> None:
        named = "; ".join(f"{failed['batch_id']} ({failed['reason']})" for failed in failures[:_NAMED])
        more = f"; and {len(failures) - _NAMED} more" if len(failures) > _NAMED else ""
        super().__init__(
            f"Could not clean up {len(failures)} batches: {named}{more}. They may still run. The other {done} are "
            "done; run the same command again for the rest."
        )
