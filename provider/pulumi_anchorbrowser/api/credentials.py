"""The key, kept out of every repr and message."""

from __future__ import annotations

import threading
from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import AuthBase

HEADER = "anchor-api-key"


def check_key(key: str) -> str:
    """The key without space around it. Raises ValueError, without showing it, where it can be no key."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("it is not an API key: it is empty, or holds a space, a line break or a non-ASCII character")
    return key


class ApiKeys(AuthBase):
    """Signs requests with the configured key and, once the API has refused that one, with the fallback.

    A stack's recorded config can hold a key that has since been rotated, while the environment holds the new one.
    Raises ValueError on what can be no key. As requests' own `auth` it also keeps a `.netrc` from adding credentials.
    """

    def __init__(self, configured: str, fallback: str | None = None, on_fallback: Callable[[], None] | None = None):
        self._current = check_key(configured)
        fallback = check_key(fallback) if fallback else None
        self._fallback = fallback if fallback != self._current else None
        # Both for ever: a server may name the refused one long after.
        self._secrets = tuple(filter(None, (self._current, self._fallback)))
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
        for key in self._secrets:
            text = text.replace(key, "[key]")
        return text

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers[HEADER] = self._current
        return request

    def __repr__(self) -> str:
        return "ApiKeys(...)"
