"""Our providers in the real host: expected errors are one line, and values arrive as the program gave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dynamic.grumpy import GrumpyProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.rpc import UNKNOWN

from pulumi_anchorbrowser.dynamic.host import received
from pulumi_anchorbrowser.dynamic.providers import BatchProvider, BatchReadyProvider
from pulumi_anchorbrowser.lifecycle.tags import run_mark_of
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.rehearsal import HostError, ProviderHost
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-team-a"
CLAIM = "0198f0c2d0800aaaaaaaaaaa"
ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
URN = "urn:pulumi:dev::shop::pulumi-python:anchorbrowser:Batch::crawl"
Hosts = Callable[..., ProviderHost]


def inputs(**given: Any) -> dict[str, Any]:
    return {"count": 3, "owner": "acme/shop/dev", "claim": CLAIM, **given}


def messages(host: ProviderHost, severity: str, urn: str = URN) -> list[str]:
    """What the host has logged on the row of a resource."""
    return [line.message for line in host.engine.lines() if line.severity == severity and line.urn == urn]


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(HostError) as caught:
        call()
    return caught.value.details


# Errors


def test_a_refusal_of_the_api_is_one_line(sim: Simulator, host: ProviderHost) -> None:
    sim.settings.credits = 2
    assert failure(lambda: host.create(URN, inputs())) == (
        "AnchorBrowserError: Could not create a batch: HTTP 402: The batch needs 3 credits and 2 are left. "
        "Add credits, lower `count`, or end batches that you no longer need, then run again. "
        "Explained by `pulumi-anchorbrowser explain payment-required`."
    )


def test_an_error_of_the_lifecycle_is_one_line(host: ProviderHost) -> None:
    said = failure(lambda: host.create(URN, {**inputs(batch_id=ID), "count": None}))
    assert said.startswith(f"AnchorBrowserError: Could not adopt batch {ID}: the API does not know it")
    assert "\n" not in said


@pytest.mark.parametrize("call", ["update", "read", "delete"])
def test_the_error_of_every_operation_is_one_line(sim: Simulator, host: ProviderHost, call: str) -> None:
    created = host.create(URN, inputs())
    sim.rotate_key(KEY, "another")
    calls: dict[str, Callable[[], object]] = {
        "update": lambda: host.update(URN, created.id, created.outputs, inputs(status="cancelled")),
        "read": lambda: host.read(URN, created.id, created.outputs),
        "delete": lambda: host.delete(URN, created.id, created.outputs),
    }
    said = failure(calls[call])
    assert said.startswith("AnchorBrowserError: Could not ")
    assert "HTTP 401" in said
    assert "\n" not in said
    assert KEY not in said


def test_the_error_of_a_wait_is_one_line(start_host: Hosts) -> None:
    said = failure(lambda: start_host(BatchReadyProvider).create(URN, {"batch_id": ID}))
    assert said.startswith(f"AnchorBrowserError: Batch {ID} does not exist (HTTP 404)")
    assert "\n" not in said


def test_without_a_key_a_preview_works_and_an_up_says_how_to_set_one(start_host: Hosts) -> None:
    host = start_host(config={"anchorbrowser:apiKey": None})
    assert host.check(URN, {}, {"count": 3}).failures == []
    said = failure(lambda: host.create(URN, inputs()))
    assert said.startswith("AnchorBrowserError: There is no AnchorBrowser API key.")
    assert said.endswith("Explained by `pulumi-anchorbrowser explain no-api-key`.")
    assert "pulumi config set --secret anchorbrowser:apiKey" in said
    assert "\n" not in said


def test_a_wrong_setting_is_one_line(start_host: Hosts) -> None:
    def use() -> None:
        start_host(config={"anchorbrowser:maxRetries": "lots"}).check(URN, {}, {"count": 3})

    said = failure(use)
    assert said.startswith("AnchorBrowserError: stack config anchorbrowser:maxRetries cannot be used")
    assert "\n" not in said


def test_an_unexpected_error_of_ours_keeps_its_traceback(sim: Simulator, host: ProviderHost) -> None:
    """The state has a count that no version of ours has written."""
    said = failure(lambda: host.delete(URN, ID, {"count": "three"}))
    assert said.startswith("Traceback (most recent call last):")
    assert "binding/batch.py" in said
    assert "ValidationError" in said
    assert sim.requests == []


def test_other_peoples_providers_in_the_same_host_keep_their_tracebacks(sim: Simulator, start_host: Hosts) -> None:
    host = start_host(None)
    ours, theirs = serialize_provider(BatchProvider()), serialize_provider(GrumpyProvider())
    sim.settings.credits = 0
    assert "\n" not in failure(lambda: host.create(URN, {**inputs(), "__provider": ours}))
    said = failure(lambda: host.create(URN, {"__provider": theirs}))
    assert said.startswith("Traceback (most recent call last):")
    assert "grumpy.py" in said
    assert "RuntimeError: the kettle is empty" in said
    same_name = failure(lambda: host.create(URN, {"__provider": theirs, "same_name": True}))
    assert same_name.startswith("Traceback (most recent call last):")
    assert "\n" not in failure(lambda: host.create(URN, {**inputs(), "__provider": ours}))


@pytest.mark.parametrize("call", ["create", "update"])
def test_a_refused_key_of_the_stack_starts_and_changes_nothing_with_the_environments_key(
    sim: Simulator, start_host: Hosts, call: str
) -> None:
    made = start_host().create(URN, inputs())
    host = start_host(config={"anchorbrowser:apiKey": "rotated"}, env={"ANCHORBROWSER_API_KEY": KEY})
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: host.create(URN, inputs(claim="another")),
        "update": lambda: host.update(URN, made.id, made.outputs, inputs(status="cancelled")),
    }
    sim.clear_requests()
    assert "HTTP 401" in failure(calls[call])
    assert {request.status for request in sim.requests} == {401}
    assert len(sim.batches) == 1
    assert len(sim.live_sessions()) == 3


@pytest.mark.parametrize("call", ["read", "delete"])
def test_the_environments_key_serves_reads_and_deletes_after_a_401_with_one_warning(
    start_host: Hosts, call: str
) -> None:
    made = start_host().create(URN, inputs())
    host = start_host(config={"anchorbrowser:apiKey": "rotated"}, env={"ANCHORBROWSER_API_KEY": KEY})
    for _ in range(2):
        getattr(host, call)(URN, made.id, made.outputs)
    warnings = messages(host, "warning", urn="")
    assert len(warnings) == 1
    assert "ANCHORBROWSER_API_KEY" in warnings[0]
    assert KEY not in warnings[0]


def test_config_that_looks_like_a_setting_and_is_none_gets_one_warning_each(start_host: Hosts) -> None:
    unused = {"anchorbrowser:token": "sk-1", "project:apiKey": "sk-2", "anchorbrowser:apiKey": None}
    host = start_host(None, config=unused, env={"ANCHORBROWSER_API_KEY": KEY})
    for provider in (BatchProvider(), BatchReadyProvider()):
        host.check(URN, {}, {"count": 3, "batch_id": ID, "__provider": serialize_provider(provider)})
    warnings = messages(host, "warning", urn="")
    assert [one for one in warnings if "there is no setting 'anchorbrowser:token'" in one] == warnings[:1]
    assert [one for one in warnings if "the key in project:apiKey" in one] == warnings[1:]
    assert "sk-" not in str(warnings)


# The URN of a request


@pytest.mark.parametrize("urn", [URN, URN.replace("Batch::crawl", "Batch::other")])
def test_messages_are_on_the_row_of_the_resource_that_the_engine_names(host: ProviderHost, urn: str) -> None:
    made = host.create(urn, inputs())
    host.delete(urn, made.id, made.outputs)
    first, last = messages(host, "info", urn)
    assert first.startswith(f"started batch {made.id}")
    assert last.startswith(f"deleted batch {made.id}")


def test_no_urn_is_in_inputs_or_outputs(host: ProviderHost) -> None:
    checked = host.check(URN, {}, inputs())
    made = host.create(URN, checked.inputs)
    updated = host.update(URN, made.id, made.outputs, {**checked.inputs, "on_destroy": "cancel"})
    for properties in (checked.inputs, made.outputs, updated):
        assert URN not in str(properties)


def test_receipts_name_the_resource_of_the_request(host: ProviderHost, environment: dict[str, str | None]) -> None:
    made = host.create(URN, inputs())
    host.delete(URN, made.id, made.outputs)
    receipts = Receipts(Path(str(environment["PULUMI_HOME"])) / "anchorbrowser" / "receipts.sqlite3").all()
    assert [(one.operation, one.subject.urn, one.outcome) for one in receipts] == [
        ("create", URN, "done"),
        ("delete", URN, "done"),
    ]


# Values


def test_whole_numbers_arrive_at_the_api_as_whole_numbers(sim: Simulator, host: ProviderHost) -> None:
    """The engine knows only one kind of number."""
    configuration = {
        "session": {"timeout": {"max_duration": 20}},
        "browser": {"viewport": {"width": 800, "height": 600}},
    }
    checked = host.check(URN, {}, inputs(configuration=configuration, metadata={"run": 7, "ratio": 0.5, "list": [1]}))
    assert checked.failures == []
    host.create(URN, checked.inputs)
    (request,) = sim.requests
    body = request.body
    numbers = [body["count"], body["metadata"]["run"], body["metadata"]["list"][0]]
    numbers += [body["configuration"]["session"]["timeout"]["max_duration"]]
    assert numbers == [3, 7, 1, 20]
    assert all(type(number) is int for number in numbers)
    assert body["metadata"]["ratio"] == 0.5


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ({"a": 5.0}, {"a": 5}),
        ({"a": {"b": [1.0, {"c": -2.0}]}}, {"a": {"b": [1, {"c": -2}]}}),
        ({"a": 0.5, "b": True, "c": "5.0"}, {"a": 0.5, "b": True, "c": "5.0"}),
        ({"a": None, "__provider": "x", "b": {"c": None}}, {"b": {"c": None}}),
        ({"a": float("inf")}, {"a": float("inf")}),
    ],
)
def test_received_properties(sent: dict[str, Any], got: dict[str, Any]) -> None:
    found = received(sent)
    assert found == got
    assert repr(found) == repr(got)  # 5 == 5.0, and True == 1


def test_check_adds_the_defaults_that_a_preview_shows_and_a_claim_that_stays(
    preview: tuple[Simulator, ProviderHost],
) -> None:
    _, host = preview
    given = {"count": 3, "owner": "acme/shop/dev"}
    first = host.check(URN, {}, given).inputs
    assert first == {**given, "status": "active", "on_destroy": "delete", "claim": first["claim"]}
    assert host.check(URN, first, {**given, "count": 4}).inputs["claim"] == first["claim"]
    assert host.check(URN, {}, given).inputs["claim"] != first["claim"]


def test_the_claims_of_a_run_have_the_mark_of_its_engine(start_host: Hosts) -> None:
    one, other = start_host(), start_host()
    same_engine = start_host(engine=one.engine)
    marks = [run_mark_of(host.check(URN, {}, {"count": 3}).inputs["claim"]) for host in (one, same_engine, other)]
    assert marks[0] == marks[1] != marks[2]


def test_check_names_every_wrong_property(preview: tuple[Simulator, ProviderHost]) -> None:
    _, host = preview
    news = {"count": 0, "status": "paused", "configuration": {"session": {"tags": ["a,b"]}, "browzer": {}}}
    found = {failure.property for failure in host.check(URN, {}, news).failures}
    assert found == {"count", "status", "configuration.session.tags.0", "configuration.browzer"}


@pytest.mark.parametrize(
    "unknown",
    [
        {"count": UNKNOWN},
        {"count": 3, "configuration": UNKNOWN},
        {"count": 3, "configuration": {"session": {"timeout": {"max_duration": UNKNOWN}, "tags": [UNKNOWN]}}},
        {"count": 3, "metadata": {"run": UNKNOWN}},
        {"batch_id": UNKNOWN},
    ],
    ids=str,
)
def test_a_preview_lets_unknown_values_through_and_calls_nothing(
    preview: tuple[Simulator, ProviderHost], unknown: dict[str, Any]
) -> None:
    sim, host = preview
    checked = host.check(URN, {}, unknown)
    assert checked.failures == []
    assert unknown.items() <= checked.inputs.items()
    assert sim.requests == []


def test_a_preview_beside_an_unknown_value_still_finds_a_wrong_one(preview: tuple[Simulator, ProviderHost]) -> None:
    _, host = preview
    found = host.check(URN, {}, {"count": UNKNOWN, "on_destroy": "keep"}).failures
    assert [failure.property for failure in found] == ["on_destroy"]


def test_an_unknown_value_may_replace_and_nothing_is_called_for_a_diff(sim: Simulator, host: ProviderHost) -> None:
    created = host.create(URN, host.check(URN, {}, inputs()).inputs)
    sim.clear_requests()
    known = host.check(URN, {}, inputs()).inputs
    assert host.diff(URN, created.id, created.outputs, known).changes is False
    unknown = host.diff(URN, created.id, created.outputs, {**known, "metadata": UNKNOWN})
    assert (unknown.changes, unknown.replaces, unknown.delete_before_replace) == (True, ["metadata"], False)
    assert sim.requests == []


def test_a_life_in_the_host_ends_with_nothing_running(sim: Simulator, host: ProviderHost) -> None:
    news = host.check(URN, {}, inputs()).inputs
    created = host.create(URN, news)
    assert created.id == created.outputs["batch_id"] == next(iter(sim.batches))
    read = host.read(URN, created.id, created.outputs, news)
    assert (read.id, read.outputs["live_status"]) == (created.id, "pending")
    outputs = host.update(URN, created.id, read.outputs, {**news, "status": "cancelled"}, news)
    assert (outputs["live_status"], outputs["cancelled_sessions"]) == ("cancelled", 0)
    host.delete(URN, created.id, outputs)
    assert sim.live_sessions() == []
    assert sim.batches[created.id].deleted


def test_a_batch_that_is_gone_and_to_be_recreated_has_no_id_any_more(sim: Simulator, host: ProviderHost) -> None:
    created = host.create(URN, inputs(on_missing="recreate"))
    sim.delete(created.id)
    assert host.read(URN, created.id, created.outputs).id == ""
