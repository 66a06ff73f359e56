"""Runs an ASGI application in a thread, on this machine only, and stops it at once."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from pulumi_anchorbrowser.simulator.exchange import ReachableProtocol

LOOPBACK = "127.0.0.1"
START_SECONDS = 10.0


class _PromptServer(uvicorn.Server):
    """Uvicorn's server, without the polling that makes each start and stop take a third of a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._stop.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        tasks = list(self.server_state.tasks)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class LoopbackServer:
    """Serves `app` on a port of 127.0.0.1; stopped, it can be started again on the same port."""

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._app = app
        self._port = port
        self._server: _PromptServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Return once connections are accepted; OSError if the port is not free."""
        listener = socket.create_server((LOOPBACK, self._port), backlog=1024)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=ReachableProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,  # the exchange sends it, by the simulator's clock
            timeout_keep_alive=60,
        )
        server = self._server = _PromptServer(config)
        self._thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
        self._thread.start()
        if not server.ready.wait(START_SECONDS):
            raise RuntimeError("the simulator did not start")

    def stop(self) -> None:
        """End every connection and every request in flight; do nothing if it does not run."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
        self._server = self._thread = None
