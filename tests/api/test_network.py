"""Proxies, redirects, netrc and certificates: what stands between the client and the API."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests.utils
from api.canned import Answer, Canned, Tunnel

from pulumi_anchorbrowser.api import Client, NoAnswer, NotConnected, UnexpectedAnswer
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-a-8c1f"
ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
HOST = "api.anchor.invalid"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_redirect_is_followed(connect: Callable[..., Client], status: int, method: str) -> None:
    """The key stands in a header that `requests` would take along to any host."""
    calls: dict[str, Callable[[Client], object]] = {
        "GET": lambda client: client.get_batch(ID),
        "POST": lambda client: client.create_batch(1),
        "DELETE": lambda client: client.delete_batch(ID),
    }
    with Canned(Answer.data({})) as elsewhere:
        moved = Answer(status, b"", {"Location": f"{elsewhere.url}/v1/batch-sessions"})
        with Canned(moved) as server, pytest.raises(UnexpectedAnswer, match=f"HTTP {status}"):
            calls[method](connect(server.url, max_retries=2))
        assert [request.method for request in server.requests] == [method]
        assert elsewhere.requests == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_of_the_environment_is_not_used_on_loopback(
    sim: Simulator, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    with Canned(Answer(502)) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        url = sim.url.replace("127.0.0.1", host)
        assert connect(url).list_batches().batches == ()
        assert len(sim.requests) == 1
        assert proxy.requests == []


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
def test_a_proxy_of_the_environment_is_used_for_any_other_host(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with Canned(Answer(403)) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        with pytest.raises(NotConnected, match="proxy") as caught:
            connect(f"https://{HOST}").create_batch(1)
    assert [(request.method, request.path) for request in proxy.requests] == [("CONNECT", f"{HOST}:443")]
    assert KEY not in str(proxy.requests[0].headers)
    assert caught.value.nothing_done


def test_no_proxy_is_honoured(connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    with Canned(Answer(403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", HOST)
        with pytest.raises(NotConnected):
            connect(f"https://{HOST}").list_batches()
        assert proxy.requests == []


class Remote:
    """A host that is not this machine: real TLS under a name of its own, reached through a proxy."""

    def __init__(self, server: Canned, tunnel: Tunnel) -> None:
        self.server = server
        self.tunnel = tunnel
        self.url = f"https://{HOST}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    # fmt: off
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(file), "-out", str(file.with_suffix(".crt")), "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}"],
        check=True, capture_output=True,
    )
    # fmt: on
    return file


@pytest.fixture
def remote(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    page = {"batches": [], "pagination": {"has_next": False}}
    with Canned(Answer.data(page), tls) as server, Tunnel(server.port) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        yield Remote(server, tunnel)


def test_through_a_proxy_the_key_is_seen_by_the_api_alone(
    remote: Remote, certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    assert connect(remote.url).list_batches().batches == ()
    assert remote.tunnel.connected_to == [f"{HOST}:443"]
    assert KEY not in remote.tunnel.heads[0]
    assert remote.server.requests[0].headers["anchor-api-key"] == KEY


def test_netrc_adds_no_credentials_of_its_own(
    remote: Remote,
    certificate: Path,
    connect: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login someone password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(remote.url) == ("someone", "from-netrc")  # requests would use it
    connect(remote.url).list_batches()
    (request,) = remote.server.requests
    assert "authorization" not in request.headers
    assert base64.b64encode(b"someone:from-netrc").decode() not in str(request.headers)
    assert request.headers["anchor-api-key"] == KEY


def test_a_certificate_that_is_not_trusted_is_no_connection_and_gets_no_key(
    remote: Remote, connect: Callable[..., Client]
) -> None:
    with pytest.raises(NotConnected, match="certificate") as caught:
        connect(remote.url).create_batch(1)
    assert caught.value.nothing_done
    assert remote.server.requests == []


def test_an_answer_lost_behind_a_proxy_is_not_taken_for_no_connection(
    certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API may have acted on what came through the tunnel."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    cut_short = Answer(200, b"{}", {"Content-Length": "1000", "Connection": "close"})
    with Canned(cut_short, tls) as server, Tunnel(server.port) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        with pytest.raises(NoAnswer) as caught:
            connect(f"https://{HOST}", max_retries=3).create_batch(1)
    assert not caught.value.nothing_done
    assert len(server.requests) == 1
