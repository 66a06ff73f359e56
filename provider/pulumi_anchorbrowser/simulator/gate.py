"""Stands before the API: logs each request, delays it, and lets faults strike it."""

from __future__ import annotations

import asyncio
import logging

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from pulumi_anchorbrowser.simulator.calling import KEY_HEADER
from pulumi_anchorbrowser.simulator.exchange import Exchange
from pulumi_anchorbrowser.simulator.faults import Faults
from pulumi_anchorbrowser.simulator.log import LoggedRequest, parsed
from pulumi_anchorbrowser.simulator.state import SimulatorState
from pulumi_anchorbrowser.simulator.strikes import strike


class Gate:
    """The outermost ASGI application of a simulator; `requests` is its log, in the order of arrival."""

    def __init__(self, app: ASGIApp, state: SimulatorState, faults: Faults) -> None:
        self._app = app
        self._state = state
        self._faults = faults
        self._arrived = 0
        self.requests: list[LoggedRequest] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._log(Request(scope))
        exchange = Exchange(self._app, scope, receive, send, request, self._state.clock)
        request.body = parsed(await exchange.read())
        fault = self._faults.pick(request)
        if self._state.settings.latency_seconds:
            await asyncio.sleep(self._state.settings.latency_seconds)
        try:
            if fault is None:
                await exchange.respond(await exchange.handle())
            else:
                await strike(exchange, fault, self._state)
        except Exception:
            # Uvicorn's own logger is quiet here, and a bug of the simulator or of a test's callback must be seen.
            logging.getLogger(__name__).exception("%s %s failed inside the simulator", request.method, request.path)
            raise
        finally:
            request.finished_at = self._state.clock.now()

    def _log(self, incoming: Request) -> LoggedRequest:
        self._arrived += 1
        request = LoggedRequest(
            method=incoming.method,
            path=incoming.url.path,
            query=dict(incoming.query_params),
            body=None,
            team=self._state.teams.team_of(incoming.headers.get(KEY_HEADER)),
            user_agent=incoming.headers.get("user-agent", ""),
            started_at=self._state.clock.now(),
            number=self._arrived,
        )
        self.requests.append(request)
        return request
