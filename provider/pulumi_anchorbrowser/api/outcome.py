"""The outcome of one call to the API: the list of its tries, and what each of them says for certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pulumi_anchorbrowser.api.errors import ApiError, NotFound

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True)
class Answered(Generic[Value]):
    """The API handled the request, and its whole response arrived."""

    value: Value


@dataclass(frozen=True)
class Refused:
    """The API did nothing, for certain: it said so in its own words, or it was never reached."""

    error: ApiError


@dataclass(frozen=True)
class Lost:
    """The API may have handled the request: no response arrived, or none that makes sense."""

    error: ApiError


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What a call came to: one `Answered`, `Refused` or `Lost` for each request that was sent, in order; never empty.

    The last try is the call's result. A `Lost` try before it may have been handled as well.
    """

    tries: tuple[Answered[Value] | Refused | Lost, ...]

    @property
    def last(self) -> Answered[Value] | Refused | Lost:
        """The call's result."""
        return self.tries[-1]

    @property
    def was_lost(self) -> bool:
        """Whether any try may have been handled without its response reaching us."""
        return any(isinstance(one, Lost) for one in self.tries)

    @property
    def error(self) -> ApiError | None:
        """The last try's error; None where it was answered."""
        return None if isinstance(self.last, Answered) else self.last.error

    @property
    def is_gone(self) -> bool:
        """Whether the API's own word is that there is no such batch or session (HTTP 404)."""
        return isinstance(self.last, Refused) and isinstance(self.last.error, NotFound)

    def value(self) -> Value:
        """Return what the API answered. Raises the last try's ApiError where it did not."""
        if isinstance(self.last, Answered):
            return self.last.value
        raise self.last.error
