"""Which account a batch was made in, without telling the key."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

_DIGEST_CHARACTERS = 32


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
        """The account that this key opens at this address; a new random salt unless one is given."""
        salt = salt or secrets.token_hex(8)
        digest = hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
        return cls(base_url, salt, digest)

    @classmethod
    def parse(cls, text: str) -> Account:
        """The account written by `str()`. Raises ValueError on any other text."""
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
