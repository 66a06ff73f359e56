"""A server that sends nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from api.calls import lost, refused

from pulumi_anchorbrowser.api import Client, NoAnswer, NotConnected
from pulumi_anchorbrowser.simulator import Fault, Simulator

ID = "964bb823-e620-4758-ac4d-f9760511f4d8"


def test_a_create_without_a_response_is_lost_in_time_and_not_retried(
    sim: Simulator, connect: Callable[..., Client]
) -> None:
    sim.faults.add(Fault("no_reply", times=None))
    before = time.monotonic()
    outcome = connect(sim.url, request_timeout=0.3, max_retries=3).create_batch(1)
    assert 0.3 <= time.monotonic() - before < 1.5
    assert isinstance(lost(outcome), NoAnswer)
    assert "no response within the time limit" in str(outcome.error)
    assert len(sim.requests) == 1
    assert len(sim.batches) == 1


@pytest.mark.parametrize("max_retries", [0, 1])
def test_a_read_without_a_response_is_an_error(
    sim: Simulator, connect: Callable[..., Client], max_retries: int
) -> None:
    sim.faults.add(Fault("no_reply", times=None))
    with pytest.raises(NoAnswer, match="no response within the time limit"):
        connect(sim.url, request_timeout=0.3, max_retries=max_retries).get_batch(ID)
    assert len(sim.requests) == 1 + max_retries


def test_a_read_whose_retry_has_a_response_succeeds(sim: Simulator, connect: Callable[..., Client]) -> None:
    sim.faults.add(Fault("no_reply"))
    assert connect(sim.url, request_timeout=0.3, max_retries=1).list_batches().batches == ()
    assert len(sim.requests) == 2


def test_a_connection_that_is_not_made_in_time_is_not_connected(connect: Callable[..., Client]) -> None:
    """A full queue of a listener that accepts nothing lets further connections hang."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            client = connect(url, connect_timeout=0.3)
            error = refused(client.create_batch(1))
        finally:
            for one in waiting:
                one.close()
    assert isinstance(error, NotConnected)
    assert "no connection within the time limit" in str(error)
