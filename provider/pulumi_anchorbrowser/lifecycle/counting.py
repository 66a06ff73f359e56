"""Counts are the API's own: added up over its answers, and left out where an answer was lost. Never invented."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pulumi_anchorbrowser.api import ApiError, BatchDeleted, NotFound
from pulumi_anchorbrowser.lifecycle.notices import Notices
from pulumi_anchorbrowser.lifecycle.record import BatchRecord
from pulumi_anchorbrowser.receipts import Counts
from pulumi_anchorbrowser.words import sessions


def added(*counts: int | None) -> int | None:
    """The sum of the counts that are known; None where none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class Deletion:
    """A deletion as far as it has come, over all its tries, in this run and earlier ones."""

    total_requests: int | None
    counted: int | None = None
    is_uncertain: bool = False
    answers: int = 0
    failed: int = 0
    errors: tuple[dict[str, str | None], ...] = ()
    message: str | None = None

    @classmethod
    def after(cls, past: Counts, record: BatchRecord) -> Deletion:
        """One that begins, after what earlier runs have deleted."""
        return cls(record.total_requests, past.deleted_sessions, past.deleted_uncertain)

    def answered(self, answer: BatchDeleted) -> Deletion:
        """After an answer with counts."""
        return replace(
            self,
            counted=added(self.counted, answer.deleted_sessions),
            is_uncertain=self.is_uncertain or answer.after_lost_answer or answer.deleted_sessions is None,
            answers=self.answers + 1,
            failed=answer.failed_deletions or 0,
            errors=tuple({"session_id": e.session_id, "error": e.error} for e in answer.errors),
            message=answer.message,
        )

    def gone(self, *, after_lost_answer: bool) -> Deletion:
        """After a 404: what could not be deleted before is gone by now."""
        return replace(self, is_uncertain=self.is_uncertain or after_lost_answer, failed=0, errors=())

    @property
    def deleted(self) -> int | None:
        """How many sessions were deleted; None where that is not known.

        After a lost answer a count may lack what that answer would have said, unless it makes up the whole batch.
        """
        if not self.is_uncertain or self.counted is None or self.total_requests is None:
            return None if self.is_uncertain else self.counted
        return self.counted if self.counted + self.failed >= self.total_requests else None


@dataclass
class Ending:
    """The ending of sessions one by one, as far as it has come."""

    past: Counts
    had_stopped: bool = False  # all of them had, and were counted then
    ended: int = 0
    is_uncertain: bool = False
    failures: list[tuple[str, str]] = field(default_factory=list)

    def add(self, session: str, error: ApiError | None) -> None:
        """Count one session. One that had ended by itself (404) is neither ended by us nor a failure."""
        if error is None:
            self.ended += 1
            return
        if not isinstance(error, NotFound):
            self.failures.append((session, error.explanation))
        # It may have been our own call that ended it, in a try whose answer was lost.
        self.is_uncertain |= error.after_lost_answer or not error.nothing_done

    def total(self, notices: Notices) -> int | None:
        """How many sessions were ended, with those of earlier runs; None, with a warning, where that is not known.

        The API may answer alike for a session that it ends now and for one that had ended before.
        """
        if self.had_stopped:
            return self.past.ended_sessions
        if self.past.ended_sessions and self.ended:
            notices.warning(
                f"{sessions(self.ended)} ended one by one, some of which an earlier try may have ended and counted; "
                "ended_sessions is empty"
            )
            return None
        total = added(self.past.ended_sessions, self.ended)
        if self.is_uncertain or self.past.ended_uncertain:
            notices.warning(
                f"at least {sessions(total)} ended one by one, but an answer of the API was lost; "
                "ended_sessions is empty"
            )
            return None
        return total
