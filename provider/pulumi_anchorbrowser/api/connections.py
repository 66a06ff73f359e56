"""Pooled connections that make single tries, and tell what was never sent from what may have been."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError, SSLError

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.api.account import is_loopback


class NeverSent(Exception):
    """Nothing was sent: the request, or what it was to be sent through, could not be prepared, because of `cause`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextmanager
def preparing() -> Iterator[None]:
    """Turn what the block raises into NeverSent. After any other failure of a try, something may have been sent."""
    try:
        yield
    except Exception as error:
        raise NeverSent(error) from error


class _Connection(HTTPSConnection):
    """A connection on which every failure before the first byte of a request is a NewConnectionError, or NeverSent.

    urllib3 reports a TLS handshake that was reset, or that timed out, like a request whose response was lost.
    """

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and shake hands."""
        try:
            super().connect()
        except (OSError, HTTPException, SSLError) as error:
            raise NewConnectionError(self, f"TLS handshake failed: {error}") from error
        except ValueError as error:
            # A host that can be none.
            raise NeverSent(error) from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    """Single tries only, on the connections above. What `send` does before it connects raises NeverSent."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools for direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools for connections through this proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection(self, *args: Any, **options: Any) -> Any:
        """Return the pool for a URL: called by requests before 2.32."""
        with preparing():
            return super().get_connection(*args, **options)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the pool for a request: called by requests since 2.32."""
        with preparing():
            return super().get_connection_with_tls_context(*args, **options)

    def cert_verify(self, *args: Any, **options: Any) -> None:
        """Set the certificates that a connection trusts."""
        with preparing():
            super().cert_verify(*args, **options)  # type: ignore[no-untyped-call]


_POOLS = {"http": HTTPConnectionPool, "https": _Pool}


def open_session(base_url: str, pool_size: int) -> requests.Session:
    """Return a session for this address: its headers, its cookies, its connections."""
    session = requests.Session()
    session.headers.update({"User-Agent": f"pulumi-anchorbrowser/{__version__}", "Accept": "application/json"})
    if is_loopback(base_url):
        # A proxy of the environment has no business on this machine; a file of certificates has.
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    adapter = _Adapter(pool_connections=2, pool_maxsize=pool_size)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
