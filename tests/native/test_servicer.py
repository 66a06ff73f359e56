"""The plugin's answers to single requests of the engine: checks, differences, previews, errors."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from native.served import UNKNOWN, Served, plain, serving
from pulumi.runtime.proto import provider_pb2, status_pb2
from scenarios.one_stack import KEY, MISSING_ID
from stages import standing_api
from stages.base import SIGNATURE

from pulumi_anchorbrowser.native import kinds
from pulumi_anchorbrowser.native.resources import _text_of
from pulumi_anchorbrowser.simulator import Fault, Simulator

PASSWORD = "a-password-of-the-proxy"
WHOLE: dict[str, Any] = {
    "count": 3,
    "configuration": {
        "session": {
            "tags": ["nightly"],
            "timeout": {"maxDuration": 20},
            "proxy": {"active": True, "type": "custom", "server": "http://p:1", "username": "u", "password": PASSWORD},
        },
        "browser": {"viewport": {"width": 800, "height": 600}},
        "integrations": [{"id": "one", "type": "1PASSWORD", "configuration": {"some_key": "value"}}],
    },
    "metadata": {"some_key": [1, {"inner": True}]},
    "status": "active",
    "onDestroy": "delete",
    "ifCompleted": "accept",
    "onMissing": "keep",
}

WAIT: dict[str, Any] = {"batchId": MISSING_ID, "minReady": 1, "timeout": "5m", "retryFailed": 1, "recordSessions": True}
CLEANUP: dict[str, Any] = {
    "select": {"tags": ["nightly"], "statuses": ["completed"], "olderThan": "1h", "batchIds": [MISSING_ID]},
    "exclude": {"tags": ["kept"]},
    "action": "cancel",
    "when": "both",
    "limit": 5,
    "dryRun": False,
    "triggers": ["first", {"inner": 1}],
    "allowAll": False,
    "onFailure": "warn",
}


def positions(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every position in nested properties."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from positions(item, (*path, step))


EVERYWHERE = [
    (kind, whole, path)
    for kind, whole in (("Batch", WHOLE), ("BatchReady", WAIT), ("BatchCleanup", CLEANUP))
    for path in positions(whole)
]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API."""
    with standing_api({KEY: "our-team"}) as running:
        yield running


@pytest.fixture
def served(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A configured provider, whose stack has no state."""
    state = tmp_path / "state.json"
    state.write_text('{"deployment": {}}')
    monkeypatch.setenv("ANCHORBROWSER_STATE_FILE", str(state))
    monkeypatch.setenv("ANCHORBROWSER_RECEIPTS", str(tmp_path / "receipts.sqlite3"))
    with serving() as one:
        one.configure({"apiKey": KEY, "baseUrl": sim.url, "settleTimeout": "1", "maxRetries": "1"})
        yield one


def left_in_the_state(error: Any) -> Any:
    """What the engine saves of a create that failed; None where that is nothing."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details is None:
        return None
    left = provider_pb2.ErrorResourceInitFailed()
    assert status_pb2.Status.FromString(details).details[0].Unpack(left)
    return left


def with_unknown(whole: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """All inputs, with one value that is not known yet."""
    inputs = copy.deepcopy(whole)
    holder: Any = inputs
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = UNKNOWN
    return inputs


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """The value at a position; a secret is opened."""
    for step in path:
        value = value[step]
        if isinstance(value, dict) and "value" in value and len(value) == 2:
            value = value["value"]
    return value


@pytest.mark.parametrize(
    ("kind", "whole", "path"), EVERYWHERE, ids=[".".join(map(str, (kind, *path))) for kind, _, path in EVERYWHERE]
)
def test_a_value_that_is_not_known_yet_passes_and_is_kept_in_every_position(
    served: Served, sim: Simulator, kind: str, whole: dict[str, Any], path: tuple[Any, ...]
) -> None:
    inputs = served.inputs(with_unknown(whole, path), kind)
    assert at(inputs, path) == UNKNOWN
    created = plain(served.create(inputs, kind, preview=True).properties)
    assert at(created, path) == UNKNOWN
    known = {**served.inputs(whole, kind), "batchId": MISSING_ID, "liveStatus": "pending"}
    assert served.diff(MISSING_ID, known, inputs, kind).changes == provider_pb2.DiffResponse.DIFF_SOME
    assert at(served.preview_of_update(MISSING_ID, known, inputs, kind), path) == UNKNOWN
    assert [request.method for request in sim.requests if request.method != "GET"] == []


def test_a_preview_knows_the_inputs_and_that_nothing_is_adopted(served: Served) -> None:
    outputs = served.create(served.inputs(WHOLE), preview=True).properties
    assert outputs["count"] == 3
    assert outputs["onDestroy"] == "delete"
    assert outputs["adopted"] is False
    assert outputs["liveStatus"] == UNKNOWN


def test_a_preview_of_a_wait_on_another_batch_is_a_replacement_whose_results_are_not_known(served: Served) -> None:
    wait = served.inputs({"batchId": MISSING_ID}, "BatchReady")
    known = {**wait, "liveStatus": "completed", "completedRequests": 2}
    news = served.inputs({"batchId": UNKNOWN}, "BatchReady")
    assert list(served.diff(MISSING_ID, known, news, "BatchReady").replaces) == ["batchId"]
    outputs = served.preview_of_update(MISSING_ID, known, news, "BatchReady")
    assert (outputs["liveStatus"], outputs["completedRequests"]) == (UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("given", "text"), [(1_000_000, "1000000"), (64.0, "64"), (100000.5, "100000.5"), (0.2, "0.2"), ("30", "30")]
)
def test_a_number_of_a_provider_is_the_same_number_as_text(given: Any, text: str) -> None:
    assert _text_of(given) == text


def test_a_preview_of_an_adoption_knows_the_batch(served: Served) -> None:
    outputs = served.create(served.inputs({"batchId": MISSING_ID}), preview=True).properties
    assert (outputs["batchId"], outputs["adopted"]) == (MISSING_ID, True)


@pytest.mark.parametrize(
    ("wrong", "path", "said"),
    [
        ({"count": 0}, "count", "must be greater than or equal to 1 (got 0)"),
        ({"count": 1, "batchId": MISSING_ID}, "batchId", "give either count or batchId, not both"),
        ({"count": 1, "onDestroy": "stop"}, "onDestroy", "must be 'delete'"),
        (
            {"count": 1, "configuration": {"session": {"timeout": {"maxDurration": 1}}}},
            "configuration.session.timeout.maxDurration",
            "there is no property 'maxDurration'; did you mean 'maxDuration'?",
        ),
        (
            {"count": 1, "configuration": {"session": {"timeout": {"maxDuration": "long"}}}},
            "configuration.session.timeout.maxDuration",
            "must be",
        ),
        (
            {"count": 1, "configuration": {"session": {"tags": ["nightly", "pulumi"]}}},
            "configuration.session.tags[1]",
            "'pulumi' is reserved",
        ),
        (
            {"count": 1, "configuration": {"browser": {"captchaSolver": {"active": True}}}},
            "configuration.browser.captchaSolver.active",
            "the captcha solver needs an active proxy",
        ),
    ],
)
def test_a_wrong_input_is_named_by_its_path_in_the_program(
    served: Served, wrong: dict[str, Any], path: str, said: str
) -> None:
    failures = served.failures(wrong)
    assert list(failures) == [path]
    assert said in failures[path]


def test_a_missing_source_is_refused(served: Served) -> None:
    assert served.failures({"onMissing": "keep"}) == {
        "count": "give either count (start a new batch) or batchId (adopt an existing one)"
    }


@pytest.mark.parametrize(("kind", "wrong"), [("BatchReady", {"batchId": "x", "minReady": 0}), ("BatchCleanup", {})])
def test_the_other_resources_are_checked_too(served: Served, kind: str, wrong: dict[str, Any]) -> None:
    assert served.failures(wrong, kind)


def test_a_plain_password_is_marked_as_a_secret(served: Served) -> None:
    inputs = served.inputs(WHOLE)
    password = inputs["configuration"]["session"]["proxy"]["password"]
    assert password["value"] == PASSWORD
    created = served.create(served.inputs({**WHOLE}), preview=True).properties
    assert created["configuration"]["session"]["proxy"]["password"]["value"] == PASSWORD


def test_the_sessions_of_a_wait_are_one_secret_with_the_names_of_programs(served: Served) -> None:
    batch = served.create(served.inputs({"count": 2})).id
    wait = served.inputs({"batchId": batch, "recordSessions": True}, "BatchReady")
    sessions = plain(served.create(wait, "BatchReady").properties)["sessions"]
    assert set(sessions) == {SIGNATURE, "value"}
    for session in sessions["value"]:
        assert session["sessionId"]
        assert not [name for name in session if "_" in name]


def test_a_misspelt_setting_of_a_provider_is_a_failure(served: Served) -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:dev::demo::pulumi:providers:anchorbrowser::ours")
    request.news.update({"basUrl": "http://127.0.0.1:1"})
    [failure] = served.stub.CheckConfig(request).failures
    assert "did you mean 'anchorbrowser:baseUrl'?" in failure.reason


def test_a_setting_that_does_not_exist_gets_a_warning(
    served: Served, sim: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pulumi_anchorbrowser.engine._LOGGER.propagate", True)
    caplog.set_level("DEBUG", "pulumi_anchorbrowser")
    served.configure({"token": KEY, "version": "0.1.0", "baseUrl": sim.url})
    [warning] = [one.text for one in caplog.records if one.getMessage() == "notice"]  # type: ignore[attr-defined]
    assert warning.startswith("there is no setting 'anchorbrowser:token', so it has no effect")
    assert KEY not in warning


def test_a_malformed_key_of_today_does_not_spoil_that_of_the_last_up(
    served: Served, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"apiKey": "two words"}))
    served.configure({"apiKey": KEY, "baseUrl": sim.url})
    made = served.create(served.inputs({"count": 1}))
    urn = "urn:pulumi:dev::demo::anchorbrowser:index:Batch::browsers"
    served.stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=urn, properties=made.properties))
    assert sim.live_sessions() == []


def test_an_unusable_setting_of_a_provider_is_a_failure(served: Served) -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:dev::demo::pulumi:providers:anchorbrowser::ours")
    request.news.update({"baseUrl": "ftp://example.invalid", "apiKey": KEY})
    response = served.stub.CheckConfig(request)
    assert "baseUrl cannot be used" in response.failures[0].reason
    assert response.inputs["apiKey"]["value"] == KEY


@pytest.mark.parametrize("name", ["apiKey", "baseUrl", "maxRetries"])
def test_a_setting_that_is_not_known_yet_is_no_failure(served: Served, name: str) -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:dev::demo::pulumi:providers:anchorbrowser::ours")
    request.news.update({name: UNKNOWN})
    assert not served.stub.CheckConfig(request).failures


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("default", "the key from the stack config: set a valid key with `pulumi config set --secret"),
        ("other-account", "the key from the provider other-account: set a valid apiKey there, then run again."),
    ],
)
def test_a_refused_key_is_named_with_the_provider_that_has_it(
    served: Served, sim: Simulator, name: str, text: str
) -> None:
    served.configure({"apiKey": "sk-wrong", "baseUrl": sim.url, "maxRetries": "0"}, name)
    with pytest.raises(grpc.RpcError) as raised:
        served.create(served.inputs(WHOLE))
    assert text in raised.value.details()
    assert "sk-wrong" not in raised.value.details()


def test_an_unexpected_error_is_one_line_without_the_values_and_its_traceback_is_logged(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pulumi_anchorbrowser.native.servicer._LOGGER.propagate", True)
    caplog.set_level("DEBUG", "pulumi_anchorbrowser")
    with pytest.raises(grpc.RpcError) as raised:
        # An engine sends no such inputs: a check has refused them.
        served.create({"count": "three", "configuration": PASSWORD})
    said = raised.value.details()
    assert "\n" not in said
    assert said.startswith("Unexpected error in the provider (ValidationError: ")
    [event] = [record for record in caplog.records if record.getMessage() == "unexpected_error"]
    assert "kinds.py" in event.trace  # type: ignore[attr-defined]
    assert PASSWORD not in said + event.trace  # type: ignore[attr-defined]


def test_a_type_that_this_version_does_not_have_is_named(served: Served) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        served.check({}, kind="Session")
    assert "Session" in raised.value.details()
    assert "Batch" in raised.value.details()
    assert "Unexpected" not in raised.value.details()


def test_every_resource_of_the_schema_is_served() -> None:
    assert set(kinds.KINDS) == {"Batch", "BatchReady", "BatchCleanup"}


def test_a_cancel_ends_a_wait_and_every_later_request(served: Served, sim: Simulator) -> None:
    sim.faults.add(Fault("status", method="POST", status=429, retry_after=100, times=None))
    inputs = served.inputs({"count": 1})
    served.stub.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError, match="Interrupted") as raised:
        served.create(inputs)
    assert left_in_the_state(raised.value) is None
    assert sim.requests == []


def test_a_create_whose_time_is_over_before_it_was_sent_starts_nothing(served: Served, sim: Simulator) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        served.create(served.inputs({"count": 1}), timeout=1e-9)
    assert "The time that customTimeouts allows is over" in raised.value.details()
    assert left_in_the_state(raised.value) is None
    assert sim.requests_of("POST") == []


def test_a_request_in_flight_ends_with_the_time_that_is_allowed(served: Served, sim: Simulator) -> None:
    sim.faults.add(Fault("no_reply", method="POST"))
    with pytest.raises(grpc.RpcError) as raised:
        served.create(served.inputs({"count": 1}), timeout=1)
    assert "The time that customTimeouts allows is over" in raised.value.details()
    left = left_in_the_state(raised.value)
    assert left.properties["liveStatus"] == "unknown"
    assert len(sim.batches) == 1


def test_a_search_for_a_started_batch_that_is_interrupted_leaves_the_claim_in_the_state(
    served: Served, sim: Simulator
) -> None:
    sim.settings.sessions_listed_after = 1000
    sim.faults.add(Fault("reset_after", method="POST"))
    sim.faults.add(Fault(method="GET", nth=2, before=lambda _: served.servicer.interrupt()))
    inputs = served.inputs({"count": 1, "configuration": {"session": WHOLE["configuration"]["session"]}})
    with pytest.raises(grpc.RpcError, match="Interrupted") as raised:
        served.create(inputs)
    left = left_in_the_state(raised.value)
    assert left is not None
    assert left.id == f"unknown-{inputs['claim']}"
    assert left.properties["liveStatus"] == "unknown"
    assert left.properties["configuration"]["session"]["proxy"]["password"]["value"] == PASSWORD
    assert len(sim.requests_of("POST")) == len(sim.batches) == 1


def test_numbers_arrive_as_they_were_written(served: Served, sim: Simulator) -> None:
    metadata = {"whole": 5, "part": 0.5, "large": 2**53, "negative": -3, "text": "5", "yes": True, "list": [1, 2.5]}
    created = served.create(served.inputs({"count": 1, "metadata": metadata}))
    [body] = [request.body for request in sim.requests_of("POST")]
    assert body["metadata"] == metadata
    assert created.id in sim.batches
