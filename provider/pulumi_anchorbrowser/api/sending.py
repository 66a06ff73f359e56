"""One call to the API, from its first try to its last: slots, tries, time limits, waits, and how each try ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
from requests.cookies import extract_cookies_to_jar

from pulumi_anchorbrowser.api import errors
from pulumi_anchorbrowser.api.account import ApiKeys, KeyInUse
from pulumi_anchorbrowser.api.connections import NeverSent, open_session, preparing
from pulumi_anchorbrowser.api.failures import (
    Failure,
    broken_off,
    cause_of,
    json_in,
    message_in,
    moment_in,
    never_sent,
    refusal,
    retry_after,
    without_response,
)
from pulumi_anchorbrowser.api.limiter import Lane, Limiter, pause
from pulumi_anchorbrowser.api.outcome import Answered, Lost, Outcome, Refused
from pulumi_anchorbrowser.clock import Clock, Interrupted, seconds_allowed
from pulumi_anchorbrowser.words import counted

_LOGGER = logging.getLogger(__name__)
_Value = TypeVar("_Value")
_HEADER = "anchor-api-key"
# A second GET, PATCH or DELETE finds what the first one has done. A second POST could start a second batch.
_REPEATABLE = frozenset({"GET", "PATCH", "DELETE"})
# A shorter wait for a rate limit is not worth a message.
_SILENT_SECONDS = 3.0
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

    def count(self, failure: Failure, sent_at: float, seconds: float) -> bool:
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

    def keep(self, failure: Failure, note: str = "") -> None:
        """Keep a failed try, with how often and for how long the call was tried."""
        times = len(self.tries) + 1
        tried = f" (tried {times} times in {self.seconds:.0f} s)" if times > 1 else ""
        reason = errors.shortened(failure.reason) + tried + note
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
        self._session = open_session(base_url, options.max_concurrency)
        self._environment: dict[str, Any] = {**self._session.merge_environment_settings(base_url, {}, True, None, None)}
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
            except Failure as error:
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

    def _heard(self, lane: Lane, failure: Failure, sent_at: float, so_far: int) -> float:
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
        """Send one request and return what `read` makes of the response. Raises Failure."""
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
        except NeverSent as error:
            raise never_sent(error.cause, self._base_url) from None
        except Exception as error:  # noqa: BLE001  # whatever it is: the API may have acted
            log(error=type(cause_of(error)).__name__)
            raise without_response(error) from None
        with response:
            # Before its body is read: a response that breaks off later is a response to this try all the same.
            log(status=response.status_code)
            if (date := moment_in(response.headers.get("Date", ""))) is not None:
                self._api_clock = (date, self._clock.monotonic())
            try:
                text = self._keys.redact_body(response.content.decode("utf-8-sig", errors="replace"))
            except Exception as error:  # noqa: BLE001  # whatever it is: the API has responded
                raise broken_off(error) from None
        return self._value(call, response, text)

    def _open(self, call: ApiCall[_Value], key: str) -> requests.Response:
        # Not by `Session.request`, which works out proxies and certificates anew (a fifth of all Python calls), and
        # takes credentials from .netrc. Not by `Session.send` either, which fails on the address of a redirect, though
        # it is to follow none: the API's own header would go along to any host.
        request = requests.PreparedRequest()
        with preparing():
            request.prepare(
                method=call.method,
                url=self._base_url + call.path,
                headers={**self._session.headers, _HEADER: key},
                params=call.query,
                json=call.body,
                cookies=self._session.cookies,
            )
            adapter = self._session.get_adapter(str(request.url))
        timeout = self._allowed(self._options.connect_timeout), self._allowed(self._options.request_timeout)
        response = adapter.send(request, timeout=timeout, **self._environment)
        extract_cookies_to_jar(self._session.cookies, request, response.raw)  # type: ignore[no-untyped-call]
        return response

    @staticmethod
    def _allowed(seconds: float) -> float:
        # No time at all is an error to `requests`.
        return max(_SHORTEST_TIMEOUT, min(seconds, seconds_allowed()))

    def _value(self, call: ApiCall[_Value], response: requests.Response, text: str) -> _Value:
        status = response.status_code
        body = {} if status == requests.codes.no_content else json_in(text)
        if not 200 <= status < 300:
            failure = refusal(call.method, status, self._hide(call, message_in(body)))
            failure.retry_after = retry_after(response, self._clock)
            raise failure
        try:
            return call.read(body)
        except Garbled as error:
            reason = f"the response (HTTP {status}) has missing or invalid fields: {error}"
            raise Failure(errors.UnexpectedAnswer, reason, status) from None
        except (ValueError, TypeError, KeyError):
            reason = f"the response (HTTP {status}) is not the API's JSON"
            raise Failure(errors.UnexpectedAnswer, reason, status, may_pass=True) from None

    def _hide(self, call: ApiCall[_Value], message: str | None) -> str | None:
        if message is None:
            return None
        for secret in call.hidden:
            # Also as it stands in the JSON that was sent, which a message may quote.
            for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
                message = message.replace(form, "[secret]")
        return self._keys.redact(message)
