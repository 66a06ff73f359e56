"""The steps that bring a batch to a goal, as data, and an entry for each step that was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_anchorbrowser.api import Answered, ApiError, Outcome
from pulumi_anchorbrowser.errors import ExpectedError


@dataclass(frozen=True)
class Start:
    """POST: start the batch of the record's inputs."""


@dataclass(frozen=True)
class Find:
    """Look for the batch of a create of unknown outcome, once, by its claim."""


@dataclass(frozen=True)
class Get:
    """GET the batch. `shared`: a page of the list that other reads share serves as well."""

    shared: bool = False


@dataclass(frozen=True)
class Cancel:
    """PATCH the batch to cancelled."""


@dataclass(frozen=True)
class Delete:
    """DELETE the batch."""


@dataclass(frozen=True)
class ListSessions:
    """List the batch's sessions page by page, because the batch itself did not show them all."""


@dataclass(frozen=True)
class EndSessions:
    """DELETE each of these sessions, as many at once as the client makes calls."""

    session_ids: tuple[str, ...]


@dataclass(frozen=True)
class Confirm:
    """List the batch's sessions by their status, to see whether any still runs."""


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float
    reason: str


Call = Start | Find | Get | Cancel | Delete | ListSessions | EndSessions | Confirm | Pause


@dataclass(frozen=True)
class Done:
    """The goal is reached. `changes` are what the record is to say in the end."""

    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    """The goal cannot be reached now."""

    error: ExpectedError


Step = Call | Done | Fail


@dataclass(frozen=True)
class OtherAccount:
    """The account in use, where it is not the one that the record names.

    `confirmed`: the user vouched that both are of one team, with the code that an error asked for.
    """

    account: str
    base_url: str
    code: str
    confirmed: bool


@dataclass(frozen=True, eq=False)
class Entry:
    """A step that was taken, and what it came to. Two entries are equal only if they are the same.

    `outcome` is an Outcome: of `BatchCreated`, `ClaimLook`, `BatchDetails`, `BatchCancelled`, `BatchDeleted`, listed
    sessions, `Look`, in the order of the steps above; None of a pause. Of EndSessions, `endings` has one for
    each session. `at` is when the step ended (ISO 8601).
    """

    step: Call
    outcome: Outcome[Any] | None = None
    endings: Mapping[str, Outcome[None]] = field(default_factory=dict)
    at: str = ""
    other_account: OtherAccount | None = None
    receipt: int = 0

    @property
    def answer(self) -> Any:
        """What the step has read or the call was answered; None where it was not."""
        last = self.outcome.last if self.outcome is not None else None
        return last.value if isinstance(last, Answered) else None

    @property
    def error(self) -> ApiError | None:
        """Why the step was not answered; None where it was, and of a pause."""
        return self.outcome.error if self.outcome is not None else None

    @property
    def is_gone(self) -> bool:
        """Whether the API's own word is that there is no such batch (HTTP 404)."""
        return self.outcome is not None and self.outcome.is_gone
