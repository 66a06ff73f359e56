"""A key may be sent over https, or to this machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_anchorbrowser.api import Client
from pulumi_anchorbrowser.simulator import Simulator


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anchorbrowser.io",
        "https://proxy.example.com:8443/anchor",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:8080",
        "http://localhost:8080",
        "HTTP://LOCALHOST:8080",
    ],
)
def test_https_and_loopback_are_accepted(connect: Callable[..., Client], url: str) -> None:
    assert connect(url + "/").base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.anchorbrowser.io",
        "http://10.0.0.1",
        "http://0.0.0.0:80",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://[::2]",
    ],
)
def test_plain_http_to_another_machine_is_refused(connect: Callable[..., Client], url: str) -> None:
    with pytest.raises(ValueError, match="use https"):
        connect(url)


@pytest.mark.parametrize(
    "url", ["", "api.anchorbrowser.io", "ftp://host", "file:///etc/passwd", "https://", "//host", "127.0.0.1:80"]
)
def test_any_other_text_is_refused(connect: Callable[..., Client], url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pass@host",
        "https://user@host",
        "http://user:pass@127.0.0.1",
        "https://host/?key=x",
        "https://host#x",
        "http://127.0.0.1\\@example.com",
    ],
)
def test_user_password_query_and_fragment_are_refused(connect: Callable[..., Client], url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        connect(url)


@pytest.mark.parametrize("url", ["https://me:hunter2@host", "me:hunter2@host", "ftp://me:hunter2@host"])
def test_a_password_in_a_refused_url_is_not_in_the_error(connect: Callable[..., Client], url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:abc", "https://host:99999", "https://host:-1"])
def test_an_impossible_port_is_refused(connect: Callable[..., Client], url: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)port|URL"):
        connect(url)


def test_the_base_urls_path_stands_before_the_apis_own(sim: Simulator, connect: Callable[..., Client]) -> None:
    with pytest.raises(Exception, match="404"):
        connect(f"{sim.url}/gateway/").list_batches()
    assert sim.requests[0].path == "/gateway/v1/batch-sessions"
