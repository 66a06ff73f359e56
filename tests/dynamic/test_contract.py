"""What stands in users' state for ever: the dotted paths of the providers, in a payload that has no code in it."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from collections.abc import Callable

import pytest
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_anchorbrowser.dynamic.providers import (
    AnchorBrowserProvider,
    BatchCleanupProvider,
    BatchProvider,
    BatchReadyProvider,
)
from pulumi_anchorbrowser.rehearsal import ProviderHost

ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
URN = "urn:pulumi:dev::shop::pulumi-python:anchorbrowser:Batch::crawl"

# Recorded from a state of version 0.1.0. Never change one: stacks hold it.
RECORDED: dict[type[ResourceProvider], str] = {
    BatchProvider: (
        "gASVPwAAAAAAAACMJnB1bHVtaV9hbmNob3Jicm93c2VyLmR5bmFtaWMucHJvdmlkZXJzlIwNQmF0Y2hQcm92aWRlcpSTlCmBlC4="
    ),
    BatchReadyProvider: (
        "gASVRAAAAAAAAACMJnB1bHVtaV9hbmNob3Jicm93c2VyLmR5bmFtaWMucHJvdmlkZXJzlIwSQmF0Y2hSZWFkeVByb3ZpZGVylJOUKYGULg=="
    ),
    BatchCleanupProvider: (
        "gASVRgAAAAAAAACMJnB1bHVtaV9hbmNob3Jicm93c2VyLmR5bmFtaWMucHJvdmlkZXJzlIwUQmF0Y2hDbGVhbnVwUHJvdmlkZXKUk5QpgZQu"
    ),
}
PATHS: dict[type[ResourceProvider], str] = {
    provider: f"pulumi_anchorbrowser.dynamic.providers.{name}"
    for provider, name in (
        (BatchProvider, "BatchProvider"),
        (BatchReadyProvider, "BatchReadyProvider"),
        (BatchCleanupProvider, "BatchCleanupProvider"),
    )
}


def test_every_resource_has_its_provider_in_the_list() -> None:
    assert set(AnchorBrowserProvider.__subclasses__()) == set(PATHS) == set(RECORDED)


@pytest.mark.parametrize("provider", PATHS, ids=lambda provider: provider.__name__)
def test_a_provider_is_pickled_as_its_path_alone(provider: type[ResourceProvider]) -> None:
    payload = base64.b64decode(serialize_provider(provider()))
    module, _, name = PATHS[provider].rpartition(".")
    assert module.encode() in payload
    assert name.encode() in payload
    assert len(payload) < len(PATHS[provider]) + 50
    assert type(pickle.loads(payload)) is provider  # noqa: S301


@pytest.mark.parametrize("provider", PATHS, ids=lambda provider: provider.__name__)
def test_a_provider_has_no_attributes_that_a_state_would_hold(provider: type[ResourceProvider]) -> None:
    assert vars(provider()) == {}
    assert provider.serialize_as_secret_always is False


@pytest.mark.parametrize("provider", PATHS, ids=lambda provider: provider.__name__)
def test_a_recorded_payload_loads_in_a_process_that_has_imported_nothing_of_ours(
    provider: type[ResourceProvider],
) -> None:
    script = (
        "import base64, json, pickle, sys\n"
        f"found = type(pickle.loads(base64.b64decode({RECORDED[provider]!r})))\n"
        "print(json.dumps(f'{found.__module__}.{found.__qualname__}'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == PATHS[provider]


def test_a_recorded_payload_still_serves_in_the_real_host(start_host: Callable[..., ProviderHost]) -> None:
    host = start_host(None)
    checked = host.check(URN, {}, {"count": 0, "__provider": RECORDED[BatchProvider]})
    assert [failure.property for failure in checked.failures] == ["count"]
    waits = host.check(URN, {}, {"batch_id": ID, "retry_failed": 9, "__provider": RECORDED[BatchReadyProvider]})
    assert [failure.property for failure in waits.failures] == ["retry_failed"]
    cleanup = host.check(URN, {}, {"__provider": RECORDED[BatchCleanupProvider]})
    assert [failure.property for failure in cleanup.failures] == ["select"]


def test_a_program_that_declares_resources_imports_neither_the_lifecycle_nor_requests() -> None:
    script = (
        "import sys\nfrom pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady\n"
        "print([name for name in ('requests', 'pydantic', 'pulumi_anchorbrowser.lifecycle') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
