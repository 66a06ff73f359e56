"""The patches of the SDK have no effect, and break nothing, where the SDK is different."""

from __future__ import annotations

import traceback
from types import ModuleType, SimpleNamespace
from typing import Any

import pulumi
import pytest

from pulumi_anchorbrowser.dynamic import sdk_patches
from pulumi_anchorbrowser.dynamic.errors import AnchorBrowserError

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/anchorbrowser:Batch::crawl"


def served(request: Any, depth: int = 0) -> str:  # noqa: ARG001  # looked for by its name
    """Look for the URN as deep below the SDK's own method, which has the request."""
    return below(depth)


def below(depth: int) -> str:
    return below(depth - 1) if depth else sdk_patches.urn_of_request()


@pytest.mark.parametrize("depth", [0, 3, 8])
def test_the_urn_is_found_in_the_request_further_up_the_stack(depth: int) -> None:
    assert served(SimpleNamespace(urn=URN), depth) == URN


@pytest.mark.parametrize("request_", [None, SimpleNamespace(), SimpleNamespace(urn=None), "a text"])
def test_without_a_request_that_names_a_resource_the_urn_is_empty(request_: Any) -> None:
    assert served(request_) == ""


def test_a_request_that_is_too_far_up_the_stack_is_not_found() -> None:
    assert served(SimpleNamespace(urn=URN), 50) == ""


def formatted(host: Any, error: Exception) -> str:
    try:
        raise error
    except Exception:  # noqa: BLE001
        return str(host.traceback.format_exc())


def test_only_our_own_error_is_reported_in_one_line() -> None:
    host: Any = ModuleType("host")
    host.traceback = traceback
    for _ in range(2):
        sdk_patches.report_errors_in_one_line(host)
    assert formatted(host, AnchorBrowserError("It broke.")) == "AnchorBrowserError: It broke."
    assert formatted(host, RuntimeError("theirs")).startswith("Traceback (most recent call last):")
    assert host.traceback.format_tb is traceback.format_tb


def test_a_host_without_a_traceback_module_stays_as_it_is() -> None:
    host = ModuleType("host")
    sdk_patches.report_errors_in_one_line(host)
    assert not hasattr(host, "traceback")


def test_an_sdk_without_stack_traces_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_patches, "sdk_resource", SimpleNamespace())
    assert sdk_patches.report_the_programs_line() is False


def test_an_sdk_that_waits_for_outputs_in_another_way_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_patches, "pulumi", SimpleNamespace(Output=object))
    outputs: list[pulumi.Output[Any]] = []
    sdk_patches.wait_for_one_of(outputs)
    assert outputs == []
