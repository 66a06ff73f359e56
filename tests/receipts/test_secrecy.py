"""No secret is ever in a receipt, nor what would open a browser; and what is there of the inputs tells nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api.canned import Answer, Canned, Received
from hypothesis import given, settings
from hypothesis import strategies as st
from lifecycle.kept import JSON, KEY, MovedClock, Told, inputs
from receipts.runs_support import Run, Runs
from receipts.store_support import rows

from pulumi_anchorbrowser.api import ApiError
from pulumi_anchorbrowser.lifecycle import LifecycleError
from pulumi_anchorbrowser.simulator import Fault, Simulator

PASSWORD, METADATA = "proxy-password-5d1c9e7a", "metadata-b7e2f4"
CONFIGURATION = {
    "session": {
        "proxy": {
            "active": True,
            "type": "custom",
            "server": "http://proxy.example.com:3128",
            "username": "someone",
            "password": PASSWORD,
        }
    }
}


def written(place: Path) -> bytes:
    """Every byte of the store and of the files beside it."""
    files = list(place.parent.glob(f"{place.name}*"))
    assert place in files
    return b"".join(file.read_bytes() for file in files)


def test_whole_lives_leave_no_secret_in_any_file_of_the_store(runs: Runs, sim: Simulator) -> None:
    sim.settings.creation_seconds = 0
    run, addresses = runs.another(), set()
    lives: list[tuple[str, dict[str, Any] | None]] = [
        ("cancel", None),
        ("delete", {"kind": "reset_after", "method": "DELETE"}),
        ("end_sessions", {"kind": "status", "status": 403, "path": "/v1/sessions/*"}),
        ("delete", {"kind": "garbled", "method": "DELETE"}),
    ]
    for number, (operation, fault) in enumerate(lives):
        record = run.start(configuration=CONFIGURATION, metadata={"job": METADATA}, claim=f"claim-{number}")
        sessions = run.client.get_batch(record.known_id).sessions
        urls = [url for session in sessions for url in (session.cdp_url, session.live_view_url) if url]
        addresses |= {url.get_secret_value() for url in urls}
        if fault is not None:
            sim.faults.add(Fault(**fault))
        try:
            run.stop(operation, record)
        except (ApiError, LifecycleError):
            sim.faults.clear()
        # The -wal is looked at while it is in use.
        for secret in (KEY, PASSWORD, METADATA, "proxy.example.com", "someone", "ws://", "wss://", *addresses):
            assert secret.encode() not in written(runs.place)
    assert len(addresses) >= 20
    assert list(runs.place.parent.glob(f"{runs.place.name}-wal"))
    run.receipts.end_run(set())
    for secret in (KEY, PASSWORD, METADATA, *addresses):
        assert secret.encode() not in written(runs.place)


def echo(what: Callable[[Received], Any], status: int) -> Callable[[Received], Answer]:
    return lambda request: Answer.error(status, f"refused, for {what(request)}")


@pytest.mark.parametrize("status", [400, 403, 500])
def test_an_api_that_repeats_the_key_in_its_refusal_puts_it_in_no_receipt(tmp_path: Path, status: int) -> None:
    with Canned(echo(lambda request: request.headers["anchor-api-key"], status)) as server:
        run = Run(server.url, tmp_path / "receipts.sqlite3")
        with pytest.raises((ApiError, LifecycleError)):
            run.start(configuration=CONFIGURATION)
    assert b"refused, for [key]" in written(tmp_path / "receipts.sqlite3")
    assert KEY.encode() not in written(tmp_path / "receipts.sqlite3")


@pytest.mark.parametrize("status", [400, 500])
def test_an_api_that_repeats_the_password_in_its_refusal_puts_it_in_no_receipt(tmp_path: Path, status: int) -> None:
    def password_of(request: Received) -> Any:
        return json.loads(request.body)["configuration"]["session"]["proxy"]["password"] if request.body else "nothing"

    with Canned(echo(password_of, status)) as server:
        run = Run(server.url, tmp_path / "receipts.sqlite3")
        with pytest.raises((ApiError, LifecycleError)) as caught:
            run.start(configuration=CONFIGURATION)
    assert b"refused, for" in written(tmp_path / "receipts.sqlite3")
    assert PASSWORD.encode() not in written(tmp_path / "receipts.sqlite3")
    assert PASSWORD not in str(caught.value)


# The fingerprint of the inputs


def fingerprint(runs: Runs, **given: Any) -> str:
    """The fingerprint in the receipt of a create with these inputs."""
    run = runs.another()
    record = run.keeper.create(inputs(**given), Told())
    run.receipts.end_run({record.known_id})
    found = rows(runs.place)[-1]["fingerprint"]
    assert isinstance(found, str)
    return found


def test_equal_inputs_have_the_same_fingerprint_in_whatever_order_they_were_written(runs: Runs) -> None:
    session = CONFIGURATION["session"]
    backwards = {"session": {"proxy": dict(reversed(session["proxy"].items()))}}
    one = fingerprint(runs, configuration=CONFIGURATION, metadata={"a": 1, "b": [1, {"c": None}]})
    assert fingerprint(runs, configuration=backwards, metadata={"b": [1, {"c": None}], "a": 1}) == one
    # What is no part of the POST plays no part.
    same = {"configuration": backwards, "metadata": {"b": [1, {"c": None}], "a": 1}}
    assert fingerprint(runs, **same, on_destroy="cancel", if_completed="fail", on_missing="recreate") == one


def test_other_inputs_have_another_fingerprint(runs: Runs) -> None:
    other_password = json.loads(json.dumps(CONFIGURATION).replace(PASSWORD, "another"))
    given: list[dict[str, Any]] = [
        {},
        {"count": 6},
        {"metadata": {}},
        {"metadata": {"a": 1}},
        {"metadata": {"a": "1"}},
        {"metadata": {"a": [1]}},
        {"configuration": {}},
        {"configuration": CONFIGURATION},
        {"configuration": other_password},
        {"configuration": CONFIGURATION, "metadata": {"a": 1}},
    ]
    found = [fingerprint(runs, **one) for one in given]
    assert len(set(found)) == len(given)
    assert not any(PASSWORD in one for one in found)


def test_without_its_claim_a_fingerprint_cannot_be_computed(runs: Runs) -> None:
    found = {fingerprint(runs, configuration=CONFIGURATION, claim=f"claim-{number}") for number in range(3)}
    assert len(found) == 3


@given(one=st.dictionaries(st.text(max_size=5), JSON, max_size=3), other=st.dictionaries(st.text(max_size=5), JSON))
@settings(max_examples=15, deadline=None)
def test_fingerprints_are_equal_where_the_inputs_are_and_nowhere_else(one: Any, other: Any) -> None:
    def found(metadata: dict[str, Any]) -> str:
        receipts = Seen()
        run = Run("http://127.0.0.1:1", None)
        run.keeper = type(run.keeper)(run.client, receipts, clock=MovedClock(), settle_timeout=0)  # type: ignore[arg-type]
        with pytest.raises(ApiError):
            run.start(metadata=metadata)
        assert receipts.fingerprint is not None
        return receipts.fingerprint

    def text(metadata: dict[str, Any]) -> str:
        return json.dumps(metadata, sort_keys=True)

    assert found(one) == found(json.loads(text(one)))
    assert (found(one) == found(other)) is (text(one) == text(other))


class Seen:
    """Receipts of which only the fingerprint of a create is kept."""

    enabled = True
    fingerprint: str | None = None

    def intend(self, _: str, subject: Any) -> int:
        self.fingerprint = subject.fingerprint
        return 1

    def close(self, *_: Any, **__: Any) -> None:
        pass

    def unsettled_creates(self, *_: Any) -> list[Any]:
        return []
