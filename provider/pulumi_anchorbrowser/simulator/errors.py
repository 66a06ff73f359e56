"""What the API refuses, by name; each error carries its HTTP status and its headers."""

from __future__ import annotations

import math
from typing import ClassVar


class ApiError(Exception):
    """An answer other than 200; rendered as `{"error": {"code", "message"}}`."""

    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.headers: dict[str, str] = {}


class InvalidRequest(ApiError):
    """The request itself is wrong, whatever the state."""

    status = 400


class CaptchaSolverNeedsProxy(InvalidRequest):
    def __init__(self) -> None:
        super().__init__("captcha_solver needs an active proxy in configuration.session.proxy")


class NothingToRetry(InvalidRequest):
    def __init__(self, batch_id: str) -> None:
        super().__init__(f"Batch {batch_id} has no failed session to retry")


class UnknownKey(ApiError):
    status = 401

    def __init__(self) -> None:
        super().__init__("The anchor-api-key header is missing or holds no known key")


class NotEnoughCredits(ApiError):
    status = 402

    def __init__(self, needed: float, left: float) -> None:
        super().__init__(f"The batch needs {needed:g} credits and {left:g} are left")


class UnknownBatch(ApiError):
    status = 404

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"This team has no batch {batch_id}")


class UnknownSession(ApiError):
    status = 404

    def __init__(self, session_id: str) -> None:
        super().__init__(f"This team has no session {session_id}")


class NotCancellable(ApiError):
    status = 409

    def __init__(self, batch_id: str, status: str) -> None:
        super().__init__(f"Batch {batch_id} is {status} and cannot be cancelled")


class QuotaExceeded(ApiError):
    status = 429

    def __init__(self, allowed: int, window: float, wait: float | None) -> None:
        super().__init__(f"More than {allowed} batches in {window:g} seconds")
        if wait is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(wait)))
