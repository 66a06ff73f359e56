"""Our providers in the real host: an expected failure is one line, any other keeps its traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dynamic.grumpy import GrumpyProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.rpc import UNKNOWN

from pulumi_anchorbrowser.dynamic.batch_provider import BatchProvider
from pulumi_anchorbrowser.dynamic.batch_ready_provider import BatchReadyProvider
from pulumi_anchorbrowser.dynamic.operations import received
from pulumi_anchorbrowser.rehearsal import HostError, ProviderHost
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-team-a"
ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
URN = "urn:pulumi:dev::shop::pulumi-python:anchorbrowser:Batch::crawl"
Hosts = Callable[..., ProviderHost]


def inputs(**given: Any) -> dict[str, Any]:
    return {"count": 3, "owner": "acme/shop/dev", "claim": "c", "resource_urn": URN, **given}


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(HostError) as caught:
        call()
    return caught.value.details


# Failing


def test_a_refusal_of_the_api_is_one_line(sim: Simulator, host: ProviderHost) -> None:
    sim.settings.credits = 2
    assert failure(lambda: host.create(URN, inputs())) == (
        "AnchorBrowserError: Could not create a batch: HTTP 402: The batch needs 3 credits and 2 are left. "
        "Add credits, lower `count`, or end batches you no longer need, then run again. "
        "See docs/troubleshooting.md#payment-required."
    )


def test_a_failure_of_the_lifecycle_is_one_line(host: ProviderHost) -> None:
    said = failure(lambda: host.create(URN, {**inputs(batch_id=ID), "count": None}))
    assert said.startswith(f"AnchorBrowserError: Could not adopt batch {ID}: HTTP 404")
    assert "\n" not in said


@pytest.mark.parametrize("call", ["update", "read", "delete"])
def test_every_operation_fails_in_one_line(sim: Simulator, host: ProviderHost, call: str) -> None:
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


def test_a_wait_fails_in_one_line(start_host: Hosts) -> None:
    said = failure(lambda: start_host(BatchReadyProvider).create(URN, {"batch_id": ID}))
    assert said.startswith(f"AnchorBrowserError: Batch {ID} is not known to the API")
    assert "\n" not in said


def test_without_a_key_a_preview_works_and_an_up_says_how_to_set_one(start_host: Hosts) -> None:
    host = start_host(config={"anchorbrowser:apiKey": None})
    assert host.check(URN, {}, {"count": 3}).failures == []
    said = failure(lambda: host.create(URN, inputs()))
    assert said.startswith("AnchorBrowserError: There is no AnchorBrowser API key.")
    assert "pulumi config set --secret anchorbrowser:apiKey" in said
    assert "\n" not in said


def test_a_wrong_setting_is_one_line(start_host: Hosts) -> None:
    def use() -> None:
        start_host(config={"anchorbrowser:maxRetries": "lots"}).check(URN, {}, {"count": 3})

    said = failure(use)
    assert said.startswith("AnchorBrowserError: stack config anchorbrowser:maxRetries cannot be used")
    assert "\n" not in said


def test_an_unexpected_failure_of_ours_keeps_its_traceback(sim: Simulator, host: ProviderHost) -> None:
    """State that no version of ours has written."""
    said = failure(lambda: host.delete(URN, ID, {"count": 3}))
    assert said.startswith("Traceback (most recent call last):")
    assert "batch_operations.py" in said
    assert "live_status" in said
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


def test_the_environments_key_is_used_after_a_401_with_a_warning(sim: Simulator, start_host: Hosts) -> None:
    host = start_host(config={"anchorbrowser:apiKey": "rotated"}, env={"ANCHORBROWSER_API_KEY": KEY})
    host.create(URN, inputs())
    assert [request.status for request in sim.requests if request.method == "POST"] == [401, 200]
    warnings = [line.message for line in host.engine.lines() if line.severity == "warning"]
    assert len(warnings) == 1
    assert "ANCHORBROWSER_API_KEY" in warnings[0]
    assert KEY not in warnings[0]


# Translating


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


def test_check_fills_in_what_a_preview_shows_and_mints_a_claim_that_then_stays(
    preview: tuple[Simulator, ProviderHost],
) -> None:
    _, host = preview
    first = host.check(URN, {}, {"count": 3}).inputs
    assert first == {"count": 3, "status": "active", "on_destroy": "delete", "claim": first["claim"]}
    assert len(first["claim"]) >= 16
    assert host.check(URN, first, {"count": 4}).inputs["claim"] == first["claim"]
    assert host.check(URN, {}, {"count": 3}).inputs["claim"] != first["claim"]


def test_check_tells_all_that_is_wrong_on_its_property(preview: tuple[Simulator, ProviderHost]) -> None:
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
