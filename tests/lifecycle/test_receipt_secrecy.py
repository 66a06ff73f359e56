"""No secret is ever in a byte of the receipts, nor what opens a browser, whatever the API responds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api.canned import Answer, Canned, Received
from lifecycle.one_batch import ID, KEY, OTHER_ID, record
from lifecycle.recorded_runs import Run, Runs

from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.simulator import Fault

PASSWORD, METADATA = "proxy-password-5d1c9e7a", "metadata-b7e2f4"
PROXY = {
    "active": True,
    "type": "custom",
    "server": "http://proxy.example.com:3128",
    "username": "someone-at-the-proxy",
    "password": PASSWORD,
}
CONFIGURATION = {"session": {"proxy": PROXY}}
SECRETS = (KEY, PASSWORD, METADATA, "proxy.example.com", "someone-at-the-proxy", "ws://", "wss://")


def written(place: Path) -> bytes:
    """Return every byte of the store and of the files beside it."""
    files = list(place.parent.glob(f"{place.name}*"))
    assert place in files
    return b"".join(file.read_bytes() for file in files)


def secrets_in(place: Path, *more: str) -> list[str]:
    content = written(place)
    return [secret for secret in (*SECRETS, *more) if secret.encode() in content]


LIVES: list[tuple[str, dict[str, Any] | None]] = [
    ("cancel", None),
    ("cancel", {"kind": "status", "status": 503, "method": "PATCH", "times": None}),
    ("delete", {"kind": "reset_after", "method": "DELETE"}),
    ("end_sessions", {"kind": "status", "status": 403, "path": "/v1/sessions/*"}),
    ("end_sessions", {"kind": "reset_after", "path": "/v1/sessions/*"}),
    ("delete", {"kind": "garbled", "method": "DELETE"}),
]


def test_whole_lives_leave_no_secret_in_any_file_of_the_store(runs: Runs) -> None:
    runs.sim.settings.creation_seconds = 0
    run, urls = runs.another(), set[str]()
    for number, (operation, fault) in enumerate(LIVES):
        started = run.start(configuration=CONFIGURATION, metadata={"job": METADATA}, claim=f"claim-{number}")
        for session in run.client.get_batch(started.known_id).sessions or ():
            urls |= {url.get_secret_value() for url in (session.cdp_url, session.live_view_url) if url}
        if fault is not None:
            runs.sim.faults.add(Fault(**fault))
        errors: list[str] = []
        try:
            run.stop(operation, started)
        except ExpectedError as error:
            errors.append(str(error))
        assert not [secret for secret in (*SECRETS, *urls) if secret in str(errors)]
        runs.sim.faults.clear()
        # SQLite's own -wal file is read while it is in use.
        assert secrets_in(runs.place, *urls) == []
    assert len(urls) == 2 * 5 * len(LIVES)
    assert list(runs.place.parent.glob(f"{runs.place.name}-wal"))
    run.receipts.close()
    assert secrets_in(runs.place, *urls) == []
    assert len(runs.receipts("create")) == len(LIVES)


def refusing(status: int, what: Callable[[Received], str]) -> Callable[[Received], Answer]:
    """Return what answers each request with an error that quotes a part of the request."""
    return lambda request: Answer.error(status, f"refused, for {what(request)}")


def key_of(request: Received) -> str:
    return request.headers["anchor-api-key"]


def password_of(request: Received) -> str:
    return str(json.loads(request.body)["configuration"]["session"]["proxy"]["password"]) if request.body else "a look"


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("operation", ["create", "cancel", "delete"])
def test_an_api_that_quotes_the_key_puts_it_into_no_receipt_and_no_error(
    tmp_path: Path, operation: str, status: int
) -> None:
    place = tmp_path / "receipts.sqlite3"
    with Canned(refusing(status, key_of)) as server:
        run = Run(server.url, place)
        with pytest.raises(ExpectedError) as caught:
            run.do(operation, None if operation == "create" else record())
    assert b"refused, for [key]" in written(place)
    assert KEY.encode() not in written(place)
    assert KEY not in str(caught.value)


def test_an_api_that_quotes_the_key_at_the_end_of_a_session_puts_it_into_no_receipt_and_no_error(
    tmp_path: Path,
) -> None:
    def answer(request: Received) -> Answer:
        if request.method != "GET":
            return Answer.error(403, f"refused, for {key_of(request)}")
        sessions = [{"session_id": OTHER_ID, "status": "completed"}]
        return Answer.data(
            {"batch_id": ID, "status": "completed", "total_requests": 1, "completed_requests": 1, "sessions": sessions}
        )

    place = tmp_path / "receipts.sqlite3"
    with Canned(answer) as server, pytest.raises(ExpectedError) as caught:
        Run(server.url, place).stop("end_sessions", record())
    assert b"refused, for [key]" in written(place)
    for text in (written(place).decode(errors="replace"), str(caught.value)):
        assert KEY not in text


@pytest.mark.parametrize("status", [400, 500])
def test_an_api_that_quotes_the_password_puts_it_into_no_receipt_and_no_error(tmp_path: Path, status: int) -> None:
    place = tmp_path / "receipts.sqlite3"
    with Canned(refusing(status, password_of)) as server:
        run = Run(server.url, place)
        with pytest.raises(ExpectedError) as caught:
            run.start(configuration=CONFIGURATION)
    assert b"refused, for [secret]" in written(place)
    assert PASSWORD.encode() not in written(place)
    assert PASSWORD not in str(caught.value)
    assert not [text for text in (*run.told.warnings, *run.told.infos) if PASSWORD in text]
