"""What the API refuses, by name; each error has its HTTP status and its headers."""

from __future__ import annotations

import math


class ErrorResponse(Exception):
    """A response other than 200; rendered as `{"error": {"code", "message"}}`."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.headers: dict[str, str] = {}


class InvalidRequest(ErrorResponse):
    """The request itself is wrong, whatever the state."""

    status = 400


class UnknownField(InvalidRequest):
    def __init__(self, names: list[str]) -> None:
        super().__init__(f"Unknown fields: {', '.join(names)}")


class CaptchaSolverNeedsProxy(InvalidRequest):
    def __init__(self) -> None:
        super().__init__("captcha_solver needs an active proxy in configuration.session.proxy")


class NothingToRetry(InvalidRequest):
    def __init__(self, batch_id: str) -> None:
        super().__init__(f"Batch {batch_id} has no failed session to retry")


class UnknownKey(ErrorResponse):
    status = 401

    def __init__(self) -> None:
        super().__init__("The anchor-api-key header is missing or is no known key")


class NotEnoughCredits(ErrorResponse):
    """402, or 403 where a cost limit is what the team has reached."""

    def __init__(self, needed: float, left: float, status: int) -> None:
        cause = "" if status == 402 else "The cost limit of the team is reached: "
        super().__init__(f"{cause}The batch needs {needed:g} credits and {left:g} are left")
        self.status = status


class UnknownBatch(ErrorResponse):
    status = 404

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"This team has no batch {batch_id}")


class UnknownSession(ErrorResponse):
    status = 404

    def __init__(self, session_id: str) -> None:
        super().__init__(f"This team has no session {session_id}")


class NotCancellable(ErrorResponse):
    status = 409

    def __init__(self, batch_id: str, status: str) -> None:
        super().__init__(f"Batch {batch_id} is {status} and cannot be cancelled")


class QuotaExceeded(ErrorResponse):
    status = 429

    def __init__(self, allowed: int, window: float, wait: float | None) -> None:
        super().__init__(f"Rate limit exceeded: more than {allowed} batches in {window:g} seconds")
        if wait is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(wait)))


class TooManyBrowsers(ErrorResponse):
    status = 429

    def __init__(self, allowed: int, running: int, wanted: int) -> None:
        super().__init__(
            f"Limit of concurrent browsers reached: the plan allows {allowed}, {running} are running, "
            f"{wanted} more were requested"
        )
