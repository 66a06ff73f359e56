"""Errors of a call to the API: one class for each thing that a user can do about it."""

from __future__ import annotations

from pulumi_anchorbrowser.errors import ExpectedError

_MESSAGE_LIMIT = 300


class ApiError(ExpectedError):
    """A call that did not end with the documented response.

    `operation` names the call and its batch, `reason` says why it failed, and `status` is the HTTP status: None where
    no response arrived. The explanation is made of the first two.
    """

    anchor = "unexpected-answer"
    advice = "Run the same command again. If the error persists, ask AnchorBrowser's support."

    def __init__(self, operation: str, reason: str, *, status: int | None = None, advice: str | None = None) -> None:
        self.operation = operation
        self.reason = reason
        self.status = status
        super().__init__(f"Could not {operation}: {reason}", advice)


class BadRequest(ApiError):
    """400 or 422: the request is wrong."""

    anchor = "bad-request"
    advice = "Correct the property that the API names, then run again."


class InvalidApiKey(ApiError):
    """401: the API does not know this key."""

    anchor = "invalid-api-key"
    # What has the settings names the place that the key is from instead: Settings.naming_key_source.
    advice = (
        "Set a valid key with `pulumi config set --secret anchorbrowser:apiKey` or in ANCHORBROWSER_API_KEY, then run "
        "again."
    )


class PaymentRequired(ApiError):
    """402: the account's credits do not cover the request."""

    anchor = "payment-required"
    advice = "Add credits, lower `count`, or end batches that you no longer need, then run again."


class Forbidden(ApiError):
    """403: the API knows the key and does not allow it this call."""

    anchor = "forbidden"
    advice = "Use a key that is allowed to do this, or ask the team's administrator."


class NotFound(ApiError):
    """404: the API does not know the batch or the session under this key."""

    anchor = "not-found"
    advice = "Check the id, and use a key of the team that created the batch."


class AlreadySettled(ApiError):
    """409: the batch is already cancelled, or its creation had already completed; only a GET shows which."""

    anchor = "already-settled"
    advice = "Check the batch's status: delete a completed batch, or end its sessions, to stop its browsers."


class RateLimited(ApiError):
    """429: the plan's rate limit was still exceeded after all retries."""

    anchor = "rate-limited"
    advice = "Wait a minute and run again, or lower `anchorbrowser:maxConcurrency`."


class PlanLimit(RateLimited):
    """429: the plan allows no more browsers or no more cost. Retrying does not help."""

    anchor = "plan-limit"


class NotSent(ApiError):
    """The request could not be put together, so nothing was sent."""

    anchor = "not-sent"
    advice = "Correct the input or setting that is named here, then run again."


class NotConnected(ApiError):
    """No connection was made, so nothing was sent."""

    anchor = "not-connected"
    advice = "Check the network, the proxy settings and the base URL, then run again."


class NoAnswer(ApiError):
    """The request may have reached the API, but no whole response arrived."""

    anchor = "no-answer"
    advice = "The API may have acted on the request. Run the same command again."


class ServerError(ApiError):
    """5xx: the API failed, and may have acted before it did."""

    anchor = "server-error"


class UnexpectedAnswer(ApiError):
    """A response that is not of the documented form: a redirect, HTML, cut or garbled JSON, a missing field."""

    anchor = "unexpected-answer"
    advice = "Check that the base URL is that of AnchorBrowser's API, and that no proxy or gateway responds instead."


def shortened(text: str) -> str:
    """Return the text on one line, cut to a length that fits a terminal."""
    flat = " ".join(text.split()).rstrip(".")
    return flat if len(flat) <= _MESSAGE_LIMIT else flat[: _MESSAGE_LIMIT - 1] + "…"
