"""What is repeated, by verb and outcome, on urllib3's own retry."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any

from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, ProtocolError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from pulumi_anchorbrowser.api.tries import log_try
from pulumi_anchorbrowser.logs import seconds_since

_LOGGER = logging.getLogger(__name__)
# A GET, PATCH or DELETE may be sent twice: the second one finds what the first has done, and says so.
_REPEATABLE = frozenset({"GET", "PATCH", "DELETE"})
_PASSING = frozenset({500, 502, 503, 504})


class RetryPolicy(Retry):
    """Repeats a connection never made for every verb, and passing failures for repeatable verbs only.

    A POST that may have been handled is never sent again: it could start a second batch. Waits grow by two with
    jitter and honour `Retry-After`. No try begins later than `limit_seconds` after the first one. A 429 is not for
    one call to repeat: see `limiter`.
    """

    def __init__(self, total: int, *, limit_seconds: float, started: float | None = None, **options: Any) -> None:
        self.limit_seconds = limit_seconds
        self.sent_at = time.monotonic()
        self.started = self.sent_at if started is None else started
        options.setdefault("allowed_methods", _REPEATABLE)
        options.setdefault("backoff_factor", 0.25)
        options.setdefault("backoff_jitter", 0.25)
        options.setdefault("backoff_max", 20)
        options.setdefault("redirect", 0)
        # Neither a failed connection nor a lost answer: urllib3 would repeat it for any verb, a POST included.
        options.setdefault("other", 0)
        options.setdefault("raise_on_status", False)
        options.setdefault("raise_on_redirect", False)
        super().__init__(total, **options)

    def new(self, **changes: Any) -> RetryPolicy:
        """The policy for the next try, under the same time limit."""
        return super().new(**{"limit_seconds": self.limit_seconds, "started": self.started, **changes})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: ARG002
        """Whether an answer of this status is asked for again."""
        if not self.total or not self._seconds_left():
            return False
        return status_code in _PASSING and method.upper() in _REPEATABLE

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> RetryPolicy:
        """The policy for the next try; raises once tries or time are used up, telling how many there were."""
        # Without a pool there was no request: see `after_broken_answer`.
        if _pool is not None:
            ended = {"status": response.status} if response is not None else {"error": type(error).__name__}
            log_try(method, url, self.sent_at, **ended)
        tried = self.tried(len(self.history) + 1)
        try:
            following = super().increment(method, url, response, error, _pool, _stacktrace)
        except MaxRetryError as exhausted:
            exhausted.tried = tried  # type: ignore[attr-defined]
            raise
        if error is not None and not self._seconds_left():
            late = MaxRetryError(_pool, url or "", error)  # type: ignore[arg-type]
            late.tried = tried  # type: ignore[attr-defined]
            raise late from error
        return following

    def after_broken_answer(self, method: str) -> RetryPolicy | None:
        """The policy for the next try after an answer that broke off or made no sense; None where there is none."""
        try:
            return self.increment(method, error=ProtocolError("the answer broke off")) if self._seconds_left() else None
        except (MaxRetryError, ProtocolError):
            return None

    def get_retry_after(self, response: Any) -> float | None:
        """The server's own wait; None where there is none that can be understood."""
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait until the next try."""
        began = time.monotonic()
        super().sleep(response)
        self.sent_at = time.monotonic()
        _LOGGER.debug("wait", extra={"reason": "retry", "seconds": seconds_since(began)})

    def sleep_for_retry(self, response: Any) -> bool:
        """Wait as the server asks, but not beyond the time limit; False where it does not ask."""
        asked = self.get_retry_after(response)
        if asked:
            time.sleep(min(asked, self._seconds_left()))
        return bool(asked)

    def get_backoff_time(self) -> float:
        """Our wait, cut to what is left of the time limit."""
        return min(super().get_backoff_time(), self._seconds_left())

    def tried(self, times: int) -> str:
        """How often and how long, as a clause for an error; empty after a single try."""
        return f" (tried {times} times in {time.monotonic() - self.started:.0f} s)" if times > 1 else ""

    @property
    def lost_an_answer(self) -> bool:
        """Whether a try so far may have been handled without its answer reaching us."""
        return any(
            (try_.error is not None and not self._is_connection_error(try_.error)) or try_.status in _PASSING
            for try_ in self.history
        )

    def _seconds_left(self) -> float:
        return max(0.0, self.limit_seconds - (time.monotonic() - self.started))
