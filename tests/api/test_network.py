"""Proxies, redirects, netrc and certificates: what stands between the client and the API."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests.utils
from api.calls import ID, lost, refused
from api.canned import Answer, Canned, Tunnel

from pulumi_anchorbrowser.api import Client, NoAnswer, NotConnected, NotSent, UnexpectedAnswer
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-a-8c1f"
HOST = "api.anchor.invalid"
PAGE = {"batches": [], "pagination": {"has_next": False}}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_redirect_is_followed(connect: Callable[..., Client], status: int, method: str) -> None:
    """The key stands in a header that `requests` would take along to any host."""
    calls: dict[str, Callable[[Client], object]] = {
        "GET": lambda client: client.get_batch(ID),
        "POST": lambda client: client.create_batch(1).value(),
        "DELETE": lambda client: client.delete_batch(ID).value(),
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
        error = refused(connect(f"https://{HOST}").create_batch(1))
    assert [(request.method, request.path) for request in proxy.requests] == [("CONNECT", f"{HOST}:443")]
    assert KEY not in str(proxy.requests[0].headers)
    assert isinstance(error, NotConnected)
    assert error.reason == "the proxy could not be used"


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
         "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )
    # fmt: on
    return file


def server_tls(certificate: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    return tls


@pytest.fixture
def remote(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    with Canned(Answer.data(PAGE), server_tls(certificate)) as server, Tunnel(server.port) as tunnel:
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
    error = refused(connect(remote.url).create_batch(1))
    assert isinstance(error, NotConnected)
    assert "certificate verify failed" in str(error)
    assert remote.server.requests == []


def test_a_lost_response_behind_a_proxy_is_not_taken_for_no_connection(
    certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API may have acted on what came through the tunnel."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    cut_short = Answer(200, b"{}", {"Content-Length": "1000", "Connection": "close"})
    with Canned(cut_short, server_tls(certificate)) as server, Tunnel(server.port) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        outcome = connect(f"https://{HOST}", max_retries=3).create_batch(1)
    assert isinstance(lost(outcome), NoAnswer)
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_connection_that_ends_before_the_response_behind_a_proxy_is_not_taken_for_no_connection(
    certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """To urllib3 this is a failure of the proxy: a create would be sent again, and start a second batch."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))

    def end(_: object) -> Answer:
        raise ConnectionResetError if how == "reset" else ConnectionAbortedError

    with Canned(end, server_tls(certificate)) as server, Tunnel(server.port) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        client = connect(f"https://{HOST}", max_retries=1)
        created, deleted = client.create_batch(1), client.delete_batch(ID)
    assert isinstance(lost(created), NoAnswer)
    assert len(created.tries) == 1
    assert deleted.was_lost
    assert [request.method for request in server.requests] == ["POST", "DELETE", "DELETE"]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_https_on_loopback_trusts_the_environments_certificates_and_uses_no_proxy(
    certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with Canned(Answer.data(PAGE), server_tls(certificate)) as server, Canned(Answer(502)) as proxy:
        url = f"https://127.0.0.1:{server.port}"
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert isinstance(refused(connect(url).create_batch(1)), NotConnected)
        monkeypatch.setenv(variable, str(certificate.with_suffix(".crt")))
        assert connect(url).list_batches().batches == ()
        assert len(server.requests) == 1
        assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", HOST])
def test_a_file_of_certificates_that_does_not_exist_is_one_line_and_nothing_is_sent(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    outcome = connect(f"https://{host}:1", max_retries=3).create_batch(1)
    error = refused(outcome)
    assert isinstance(error, NotSent)
    assert "none.pem" in str(error)
    assert "\n" not in str(error)
    assert len(outcome.tries) == 1


def test_a_file_without_certificates_is_one_line_and_nothing_is_sent(
    certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Canned(Answer.data(PAGE), server_tls(certificate)) as server:
        error = refused(connect(f"https://127.0.0.1:{server.port}").create_batch(1))
        assert server.requests == []
    assert isinstance(error, (NotSent, NotConnected))
    assert "\n" not in str(error)


def test_a_server_that_speaks_no_tls_has_been_sent_nothing(sim: Simulator, connect: Callable[..., Client]) -> None:
    outcome = connect(sim.url.replace("http:", "https:"), max_retries=1).create_batch(1)
    assert isinstance(refused(outcome), NotConnected)
    assert "TLS handshake failed" in str(outcome.error)
    assert len(outcome.tries) == 2
    assert sim.requests == []


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["closed", "reset"])
def test_a_connection_that_ends_during_the_handshake_has_been_sent_nothing(
    connect: Callable[..., Client], linger: bytes | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:

        def end_one() -> None:
            caller, _ = listener.accept()
            caller.recv(1)
            if linger:
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            caller.close()

        ended = pool.submit(end_one)
        error = refused(connect(f"https://127.0.0.1:{listener.getsockname()[1]}").create_batch(1))
        ended.result(timeout=10)
    assert isinstance(error, NotConnected)


def test_a_handshake_that_takes_too_long_has_been_sent_nothing(connect: Callable[..., Client]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        error = refused(connect(url, connect_timeout=0.3).create_batch(1))
    assert isinstance(error, NotConnected)


def test_a_connection_that_breaks_after_the_handshake_is_a_lost_response(
    certificate: Path, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:

        def break_one() -> bytes:
            caller, _ = listener.accept()
            with server_tls(certificate).wrap_socket(caller, server_side=True) as secure:
                head = secure.recv(65536)
                # Bytes that are no TLS, as from a broken line.
                socket.socket(fileno=os.dup(secure.fileno())).sendall(b"\x00" * 64)
                return head

        broken = pool.submit(break_one)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert isinstance(lost(connect(url).create_batch(1)), NoAnswer)
        assert broken.result(timeout=10).startswith(b"POST ")
