"""A simulator with room for many, and a system that runs short of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

KEY = "key-at-scale"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team"}, SimulatorSettings()) as running:
        yield running


@pytest.fixture
def leave_threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """From now on the system gives only so many more threads."""
    start = Thread.start

    def leave(count: int) -> None:
        left = [None] * count

        def scarce(thread: Thread) -> None:
            if not left:
                raise RuntimeError("can't start new thread")
            left.pop()
            start(thread)

        monkeypatch.setattr(Thread, "start", scarce)

    return leave
