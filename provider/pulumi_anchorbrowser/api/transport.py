"""One HTTP session for a whole process: pooled, timed, limited, without redirects, proxied except on loopback."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.api.addresses import check_base_url, is_loopback
from pulumi_anchorbrowser.api.credentials import ApiKeys
from pulumi_anchorbrowser.api.failures import transport_error
from pulumi_anchorbrowser.api.limiter import Lane, Limiter
from pulumi_anchorbrowser.api.retry import RetryPolicy
from pulumi_anchorbrowser.api.tries import log_try

# A call that is turned away for longer than that is told of, once: nobody should have to guess what is waited for.
_SILENT_SECONDS = 3.0


@dataclass(frozen=True)
class ClientOptions:
    """How the client behaves, in seconds.

    No try of a call begins later than `retry_limit` after its first, and there are at most `max_retries` more. After a
    429 it may be as late as `rate_limit_patience`; and what changes something is repeated then however often, unless
    `max_retries` is 0, since plans count by the minute. A GET is not: who reads may have a time limit of their own.
    """

    connect_timeout: float = 10.0
    request_timeout: float = 60.0
    max_retries: int = 5
    retry_limit: float = 90.0
    rate_limit_patience: float = 600.0
    max_concurrency: int = 64


@dataclass(frozen=True)
class Reply:
    """An answer, in words how often and how long it was asked for, and whether an earlier answer was lost."""

    response: requests.Response
    tried: str
    after_lost_answer: bool


class Transport:
    """Sends requests to one address. Safe for use by many threads."""

    def __init__(self, base_url: str, keys: ApiKeys, options: ClientOptions, tell: Callable[[str], object]) -> None:
        self.base_url = check_base_url(base_url)
        self._keys = keys
        self._options = options
        self.max_concurrency = options.max_concurrency
        self._tell = tell
        self._is_told = Lock()
        self._limiter = Limiter(options.max_concurrency, options.rate_limit_patience)
        adapter = RetryingAdapter(self.policy, pool_size=options.max_concurrency)
        self._session = _open_session(self.base_url, adapter)

    def policy(self) -> RetryPolicy:
        """A retry policy whose clock starts now."""
        return RetryPolicy(self._options.max_retries, limit_seconds=self._options.retry_limit)

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()

    def send(self, operation: str, method: str, path: str, **options: Any) -> Reply:
        """The API's answer, whatever its status. Raises ApiError where none came. A 429 is asked again, in its turn."""
        lane: Lane = "starting" if method == "POST" else "other"
        began, turned_away = math.inf, 0
        while True:
            with self._limiter.slot(lane, returning=turned_away > 0):
                sent_at = time.monotonic()
                # Not before: a call that waits for its first turn has not been refused anything.
                began = min(began, sent_at)
                response = self._try(operation, method, path, **options)
                # The limiter learns of it before another call takes this one's place.
                if response.status_code != requests.codes.too_many_requests:
                    self._limiter.succeeded(lane)
                    return _reply(response, turned_away, began)
                turned_away += 1
                pause = self._limiter.turned_away(lane, _retry_after(response), sent_at)
            patience = self._options.rate_limit_patience - (time.monotonic() - began)
            if pause > patience or not self._may_be_repeated(method, turned_away):
                return _reply(response, turned_away - 1, began, f"; it asks to wait {pause:.0f} s" if pause > 1 else "")
            if time.monotonic() - began + pause > _SILENT_SECONDS and self._is_told.acquire(blocking=False):
                minutes = self._options.rate_limit_patience / 60
                self._tell(
                    f"the API's limit is reached (HTTP 429): calls wait and are repeated, for up to {minutes:g} min"
                )

    def _may_be_repeated(self, method: str, turned_away: int) -> bool:
        most = self._options.max_retries
        return turned_away <= most if method == "GET" else most > 0

    def _try(self, operation: str, method: str, path: str, **options: Any) -> requests.Response:
        timeout = (self._options.connect_timeout, self._options.request_timeout)
        try:
            # A redirect would carry the key, which is not the `Authorization` that requests knows to drop, elsewhere.
            return self._session.request(
                method, self.base_url + path, auth=self._keys, timeout=timeout, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise transport_error(operation, error) from None


class RetryingAdapter(HTTPAdapter):
    """An adapter whose every request gets a retry policy, and so a time limit, of its own."""

    def __init__(self, policy: Callable[[], RetryPolicy], *, pool_size: int) -> None:
        self._policy = policy
        super().__init__(pool_connections=2, pool_maxsize=pool_size)

    # `requests` reads this attribute once for each request, and has no other place for a policy with a clock in it.
    @property
    def max_retries(self) -> Retry:
        """A policy that starts now."""
        return self._policy()

    @max_retries.setter
    def max_retries(self, value: Retry) -> None:
        """Ignored: the base class sets its default here."""


def _open_session(base_url: str, adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": f"pulumi-anchorbrowser/{__version__}", "Accept": "application/json"})
    # On this machine a proxy of the environment has no business.
    session.trust_env = not is_loopback(base_url)
    # Called as soon as the answer begins: one that breaks off later is an answer to this try all the same.
    session.hooks["response"].append(_log_answer)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _log_answer(response: requests.Response, *_: Any, **__: Any) -> None:
    policy = _policy(response)
    if policy is not None:
        log_try(response.request.method, response.request.url, policy.sent_at, status=response.status_code)


def _policy(response: requests.Response) -> RetryPolicy | None:
    retries = response.raw.retries
    return retries if isinstance(retries, RetryPolicy) else None


def _retry_after(response: requests.Response) -> float | None:
    policy = _policy(response)
    return policy.get_retry_after(response.raw) if policy else None


def _reply(response: requests.Response, turned_away: int, began: float, asked: str = "") -> Reply:
    policy = _policy(response)
    times = 1 + turned_away + (len(policy.history) if policy else 0)
    tried = f" (tried {times} times in {time.monotonic() - began:.0f} s)" if times > 1 else ""
    return Reply(response, tried + asked, policy is not None and policy.lost_an_answer)
