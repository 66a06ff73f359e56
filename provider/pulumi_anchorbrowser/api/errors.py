"""What can go wrong with a call, as types. Every message says what happened, why, and what to do next, on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

_MESSAGE_LIMIT = 300


class ApiError(Exception):
    """A call that did not end with the answer it should have.

    `operation` names the call and its batch; `status` is the HTTP status (None where no answer came);
    `code` and `server_message` are the API's own words; `advice` says what to do next.
    """

    advice = "Run the same command again; if it persists, ask AnchorBrowser's support."
    # True where the API surely changed nothing: the caller may act as if it had not asked.
    nothing_done = False

    def __init__(
        self,
        operation: str,
        explanation: str,
        *,
        status: int | None = None,
        code: int | None = None,
        server_message: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.operation = operation
        self.explanation = explanation
        self.status = status
        self.code = code
        self.server_message = server_message
        if advice is not None:
            self.advice = advice
        # True where an earlier try of the same call may have been handled without its answer reaching us.
        self.after_lost_answer = False
        # True where an answer came that broke off or makes no sense: another try may bring a whole one.
        self.is_broken = False
        super().__init__(f"Could not {operation}: {explanation}. {self.advice}")

    def with_note(self, note: str) -> Self:
        """The same error with a note behind its explanation."""
        self.explanation += note
        self.args = (f"Could not {self.operation}: {self.explanation}. {self.advice}",)
        return self


class Refused(ApiError):
    """The API understood the request and refused it."""


class BadRequest(Refused):
    """400: the request is wrong."""

    advice = "Correct the property that the API names, then run again."


class InvalidApiKey(Refused):
    """401: the API does not know this key."""

    advice = (
        "Set a valid key with `pulumi config set --secret anchorbrowser:apiKey` or in ANCHORBROWSER_API_KEY; "
        "a destroy or a refresh uses the stack config of the last `pulumi up`, and then the environment's key."
    )


class PaymentRequired(Refused):
    """402: the account's credits do not cover the request."""

    advice = "Add credits, lower `count`, or end batches you no longer need, then run again."


class Forbidden(Refused):
    """403: the key is known and may not do this."""

    advice = "Use a key that may do this, or ask the team's administrator."


class NotFound(Refused):
    """404: the API does not know the batch or the session under this key."""

    advice = "Check the id, and that the key belongs to the team that made it."


class AlreadySettled(Refused):
    """409: the batch is already cancelled, or its creation had already completed; only a GET tells which."""

    advice = "Look at the batch's status: a completed batch is ended by deleting it or by ending its sessions."


class RateLimited(Refused):
    """429: the plan's limit was reached, and went on being reached for as long as we waited."""

    advice = "Wait a minute and run again, or lower `anchorbrowser:maxConcurrency`."


class NotSent(ApiError):
    """The request could not even be put together."""

    nothing_done = True
    advice = "Correct the inputs or settings it names, then run again."


class NotConnected(ApiError):
    """No connection was made, so the API never saw the request."""

    nothing_done = True
    advice = "Check the network, the proxy settings and the base URL, then run again."


class NoAnswer(ApiError):
    """The request may have reached the API, but no whole answer came back."""

    advice = "The API may have acted on it; run the same command again."


class ServerError(ApiError):
    """5xx: the API failed, perhaps after it had acted."""


class UnexpectedAnswer(ApiError):
    """An answer that is not of the documented form: a redirect, HTML, cut or garbled JSON, a missing field."""

    advice = "Check that the base URL is that of AnchorBrowser's API and that no proxy answers in its place."


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: InvalidApiKey,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: AlreadySettled,
    422: BadRequest,
    429: RateLimited,
}


def for_status(
    operation: str, status: int, *, code: int | None = None, server_message: str | None = None, tried: str = ""
) -> ApiError:
    """The error for an HTTP status of 300 or more. `tried` says how often and how long, where it was repeated."""
    kind = _BY_STATUS.get(status) or (ServerError if status >= 500 else UnexpectedAnswer)
    said = f": {one_line(server_message)}" if server_message else ""
    error = kind(operation, f"HTTP {status}{said}{tried}", status=status, code=code, server_message=server_message)
    if status < 500:
        error.nothing_done = True
    return error


def one_line(text: str) -> str:
    """The text on one line, cut to a length that a terminal can bear."""
    flat = " ".join(text.split()).rstrip(".")
    return flat if len(flat) <= _MESSAGE_LIMIT else flat[: _MESSAGE_LIMIT - 1] + "…"
