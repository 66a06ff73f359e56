"""Runs a test's function beside the server's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from pulumi_anchorbrowser.simulator.log import LoggedRequest


async def aside(hook: Callable[[LoggedRequest], object], request: LoggedRequest) -> None:
    """Waits for `hook(request)` in a thread of its own, and raises what it raises.

    Not in the loop's own pool: the end of the loop waits for that, and the hook may wait for the end of the loop.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        error: BaseException | None = None
        try:
            hook(request)
        except BaseException as raised:  # noqa: BLE001 - it is raised again in the loop
            error = raised
        # The hook may have stopped this very server.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, done, error)

    threading.Thread(target=run, name="fault", daemon=True).start()
    await done


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
