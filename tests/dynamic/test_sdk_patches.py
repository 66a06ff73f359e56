"""The patches of the SDK have no effect, and break nothing, where the SDK is different."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from lifecycle.fake_cli import FakeCli
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider
from pulumi.runtime.proto import provider_pb2
from stages.waiting import wait_until

from pulumi_anchorbrowser import exports
from pulumi_anchorbrowser.dynamic import sdk_patches
from pulumi_anchorbrowser.dynamic.errors import AnchorBrowserError
from pulumi_anchorbrowser.dynamic.providers import BatchProvider

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


class Patient(ResourceProvider):
    """Operations that are made when the export of the state has begun, and never before."""

    cli: FakeCli

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002
        """Wait for the export."""
        wait_until(lambda: bool(self.cli.calls), "the export is begun")


def configured_in(request: Any) -> None:  # noqa: ARG001  # looked for by its name
    """Configure the provider of batches below a method that has the request, as the host does."""
    BatchProvider().configure(ConfigureRequest(Config({}, "shop")))


def test_the_export_of_the_state_is_begun_before_the_operations_of_batches_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchProvider, "operations", f"{Patient.__module__}:{Patient.__qualname__}")
    monkeypatch.setattr(Patient, "cli", FakeCli(tmp_path, monkeypatch), raising=False)
    inputs = Struct()
    inputs.update({"owner": "acme/shop/an-old-name"})
    configured_in(provider_pb2.CheckRequest(urn=URN, news=inputs))
    configured_in(provider_pb2.DeleteRequest(urn=URN, properties=inputs))
    wait_until(lambda: len(Patient.cli.calls) == 2, "the export is begun again")
    assert set(Patient.cli.calls) == {"true stack export --non-interactive --stack acme/shop/dev"}


@pytest.mark.parametrize("request_", [None, provider_pb2.ReadRequest(urn=URN), provider_pb2.CheckRequest(urn=URN)])
def test_without_an_owner_and_in_a_refresh_no_export_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: Any
) -> None:
    cli = FakeCli(tmp_path, monkeypatch)
    exports.begin("a/later/one")
    begun_in(request_)
    exports.export("a/later/one")
    assert {call.split()[-1] for call in cli.calls} == {"a/later/one"}


def begun_in(request: Any) -> None:  # noqa: ARG001  # looked for by its name
    sdk_patches.begin_export_for_request()


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
