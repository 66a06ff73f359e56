"""One HTTP session for a whole process: pooled, timed, without redirects, proxied except on loopback."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ReadTimeoutError
from urllib3.exceptions import ProxyError as Urllib3ProxyError
from urllib3.util.retry import Retry

from pulumi_anchorbrowser.api.errors import ApiError, NoAnswer, NotConnected, NotSent, one_line
from pulumi_anchorbrowser.api.retry import RetryPolicy


def check_base_url(url: str) -> str:
    """The base URL without a trailing slash. Raises ValueError where a key sent there could be read by others."""
    if "@" in url:
        raise ValueError("a base URL has no user and password")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_possible_port(parts):
        raise ValueError(f"{url!r} is not an http(s) URL")
    if parts.query or parts.fragment:
        raise ValueError("a base URL has no query or fragment")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError(f"{url!r} would send the API key unencrypted: use https")
    return url.rstrip("/")


def _has_possible_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class RetryingAdapter(HTTPAdapter):
    """An adapter whose every request gets a retry policy, and so a time limit, of its own."""

    def __init__(self, *, retries: int, limit_seconds: float, pool_size: int) -> None:
        self._retries = retries
        self._limit_seconds = limit_seconds
        super().__init__(pool_connections=2, pool_maxsize=pool_size)

    # `requests` reads this attribute once for each request, and has no other place for a policy with a clock in it.
    @property
    def max_retries(self) -> Retry:
        """A policy that starts now."""
        return RetryPolicy(self._retries, limit_seconds=self._limit_seconds)

    @max_retries.setter
    def max_retries(self, value: Retry) -> None:
        """Ignored: the base class sets its default here."""


def open_session(base_url: str, adapter: HTTPAdapter, user_agent: str) -> requests.Session:
    """A session for this address alone; on loopback it ignores the environment's proxies."""
    session = requests.Session()
    session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
    session.trust_env = not is_loopback(base_url)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


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
    return NoAnswer(operation, explanation)


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
