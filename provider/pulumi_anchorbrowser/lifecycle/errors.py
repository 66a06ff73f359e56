"""Expected failures above the API: each says what happened, why, and what to do next, on one line."""

from __future__ import annotations

from collections.abc import Sequence

_NAMED_SESSIONS = 10


class LifecycleError(Exception):
    """An expected failure in the life of a batch."""


class OutcomeUnknown(LifecycleError):
    """A create was sent and no usable answer came: browsers may run that no state knows, under the claim's tag."""

    def __init__(self, explanation: str, claim_tag: str, *, looked_for: float, next_run_looks: bool) -> None:
        advice = (
            "Run `pulumi up` again: it looks once more before it starts another."
            if next_run_looks
            else "Receipts are off, so the next run will not look again: look for such sessions yourself, delete "
            "their batch or adopt it by batch_id, and run again."
        )
        super().__init__(
            f"Could not tell whether the batch was started: {explanation}. It was not tried again, since that could "
            f"start it twice; sessions tagged {claim_tag!r} were looked for during {looked_for:g} s, and none "
            f"was found. {advice}"
        )


class AnotherAccount(LifecycleError):
    """The API does not know the batch under this key or address, but another one made it."""

    def __init__(self, batch_id: str, made_at: str, asked_at: str, confirmation: str) -> None:
        where = f" at {asked_at}, but it was made at {made_at}" if made_at != asked_at else ""
        super().__init__(
            f"Batch {batch_id} is not known (HTTP 404) under this key{where}. The key or the address differs from the "
            "one that made it, so it may still run in another team's account. Use the former key or address; "
            f"or, if this key is of the same team and the batch is really gone, run again with "
            f"ANCHORBROWSER_CONFIRM_ACCOUNT={confirmation}."
        )


class SessionsLeft(LifecycleError):
    """Sessions of a batch that may still run: `failed_sessions` of them."""

    def __init__(self, batch_id: str, attempt: str, failures: Sequence[tuple[str, str]]) -> None:
        self.failed_sessions = len(failures)
        named = "; ".join(f"{session} ({why})" for session, why in failures[:_NAMED_SESSIONS])
        more = f"; and {len(failures) - _NAMED_SESSIONS} more" if len(failures) > _NAMED_SESSIONS else ""
        super().__init__(
            f"Could not {attempt.format(f'{len(failures)} sessions of batch {batch_id}')}: {named}{more}. "
            "They may still run; run the same command again."
        )


class DeletionIncomplete(SessionsLeft):
    """Sessions of a batch could neither be deleted nor ended."""

    def __init__(self, batch_id: str, failures: Sequence[tuple[str, str]], deleted: int | None) -> None:
        attempt = f"delete {{}} ({deleted or 0} were deleted), and they could not be ended one by one either"
        super().__init__(batch_id, attempt, failures)


class SessionsNotEnded(SessionsLeft):
    """Sessions of a batch could not be ended one by one."""

    def __init__(self, batch_id: str, failures: Sequence[tuple[str, str]], ended: int) -> None:
        super().__init__(batch_id, f"end {{}} ({ended} were ended)", failures)


class CancelRefused(LifecycleError):
    """The API refused the cancel, and the chosen `if_completed` does not allow another way."""

    def __init__(self, batch_id: str, said: str, reason: str) -> None:
        super().__init__(
            f"Could not cancel batch {batch_id}: {said}; {reason}. "
            "Set if_completed to 'end_sessions', 'delete' or 'accept', or status to 'deleted', then run again."
        )


class NotAdopted(LifecycleError):
    """The batch to adopt is not one that can be."""

    def __init__(self, batch_id: str, reason: str, advice: str) -> None:
        super().__init__(f"Could not adopt batch {batch_id}: {reason}. {advice}")


class NotReady(LifecycleError):
    """Too few browsers of a batch are ready."""
