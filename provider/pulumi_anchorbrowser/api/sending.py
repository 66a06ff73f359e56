"""One call to the API, from its first try to its last: slots, tries, time limits, waits, and how each try ended."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError, SSLError

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.api import errors
from pulumi_anchorbrowser.api.account import ApiKeys, KeyInUse, is_loopback
from pulumi_anchorbrowser.api.limiter import Lane, Limiter, pause
from pulumi_anchorbrowser.api.outcome import Answered, Lost, Outcome, Refused
from pulumi_anchorbrowser.clock import Clock, Interrupted, seconds_allowed
from pulumi_anchorbrowser.words import counted

_LOGGER = logging.getLogger(__name__)
_Value = TypeVar("_Value")
_HEADER = "anchor-api-key"
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
# A second GET, PATCH or DELETE finds what the first one has done. A second POST could start a second batch.
_REPEATABLE = frozenset({"GET", "PATCH", "DELETE"})
# A shorter wait for a rate limit is not worth a message.
_SILENT_SECONDS = 3.0
_LONGEST_RETRY_AFTER = 1e9
_SHORTEST_TIMEOUT = 0.001


@dataclass(frozen=True)
class ClientOptions:
    """How the client behaves, in seconds.

    A call is sent at most 1 + `max_retries` times, and no try begins later than `retry_limit` after the first. A call
    that changes something and gets a 429 is retried however often until `rate_limit_patience` is over, since plans
    count by the minute; with `max_retries` 0 it is not. To a GET a 429 is a failed try like any other.
    """

    connect_timeout: float = 10.0
    request_timeout: float = 60.0
    max_retries: int = 5
    retry_limit: float = 90.0
    rate_limit_patience: float = 600.0
    max_concurrency: int = 64


class Garbled(ValueError):
    """The response's JSON has missing or invalid fields; the text names them."""


@dataclass(frozen=True)
class ApiCall(Generic[_Value]):
    """What to send, and `read`, which makes a value of the response's JSON, or raises Garbled, ValueError or KeyError.

    `hidden` are secrets in the body, which an error message of the API may quote.
    """

    operation: str
    method: str
    path: str
    read: Callable[[Any], _Value]
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    hidden: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lane(self) -> Lane:
        """The limiter's lane for the call."""
        return "starting" if self.method == "POST" else "other"


@dataclass(eq=False)
class _Failure(Exception):
    """A try that was not answered. `is_certain`: the API did nothing. `may_pass`: another try may end otherwise."""

    kind: type[errors.ApiError]
    reason: str
    status: int | None = None
    is_certain: bool = False
    may_pass: bool = False
    retry_after: float | None = None
    advice: str | None = None


class _Attempts(Generic[_Value]):
    """The tries of one call so far. The next one has to begin before the moment `until`."""

    def __init__(self, call: ApiCall[_Value], options: ClientOptions, clock: Clock) -> None:
        self.call = call
        self.tries: list[Answered[_Value] | Refused | Lost] = []
        self.until: float | None = None
        self._options = options
        self._clock = clock
        self._began = self._counted_from = 0.0
        self._counted = 0

    @property
    def seconds(self) -> float:
        """The time since the first try was sent."""
        return self._clock.monotonic() - self._began

    def begin(self) -> float:
        """Note that a try is about to be sent. Return that moment."""
        now = self._clock.monotonic()
        # Not earlier: no time limit runs while a call waits for its first turn.
        self._began = self._began if self.tries else now
        return now

    def count(self, failure: _Failure, sent_at: float, seconds: float) -> bool:
        """Keep a failed try. Return whether the call may be sent again after so many seconds.

        A mutating call that was turned away by a 429 has not used up a try, nor begun its time limit.
        """
        if failure.kind is errors.RateLimited and self.call.method != "GET":
            self.until = self._began + self._options.rate_limit_patience
            is_allowed = self._options.max_retries > 0
        else:
            self._counted_from = self._counted_from if self._counted else sent_at
            self._counted += 1
            self.until = self._counted_from + self._options.retry_limit
            may_repeat = failure.is_certain or self.call.method in _REPEATABLE
            is_allowed = failure.may_pass and may_repeat and self._counted <= self._options.max_retries
        is_in_time = self._clock.monotonic() + seconds < self.until
        asked = failure.retry_after if not is_in_time else None
        self.keep(failure, f"; the API asks to retry after {asked:.0f} s" if asked else "")
        return is_allowed and is_in_time

    def keep(self, failure: _Failure, note: str = "") -> None:
        """Keep a failed try, with how often and for how long the call was tried."""
        times = len(self.tries) + 1
        tried = f" (tried {times} times in {self.seconds:.0f} s)" if times > 1 else ""
        reason = errors.one_line(failure.reason) + tried + note
        error = failure.kind(self.call.operation, reason, status=failure.status, advice=failure.advice)
        self.tries.append(Refused(error) if failure.is_certain else Lost(error))


class Sender:
    """Sends calls to one address. Safe for use by many threads.

    `notify` is called, once, when calls have to wait for a rate limit.
    """

    def __init__(
        self, base_url: str, keys: ApiKeys, options: ClientOptions, notify: Callable[[str], object], clock: Clock
    ) -> None:
        self._base_url = base_url
        self._keys = keys
        self._options = options
        self._notify = notify
        self._has_notified = Lock()
        self._clock = clock
        self._limiter = Limiter(options.max_concurrency, options.rate_limit_patience, clock)
        self._session = _open_session(base_url, options.max_concurrency)
        self._environment = self._session.merge_environment_settings(base_url, {}, True, None, None)
        self._api_clock: tuple[datetime, float] | None = None

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()

    def api_time(self) -> datetime | None:
        """Return the time by the API's clock; None before its first response."""
        if self._api_clock is None:
            return None
        date, heard_at = self._api_clock
        return date + timedelta(seconds=self._clock.monotonic() - heard_at)

    def send(self, call: ApiCall[_Value], key: KeyInUse) -> Outcome[_Value]:
        """Send the call, again where that is allowed, and return its outcome.

        Raises Interrupted only before the first try. An interrupt after it ends the call with the tries so far.
        """
        attempts = _Attempts(call, self._options, self._clock)
        try:
            self._clock.check()
            while (seconds := self._one_try(attempts, key)) is not None:
                self._sleep(seconds)
        except Interrupted:
            if not attempts.tries:
                raise
        return Outcome(tuple(attempts.tries))

    def _one_try(self, attempts: _Attempts[_Value], key: KeyInUse) -> float | None:
        """Send the call once. Return the seconds to sleep before the next try; None where the call has ended."""
        call, signed_with = attempts.call, key.current
        with self._limiter.slot(call.lane, returning=bool(attempts.tries), until=attempts.until) as has_turn:
            if not has_turn:
                return None
            self._clock.check()
            sent_at = attempts.begin()
            try:
                attempts.tries.append(Answered(self._exchange(call, signed_with, len(attempts.tries) + 1)))
            except _Failure as error:
                failure = error
            else:
                self._limiter.succeeded(call.lane)
                return None
            # The limiter hears of a 429 before another call gets this one's slot.
            seconds = self._heard(call.lane, failure, sent_at, len(attempts.tries))
        if failure.kind is errors.InvalidApiKey and key.goes_over(signed_with):
            attempts.keep(failure)
            return 0.0
        if not attempts.count(failure, sent_at, seconds):
            return None
        if failure.kind is errors.RateLimited:
            self._notify_once(attempts.seconds + seconds, call.method)
            # The limiter keeps the lane closed meanwhile, for all calls.
            return 0.0
        return seconds

    def _heard(self, lane: Lane, failure: _Failure, sent_at: float, so_far: int) -> float:
        if failure.kind is errors.RateLimited:
            return self._limiter.turned_away(lane, failure.retry_after, sent_at)
        if failure.status not in {None, requests.codes.too_many_requests}:
            self._limiter.succeeded(lane)
        return failure.retry_after or pause(so_far)

    def _sleep(self, seconds: float) -> None:
        if seconds:
            began = self._clock.monotonic()
            self._clock.sleep(seconds)
            _LOGGER.debug("wait", extra={"reason": "retry", "seconds": round(self._clock.monotonic() - began, 4)})

    def _notify_once(self, seconds: float, method: str) -> None:
        if seconds > _SILENT_SECONDS and self._has_notified.acquire(blocking=False):
            limit = self._options.retry_limit if method == "GET" else self._options.rate_limit_patience
            unit, size = ("minute", 60) if limit >= 120 else ("second", 1)
            shown = counted(limit / size, unit, shown=f"{limit / size:g}")
            self._notify(f"rate limited (HTTP 429); retrying for up to {shown}")

    # A single try

    def _exchange(self, call: ApiCall[_Value], key: str, attempt: int) -> _Value:
        """Send one request and return what `read` makes of the response. Raises _Failure."""
        began = self._clock.monotonic()

        def log(**ended: Any) -> None:
            # Only the path, and only the kind of an error: a query can hold tags, and the text of an error the address
            # of a proxy with its password.
            path = urlsplit(self._base_url).path + call.path
            seconds = round(self._clock.monotonic() - began, 4)
            about = {"method": call.method, "path": path, "attempt": attempt}
            _LOGGER.debug("request", extra={**about, **ended, "seconds": seconds})

        try:
            response = self._open(call, key)
        except (OSError, HTTPError, ValueError) as error:
            failure = _without_response(error)
            if failure.kind is not errors.NotSent:
                log(error=type(_cause(error)).__name__)
            raise failure from None
        with response:
            # Before its body is read: a response that breaks off later is a response to this try all the same.
            log(status=response.status_code)
            if (date := _moment(response.headers.get("Date", ""))) is not None:
                self._api_clock = (date, self._clock.monotonic())
            try:
                text = response.content.decode("utf-8-sig", errors="replace")
            except (OSError, HTTPError) as error:
                raise _Failure(errors.NoAnswer, _broke_off(error), may_pass=True) from None
        return self._value(call, response, text)

    def _open(self, call: ApiCall[_Value], key: str) -> requests.Response:
        # Not by `Session.request`, which works out proxies and certificates anew (a fifth of all Python calls), and
        # takes credentials from .netrc. On a redirect the API's own header would go along to any host.
        request = requests.PreparedRequest()
        request.prepare(
            method=call.method,
            url=self._base_url + call.path,
            headers={**self._session.headers, _HEADER: key},
            params=call.query,
            json=call.body,
            cookies=self._session.cookies,
        )
        timeout = self._allowed(self._options.connect_timeout), self._allowed(self._options.request_timeout)
        return self._session.send(request, timeout=timeout, allow_redirects=False, **self._environment)

    @staticmethod
    def _allowed(seconds: float) -> float:
        # No time at all is an error to `requests`.
        return max(_SHORTEST_TIMEOUT, min(seconds, seconds_allowed()))

    def _value(self, call: ApiCall[_Value], response: requests.Response, text: str) -> _Value:
        status = response.status_code
        body = {} if status == requests.codes.no_content else _json(text)
        if not 200 <= status < 300:
            failure = _refusal(call.method, status, self._hide(call, _message(body)))
            failure.retry_after = _retry_after(response, self._clock)
            raise failure
        try:
            return call.read(body)
        except Garbled as error:
            reason = f"the response (HTTP {status}) has missing or invalid fields: {error}"
            raise _Failure(errors.UnexpectedAnswer, reason, status) from None
        except (ValueError, TypeError, KeyError):
            reason = f"the response (HTTP {status}) is not the API's JSON"
            raise _Failure(errors.UnexpectedAnswer, reason, status, may_pass=True) from None

    def _hide(self, call: ApiCall[_Value], message: str | None) -> str | None:
        if message is None:
            return None
        for secret in call.hidden:
            message = message.replace(secret, "[secret]")
        return self._keys.redact(message)


# What a response says


def _json(text: str) -> Any:
    """The text as JSON; None for any other text. Lone surrogates are replaced: no output can be encoded with them."""
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


def _message(body: Any) -> str | None:
    """The API's own words in an error; empty where it gives only a code; None where something else responded."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not (isinstance(error.get("code"), int) or error.get("message")):
        return None
    return str(error.get("message") or "")


def _refusal(method: str, status: int, message: str | None) -> _Failure:
    said = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    kind = _REFUSALS.get(status)
    if kind is None:
        kind = errors.ServerError if status >= 500 else errors.UnexpectedAnswer
        return _Failure(kind, said, status, may_pass=status in _PASSING)
    if message is None:
        foreign = f"HTTP {status} from something other than the AnchorBrowser API (a proxy or gateway?)"
        return _Failure(errors.UnexpectedAnswer, foreign, status, may_pass=True)
    limit = _plan_limit(status, message)
    # What stops browsers is retried for as long as it takes, whatever a 429 says.
    if kind is errors.RateLimited and limit and method == "POST":
        kind = errors.PlanLimit
    advice = _ADVICE_ON_LIMIT.format(limit) if kind in {errors.PlanLimit, errors.Forbidden} and limit else None
    return _Failure(kind, said, status, is_certain=True, may_pass=kind is errors.RateLimited, advice=advice)


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


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _retry_after(response: requests.Response, clock: Clock) -> float | None:
    """The wait that the response asks for; None where it asks for none, or in no way that makes sense."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER)
    if (moment := _moment(text)) is None:
        return None
    # By the server's own date, where it gives one: this machine's clock may be wrong.
    now = _moment(response.headers.get("Date", "")) or clock.now()
    return max(0.0, (moment - now).total_seconds())


# Why there is no response, and whether the API can have seen the request


def _without_response(error: Exception) -> _Failure:
    cause = _cause(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return _Failure(errors.NotConnected, "the proxy could not be used", is_certain=True, may_pass=True)
    if isinstance(error, requests.ConnectTimeout):
        return _Failure(errors.NotConnected, "no connection within the time limit", is_certain=True, may_pass=True)
    if isinstance(cause, NewConnectionError):
        # Its text begins with the connection's repr.
        why = str(cause).partition(": ")[2]
        return _Failure(errors.NotConnected, f"no connection ({why})", is_certain=True, may_pass=True)
    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        return _Failure(errors.NoAnswer, _broke_off(error), may_pass=True)
    # Everything else is raised while the request is put together: a URL, a value, a file of certificates. The URL of a
    # proxy may be among it.
    why = re.sub(r"//[^@\s]*@", "//", str(error))
    return _Failure(errors.NotSent, f"the request cannot be sent ({why})", is_certain=True)


def _cause(error: Exception) -> Exception:
    """What urllib3 says of it."""
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    return cause.reason or cause if isinstance(cause, MaxRetryError) else cause


def _broke_off(error: Exception) -> str:
    cause = _cause(error)
    if isinstance(cause, ReadTimeoutError):
        return "no response within the time limit"
    return f"the connection broke before the whole response arrived ({type(cause).__name__})"


# The connections


class _Connection(HTTPSConnection):
    """A connection on which every failure before the first byte of a request is a NewConnectionError.

    urllib3 reports a TLS handshake that was reset, or that timed out, like a request whose response was lost.
    """

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and shake hands."""
        try:
            super().connect()
        except (OSError, HTTPException, SSLError) as error:
            raise NewConnectionError(self, f"TLS handshake failed: {error}") from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    """Single tries only, on the connections above."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools for direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools for connections through this proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": HTTPConnectionPool, "https": _Pool}


def _open_session(base_url: str, pool_size: int) -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": f"pulumi-anchorbrowser/{__version__}", "Accept": "application/json"})
    if is_loopback(base_url):
        # A proxy of the environment has no business on this machine; a file of certificates has.
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    adapter = _Adapter(pool_connections=2, pool_maxsize=pool_size)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
