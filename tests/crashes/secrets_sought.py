"""The key, a proxy's password and the URLs that open a session, sought in what a run leaves behind and prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from scenarios.one_stack import KEY, OTHER_KEY

RENEWED_KEY = "sk-key-of-our-team-renewed"
PASSWORD = "a-password-of-the-proxy"
# A proxy of the user's own: the API wants its password, and nobody else is to see it.
PROXY = {"active": True, "type": "custom", "server": "http://proxy.invalid:1", "username": "me", "password": PASSWORD}
_SECRETS = (KEY, OTHER_KEY, RENEWED_KEY, PASSWORD)
# Of a session only its URLs are secret; its id is named in errors.
_SESSION_URL = re.compile(rb"(?:wss?|https?)://[^\s\"']*simulator\.invalid")


def secrets_in(content: bytes) -> list[str]:
    """The secrets that it holds."""
    urls = [found.decode() for found in _SESSION_URL.findall(content)]
    return [secret for secret in _SECRETS if secret.encode() in content] + urls


def nothing_secret_in(folder: Path) -> int:
    """Asserts that no receipt, and nothing that an `up`, a `refresh` or a `destroy` printed, holds a secret.

    How many files were looked at.
    """
    paths = [path for path in _left_behind(folder) if path.exists()]
    told = [(path.name, found) for path in paths if (found := secrets_in(path.read_bytes()))]
    assert told == [], told
    return len(paths)


def _left_behind(folder: Path) -> Iterator[Path]:
    # The file itself, and SQLite's -wal and -shm beside it.
    yield from folder.glob("receipts*")
    # `pulumi stack output --show-secrets` prints secrets because it was asked to; a run has an event log beside it.
    for events in folder.glob("engine-stage/*.events"):
        yield events
        yield events.with_suffix(".txt")
