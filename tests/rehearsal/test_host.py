"""The provider host on its own: every call, its errors, its crashes, and that no process is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rehearsal.shelf import ShelfProvider, things

from pulumi_anchorbrowser.rehearsal import CheckedInputs, Diff, Failure, HostError, ProviderHost, process

URN = "urn:pulumi:dev::demo::pulumi-python:dynamic:Resource::lamp"


@pytest.fixture
def host() -> Iterator[ProviderHost]:
    with ProviderHost(ShelfProvider(), config={"shelf:owner": "me"}) as running:
        yield running


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    return {"label": "lamp", "folder": str(tmp_path), "size": 2, "kind": "box"}


def gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_whole_life_goes_through_plain_dictionaries(
    host: ProviderHost, inputs: dict[str, Any], tmp_path: Path
) -> None:
    checked = host.check(URN, {}, inputs)
    assert checked == CheckedInputs({**inputs, "stamp": checked.inputs["stamp"]}, [])
    created = host.create(URN, checked.inputs)
    assert created.outputs["owner"] == "me"
    assert "__provider" not in created.outputs
    news = {**checked.inputs, "size": 3}
    assert host.diff(URN, created.id, created.outputs, news, checked.inputs) == Diff(True, [], False)
    outputs = host.update(URN, created.id, created.outputs, news, checked.inputs)
    assert outputs["size"] == 3
    assert isinstance(outputs["size"], int)
    read = host.read(URN, created.id, outputs, news)
    assert (read.id, read.outputs["size"], read.inputs) == (created.id, 3, {**outputs, "size": 3})
    host.delete(URN, created.id, outputs, news)
    assert things(tmp_path) == []
    assert host.read(URN, created.id, outputs, news).id == ""


def test_check_failures_come_as_property_and_reason(host: ProviderHost, inputs: dict[str, Any]) -> None:
    assert host.check(URN, {}, {**inputs, "size": 0}).failures == [Failure("size", "size must be positive")]


def test_an_error_of_the_provider_is_raised_with_its_text_verbatim(host: ProviderHost, inputs: dict[str, Any]) -> None:
    with pytest.raises(HostError, match="the shelf refused to create lamp") as caught:
        host.create(URN, {**inputs, "fail": ["create"]})
    assert (caught.value.method, caught.value.code) == ("Create", "UNKNOWN")
    assert str(caught.value) == caught.value.details


def test_calls_of_a_killed_host_fail_until_it_is_started_again(host: ProviderHost, inputs: dict[str, Any]) -> None:
    first = host.create(URN, inputs).outputs["pid"]
    host.kill()
    assert gone(first)
    assert not host.alive
    with pytest.raises(HostError) as caught:
        host.check(URN, {}, inputs)
    assert caught.value.code == "UNAVAILABLE"

    host.start()
    second = host.create(URN, inputs).outputs
    assert second["pid"] != first
    assert second["owner"] == "me"


def test_restart_replaces_the_process(host: ProviderHost, inputs: dict[str, Any]) -> None:
    first = host.pid
    host.restart()
    assert host.pid != first
    assert gone(first)
    assert host.check(URN, {}, inputs).failures == []


def test_a_closed_host_is_gone_and_closing_twice_is_fine(inputs: dict[str, Any]) -> None:
    host = ProviderHost(ShelfProvider()).start()
    pid = host.pid
    host.close()
    host.close()
    assert gone(pid)
    with pytest.raises(HostError, match="not running"):
        host.check(URN, {}, inputs)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the end of a host wait for 0.2 s only, until it kills the host."""
    monkeypatch.setattr(process, "_END_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
def test_a_host_that_ignores_the_interrupt_is_killed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, threading\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    )
    host = ProviderHost(ShelfProvider(), env={"PYTHONPATH": str(tmp_path)})
    host.start()
    pid = host.pid
    host.close()
    assert gone(pid)


def test_a_host_that_cannot_start_raises_with_what_it_printed(tmp_path: Path) -> None:
    (tmp_path / "pulumi.py").write_text("raise SystemExit('no pulumi here')\n")
    with pytest.raises(RuntimeError, match="no pulumi here"):
        ProviderHost(ShelfProvider(), env={"PYTHONPATH": str(tmp_path)}).start()


def test_a_host_that_cannot_be_configured_is_not_left_running() -> None:
    pids: list[int | None] = []

    def refuse(_method: str, _urn: str) -> None:
        pids.append(host.pid)
        raise LookupError("no configuration")

    host = ProviderHost(ShelfProvider(), on_call=refuse)
    with pytest.raises(LookupError):
        host.start()
    assert gone(pids[0])


@pytest.mark.usefixtures("impatient")
def test_a_call_without_a_response_times_out_and_the_host_still_ends(inputs: dict[str, Any]) -> None:
    with ProviderHost(ShelfProvider(), call_timeout=1.0) as host:
        pid = host.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(HostError) as caught:
            host.check(URN, {}, inputs)
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert gone(pid)


def test_on_call_sees_each_call_before_it_is_made(inputs: dict[str, Any]) -> None:
    seen: list[tuple[str, str]] = []
    with ProviderHost(ShelfProvider(), on_call=lambda method, urn: seen.append((method, urn))) as host:
        host.check(URN, {}, inputs)
    assert seen == [("configure", ""), ("check", URN)]
