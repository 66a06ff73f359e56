"""Where the API is, and whether a key can be sent there."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit


def check_base_url(url: str) -> str:
    """The base URL without a trailing slash. Raises ValueError where a key sent there could be read by others."""
    if "@" in url:
        raise ValueError("a base URL has no user and password")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_possible_port(parts):
        raise ValueError(f"{url!r} is not an http(s) URL")
    if parts.query or parts.fragment:
        raise ValueError("a base URL has no query or fragment")
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
