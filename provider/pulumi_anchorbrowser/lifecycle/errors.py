"""Expected errors above the API: what happened, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle.tags import claim_tag
from pulumi_anchorbrowser.words import first_of, sessions


class LifecycleError(ExpectedError):
    """An expected error in the life of a batch."""


class OutcomeUnknown(LifecycleError):
    """A create was sent, its response was lost, and its batch was not found: browsers may run under the claim."""

    anchor = "outcome-unknown"

    def __init__(self, reason: str, claim_tag: str, looked_for: float, running: int = 0) -> None:
        found = f"found {sessions(running)} that run, but not their batch" if running else "found none"
        super().__init__(
            f"Could not determine whether the batch was started: {reason}. The create was not sent again, which could "
            f"start a second batch. Looked for sessions tagged {claim_tag!r} for {looked_for:g} s and {found}",
            "On this machine, the next `pulumi up` looks for that batch, by its receipt, before it starts another one. "
            "Without receipts, or on another machine, run `pulumi-anchorbrowser orphans` first.",
        )


class LeftoverUnknown(LifecycleError):
    """Nothing was started, because what an interrupted create may have started could not be looked for."""

    anchor = "leftover-unknown"
    advice = "Run the same command again."

    def __init__(self, claim: str, reason: str) -> None:
        super().__init__(
            f"Started nothing: an earlier create of this resource was interrupted (claim {claim}), and looking for its "
            f"batch failed: {reason}"
        )


class AccountUnknown(LifecycleError):
    """What a create of unknown outcome may have started cannot be looked for under this key."""

    anchor = "another-account"
    advice = "Use the key and address that sent it, then run again."

    def __init__(self, claim: str) -> None:
        super().__init__(
            f"Could not look for the batch of a create of unknown outcome (claim {claim}): the key or the address is "
            "not the one that sent it"
        )


class AnotherAccount(LifecycleError):
    """The API does not know the batch under this key or address, and another one started it."""

    anchor = "another-account"

    def __init__(self, batch_id: str, started_at: str, asked_at: str, code: str) -> None:
        where = f" at {asked_at}; it was started at {started_at}" if started_at != asked_at else ""
        super().__init__(
            f"Batch {batch_id} does not exist (HTTP 404) under this key{where}. The key or the address is not the one "
            "that started it, so it may still run in another team's account",
            "Use the key and address that started it. If this key belongs to the same team and the batch is really "
            f"gone, run again with ANCHORBROWSER_CONFIRM_ACCOUNT={code}.",
        )


class SessionsLeft(LifecycleError):
    """Sessions of a batch that may still run; `failed_sessions` says how many."""

    advice = "They may still run. Run the same command again."

    def __init__(self, attempt: str, failures: Sequence[tuple[str, str]]) -> None:
        self.failed_sessions = len(failures)
        named = first_of([f"{session} ({why})" for session, why in failures], "; ")
        super().__init__(f"Could not {attempt}: {named}")


class DeletionIncomplete(SessionsLeft):
    """Sessions of a batch could neither be deleted nor ended."""

    anchor = "deletion-incomplete"

    def __init__(self, batch_id: str, failures: Sequence[tuple[str, str]], deleted: int | None) -> None:
        so_far = "" if deleted is None else f" ({sessions(deleted)} deleted so far)"
        super().__init__(
            f"delete {sessions(len(failures))} of batch {batch_id}{so_far}, nor end them one by one", failures
        )


class SessionsNotEnded(SessionsLeft):
    """Sessions of a batch could not be ended one by one."""

    anchor = "sessions-not-ended"

    def __init__(self, batch_id: str, failures: Sequence[tuple[str, str]], ended: int) -> None:
        super().__init__(f"end {sessions(len(failures))} of batch {batch_id} ({sessions(ended)} ended)", failures)


class StillRunning(SessionsLeft):
    """The API reported the batch as stopped, and still lists sessions of it as running."""

    anchor = "still-running"

    def __init__(self, batch_id: str, running: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            f"confirm that batch {batch_id} has stopped: the API lists {sessions(len(running))} as running after each "
            "was ended one by one",
            running,
        )


class BatchNotFound(SessionsLeft):
    """Sessions that an interrupted create started run, and the API does not list their batch."""

    anchor = "batch-not-found"

    def __init__(self, claim: str, running: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            f"find the batch of claim {claim}, of which the API lists {sessions(len(running))} as running", running
        )
        self.advice = (
            "Run the same command again. Once the claim is an hour old, `pulumi-anchorbrowser sweep --owner any "
            f"--what sessions --tag {claim_tag(claim)}` ends them too."
        )


class SessionsNotListed(LifecycleError):
    """The API did not list the sessions of a batch, so they cannot be ended."""

    anchor = "sessions-not-listed"
    advice = "They may still run. Run the same command again, or delete the batch."

    def __init__(self, batch_id: str, reason: str) -> None:
        super().__init__(f"Could not end the sessions of batch {batch_id}: {reason}")


class CancelRefused(LifecycleError):
    """The API refused the cancel, and `if_completed` does not allow another way."""

    anchor = "cancel-refused"
    advice = (
        "Set if_completed to 'end_sessions', 'delete' or 'accept', or status to 'deleted', then run `pulumi up` again."
    )

    def __init__(self, batch_id: str, refusal: str, reason: str) -> None:
        super().__init__(f"Could not cancel batch {batch_id}: {refusal}; {reason}")


class AdoptionFailed(LifecycleError):
    """The batch is left to the resource that adopts it in this run, and that resource could not be created."""

    anchor = "adoption-failed"
    advice = "Run `pulumi up` again: it adopts the batch first. To stop the batch now, run `pulumi destroy`."

    def __init__(self, batch_id: str) -> None:
        super().__init__(
            f"Left batch {batch_id} running, and this resource in the state: another resource of the program adopts "
            "the batch, and could not be created in this run"
        )


class NotAdopted(LifecycleError):
    """The batch to adopt cannot be adopted."""

    anchor = "not-adopted"

    def __init__(self, batch_id: str, reason: str, advice: str) -> None:
        super().__init__(f"Could not adopt batch {batch_id}: {reason}", advice)
