"""Why a try was not answered, from what the API said or from what broke: did the API do nothing, for certain?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from pulumi_anchorbrowser.api import errors
from pulumi_anchorbrowser.clock import Clock

# With these statuses the API did nothing, if it is the API that responds.
_REFUSALS: dict[int, type[errors.ApiError]] = {
    400: errors.BadRequest,
    401: errors.InvalidApiKey,
    402: errors.PaymentRequired,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.AlreadySettled,
    422: errors.BadRequest,
    429: errors.RateLimited,
}
_PASSING = frozenset({500, 502, 503, 504})
_LONGEST_RETRY_AFTER = 1e9


@dataclass(eq=False)
class Failure(Exception):
    """A try that was not answered. `is_certain`: the API did nothing. `may_pass`: another try may end otherwise."""

    kind: type[errors.ApiError]
    reason: str
    status: int | None = None
    is_certain: bool = False
    may_pass: bool = False
    retry_after: float | None = None
    advice: str | None = None


# What a response says


def json_in(text: str) -> Any:
    """Return the text as JSON; None for any other text.

    Lone surrogates are replaced: no output can be encoded with them.
    """
    try:
        return _clean(json.loads(text)) if "\\u" in text else json.loads(text)
    except (ValueError, RecursionError):
        return None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return {name: _clean(one) for name, one in value.items()} if isinstance(value, dict) else value


def message_in(body: Any) -> str | None:
    """Return the API's own words in an error; empty where it gives only a code; None where something else responded."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not (isinstance(error.get("code"), int) or error.get("message")):
        return None
    return str(error.get("message") or "")


def refusal(method: str, status: int, message: str | None) -> Failure:
    """Return the failure of a try that got this status: certain where the API says so in its own words."""
    said = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    kind = _REFUSALS.get(status)
    if kind is None:
        kind = errors.ServerError if status >= 500 else errors.UnexpectedAnswer
        return Failure(kind, said, status, may_pass=status in _PASSING)
    if message is None:
        foreign = f"HTTP {status} from something other than the AnchorBrowser API (a proxy or gateway?)"
        return Failure(errors.UnexpectedAnswer, foreign, status, may_pass=True)
    limit = _plan_limit(status, message)
    # What stops browsers is retried for as long as it takes, whatever a 429 says.
    if kind is errors.RateLimited and limit and method == "POST":
        kind = errors.PlanLimit
    advice = _ADVICE_ON_LIMIT.format(limit) if kind in {errors.PlanLimit, errors.Forbidden} and limit else None
    return Failure(kind, said, status, is_certain=True, may_pass=kind is errors.RateLimited, advice=advice)


_ADVICE_ON_LIMIT = (
    "The plan's limit on {} is reached, and retrying does not help: end batches that you no longer need, or raise the "
    "limit, then run again. `pulumi-anchorbrowser doctor` shows the plan's limits."
)
_RATE = re.compile(
    r"\brate\b|\brequests|creations|second|minute|hour|slow down|throttl|too (fast|quick)", re.IGNORECASE
)
_COST = re.compile(r"\b(cost|credit|spend|budget|billing)", re.IGNORECASE)
_BROWSERS = re.compile(r"browser|session|concurren", re.IGNORECASE)


def _plan_limit(status: int, message: str) -> str | None:
    """What the plan limits, where the message of a 403 or 429 speaks of that; None where a 429 speaks of a rate."""
    if status == requests.codes.forbidden:
        return "cost" if _COST.search(message) else None
    if status != requests.codes.too_many_requests or _RATE.search(message):
        return None
    if _COST.search(message):
        return "cost"
    return "concurrent browsers" if _BROWSERS.search(message) else None


def moment_in(text: str) -> datetime | None:
    """Return the time that a header names; None where the text is no time."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def retry_after(response: requests.Response, clock: Clock) -> float | None:
    """Return the seconds that the response asks to wait; None where it asks for none, or in no way that makes sense."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER)
    if (moment := moment_in(text)) is None:
        return None
    # By the server's own date, where it gives one: this machine's clock may be wrong.
    now = moment_in(response.headers.get("Date", "")) or clock.now()
    return max(0.0, (moment - now).total_seconds())


# Why there is no response, and whether the API can have seen the request


def never_sent(cause: Exception, base_url: str) -> Failure:
    """Return the failure of a try that was not begun: of a wrong URL, value or proxy, or a missing file."""
    why = str(cause)
    if isinstance(cause, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, LocationValueError)):
        # Its text has parts of that URL, which may be those of a proxy's password.
        why = f"{base_url}, or the URL of a proxy in the environment such as HTTPS_PROXY, is not valid"
    return Failure(errors.NotSent, f"the request cannot be sent ({why})", is_certain=True)


def without_response(error: Exception) -> Failure:
    """Return the failure of a try that was begun: certain only where no connection was made, whatever the error is."""
    cause = cause_of(error)
    # To urllib3 every failure of a connection that has closed is one of its proxy, that of a lost response too.
    if isinstance(cause, ProxyError) and isinstance(cause.original_error, (NewConnectionError, ConnectTimeoutError)):
        return Failure(errors.NotConnected, "the proxy could not be used", is_certain=True, may_pass=True)
    if isinstance(error, requests.ConnectTimeout):
        return Failure(errors.NotConnected, "no connection within the time limit", is_certain=True, may_pass=True)
    if isinstance(cause, NewConnectionError):
        # Its text begins with the connection's repr.
        why = str(cause).partition(": ")[2]
        return Failure(errors.NotConnected, f"no connection ({why})", is_certain=True, may_pass=True)
    return broken_off(error)


def broken_off(error: Exception) -> Failure:
    """Return the failure of a try whose response did not arrive whole, or cannot be read."""
    cause = cause_of(error)
    # Only the kind of an error: its text may have the URL of a proxy with its password.
    reason = f"the response cannot be read ({type(cause).__name__})"
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        reason = f"the connection broke before the whole response arrived ({type(cause).__name__})"
    if isinstance(cause, ReadTimeoutError):
        reason = "no response within the time limit"
    return Failure(errors.NoAnswer, reason, may_pass=True)


def cause_of(error: Exception) -> Exception:
    """Return what urllib3 says of an error of requests; the error itself where that is all there is."""
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    return cause.reason or cause if isinstance(cause, MaxRetryError) else cause
