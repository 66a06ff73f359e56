"""The key, kept out of every repr and message."""

from __future__ import annotations

import threading
from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import AuthBase

HEADER = "anchor-api-key"


class ApiKeys(AuthBase):
    """Signs requests with the configured key and, once the API has refused that one, with the fallback.

    A stack's recorded config can hold a key that has since been rotated, while the environment holds the new one.
    As requests' own `auth` it also keeps a `.netrc` from adding credentials of its own.
    """

    def __init__(self, configured: str, fallback: str | None = None, on_fallback: Callable[[], None] | None = None):
        self._current = configured
        self._fallback = fallback if fallback != configured else None
        self._on_fallback = on_fallback
        self._lock = threading.Lock()

    @property
    def current(self) -> str:
        """The key in use. Never print it."""
        return self._current

    def fall_back(self, refused: str) -> bool:
        """Go over to the fallback after `refused` was answered with 401; False where there is nothing to go over to."""
        with self._lock:
            if self._current != refused:
                return True
            if self._fallback is None:
                return False
            self._current, self._fallback = self._fallback, None
        if self._on_fallback:
            self._on_fallback()
        return True

    def redact(self, text: str) -> str:
        """The text without any of the keys, should a server echo one."""
        for key in filter(None, (self._current, self._fallback)):
            text = text.replace(key, "[key]")
        return text

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers[HEADER] = self._current
        return request

    def __repr__(self) -> str:
        return "ApiKeys(...)"
