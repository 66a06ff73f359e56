"""Where the API is, which key opens it, and which account a batch was created with, without showing a key."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import SplitResult, urlsplit

_DIGEST_CHARACTERS = 32
_SHORTEST_IN_BODIES = 8
GONE_OVER = (
    "The API refused the configured key (HTTP 401); using the key of today: in ANCHORBROWSER_API_KEY, or for the "
    "native plugin in the stack config. A destroy or a refresh uses the stack config of the last `pulumi up`, whose "
    "key may have been rotated since."
)


def check_base_url(url: str) -> str:
    """Return the base URL without a trailing slash. Raises ValueError where others could read a key sent there."""
    if "@" in url:
        raise ValueError("a base URL must not contain a user or a password")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_possible_port(parts):
        raise ValueError(f"must be an http or https URL (got {url!r})")
    if parts.query or parts.fragment:
        raise ValueError("a base URL must not contain a query or a fragment")
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


def check_key(key: str) -> str:
    """Return the key without surrounding space. Raises ValueError, without showing it, where it cannot be a key."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("an API key must not be empty, or contain a space, a line break or a non-ASCII character")
    return key


@dataclass(frozen=True)
class ApiKeys:
    """The configured key, and the environment's as a fallback for calls that may use it: see `Client.second_key`.

    A stack's recorded config can hold a key that has since been rotated, while the environment holds the new one.
    Raises ValueError for what cannot be a key.
    """

    configured: str = field(repr=False)
    fallback: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # A frozen dataclass leaves no other way to keep the cleaned values.
        object.__setattr__(self, "configured", check_key(self.configured))
        object.__setattr__(self, "fallback", check_key(self.fallback) if self.fallback else None)

    def redact(self, text: str) -> str:
        """Return the text without any of the keys: a server may echo one, even one that is no longer in use."""
        for key in filter(None, (self.configured, self.fallback)):
            text = text.replace(key, "[key]")
        return text

    def redact_body(self, text: str) -> str:
        """Return a whole response without any of the keys, but for one so short that it is part of other words."""
        keys = (self.configured, self.fallback)
        is_long = all(len(key) >= _SHORTEST_IN_BODIES for key in keys if key)
        return self.redact(text) if is_long else text


class KeyInUse:
    """The key that one client signs with. With a `fallback`, a 401 makes it go over to that one, once."""

    def __init__(self, key: str, fallback: str | None = None, notify: Callable[[str], object] = lambda _: None) -> None:
        self.current = key
        self._fallback = fallback if fallback != key else None
        self._notify = notify
        self._lock = Lock()
        self.has_gone_over = False

    def goes_over(self, refused: str) -> bool:
        """Whether another key is now in use than the one that the API `refused`."""
        with self._lock:
            if self.current != refused:
                return True
            if self._fallback is None:
                return False
            self.current, self._fallback, self.has_gone_over = self._fallback, None, True
        self._notify(GONE_OVER)
        return True

    def __repr__(self) -> str:
        return "KeyInUse(...)"


@dataclass(frozen=True)
class Account:
    """A base URL and a salted fingerprint of a key: enough to notice another key, too little to learn this one.

    Written as `<base URL>#<salt>:<fingerprint>`.
    """

    base_url: str
    salt: str
    fingerprint: str

    @classmethod
    def of(cls, base_url: str, key: str, salt: str | None = None) -> Account:
        """Return the account that this key opens at this address; with a new random salt unless one is given."""
        salt = salt or secrets.token_hex(8)
        digest = hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
        return cls(base_url, salt, digest)

    @classmethod
    def parse(cls, text: str) -> Account:
        """Return the account written by `str()`. Raises ValueError for any other text."""
        base_url, _, rest = text.rpartition("#")
        salt, _, fingerprint = rest.partition(":")
        if not (base_url and salt and fingerprint):
            raise ValueError(f"not an account: {text!r}")
        return cls(base_url, salt, fingerprint)

    def is_opened_by(self, base_url: str, key: str) -> bool:
        """Whether this very key, at this very address, made the account's fingerprint."""
        return self == Account.of(base_url, key, self.salt)

    def __str__(self) -> str:
        return f"{self.base_url}#{self.salt}:{self.fingerprint}"
