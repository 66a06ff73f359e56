"""An engine that was killed alone: its provider host sends nothing more, finishes what is in flight, and ends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from stages.waiting import wait_until

from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.rehearsal import HostError, ProviderHost
from pulumi_anchorbrowser.simulator import Fault, Simulator

URN = "urn:pulumi:dev::shop::pulumi-python:anchorbrowser:Batch::crawl"
INPUTS = {"count": 3, "owner": "acme/shop/dev", "claim": "0198f0c2d0800aaaaaaaaaaa"}
Hosts = Callable[..., ProviderHost]


def outlived(host: ProviderHost, sim: Simulator, fault: Fault) -> None:
    """Have a host create a batch under this fault, and end its engine once the request has arrived."""
    arrived = Event()
    fault.before = lambda _: arrived.set()
    sim.faults.add(fault)
    with ThreadPoolExecutor(1) as pool:
        create = pool.submit(host.create, URN, INPUTS)
        assert arrived.wait(30)
        host.engine.stop()
        wait_until(lambda: not host.alive, "the host ends", seconds=30)
        with pytest.raises(HostError):
            create.result(10)


def test_a_create_that_waits_for_a_retry_is_not_sent_again(start_host: Hosts, sim: Simulator) -> None:
    outlived(start_host(), sim, Fault("status", method="POST", status=429, retry_after=25))
    assert [request.status for request in sim.requests_of("POST")] == [429]
    assert sim.batches == {}


def test_a_request_in_flight_is_finished_and_has_its_receipt(start_host: Hosts, sim: Simulator, tmp_path: Path) -> None:
    receipts = tmp_path / "receipts.sqlite3"
    host = start_host(env={"ANCHORBROWSER_RECEIPTS": str(receipts)})
    outlived(host, sim, Fault("latency", method="POST", seconds=8))
    [receipt] = Receipts(receipts).all()
    assert (receipt.outcome, receipt.subject.batch_id) == ("done", next(iter(sim.batches)))


def test_a_host_stays_while_its_engine_runs(start_host: Hosts, sim: Simulator) -> None:
    host = start_host()
    sim.faults.add(Fault("latency", method="POST", seconds=8))
    host.create(URN, INPUTS)
    assert host.alive
