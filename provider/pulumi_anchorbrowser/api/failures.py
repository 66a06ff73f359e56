"""Why a request ended without an answer, and whether the API can have seen it."""

from __future__ import annotations

import ssl

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ReadTimeoutError
from urllib3.exceptions import ProxyError as Urllib3ProxyError

from pulumi_anchorbrowser.api.errors import ApiError, NoAnswer, NotConnected, NotSent, one_line

# Raised while a request is put together.
_NEVER_SENT = (
    requests.exceptions.InvalidJSONError,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


def transport_error(operation: str, error: requests.RequestException) -> ApiError:
    """The typed error for a request that ended without an answer, telling whether the API can have seen it."""
    cause = error.args[0] if error.args else None
    tried = getattr(cause, "tried", "")
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    explanation = one_line(_explain(error, reason)) + tried
    if isinstance(error, _NEVER_SENT):
        return NotSent(operation, explanation)
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)) or _never_connected(reason):
        return NotConnected(operation, explanation)
    lost = NoAnswer(operation, explanation)
    # Whatever urllib3 could repeat, it has; it is done with an answer once its first line has come.
    lost.is_broken = not isinstance(cause, MaxRetryError) and not isinstance(error, requests.ReadTimeout)
    return lost


def _never_connected(reason: object) -> bool:
    if isinstance(reason, Urllib3ProxyError):
        return True
    if isinstance(reason, (NewConnectionError, ConnectTimeoutError)):
        return True
    # A certificate is checked before anything is sent.
    return any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))


def _explain(error: requests.RequestException, reason: object) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "no connection within the time limit"
    if isinstance(error, _NEVER_SENT):
        return f"the request cannot be sent ({error})"
    if isinstance(error, requests.ReadTimeout) or isinstance(reason, ReadTimeoutError):
        return "no answer within the time limit"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy could not be used"
    if isinstance(reason, NewConnectionError):
        return f"no connection ({reason.args[-1] if reason.args else 'unknown reason'})"
    if _never_connected(reason):
        return f"no secure connection ({reason})"
    return f"the connection broke before the whole answer came ({type(reason).__name__ if reason else error})"
