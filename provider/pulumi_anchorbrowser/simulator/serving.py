"""Runs a simulator in the foreground, for the command line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from pulumi_anchorbrowser.simulator.settings import SimulatorSettings
from pulumi_anchorbrowser.simulator.simulator import Simulator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    port: int = 0,
    *,
    api_keys: Mapping[str, str] | None = None,
    settings: SimulatorSettings | None = None,
    ready: Callable[[str], object] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until Ctrl-C, SIGTERM or `stop`; call `ready(url)` once connections are accepted.

    Raises OSError if the port is not free. Signals are handled in the main thread only.
    """
    over = stop or threading.Event()
    with Simulator(api_keys, settings, port=port) as simulator, _signals_set(over):
        (ready or _announce)(simulator.url)
        # With a timeout, so that signals get through on every platform.
        while not over.wait(1.0):
            pass


def _announce(url: str) -> None:
    print(f"AnchorBrowser API simulated at {url}", flush=True)  # noqa: T201 - the one line of this command


@contextmanager
def _signals_set(over: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
