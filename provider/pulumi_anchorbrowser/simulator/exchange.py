"""One request and its response, with access to the connection beneath."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from email.utils import formatdate
from typing import Any, NamedTuple, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from pulumi_anchorbrowser.simulator.calling import LAG
from pulumi_anchorbrowser.simulator.clock import SimulatorClock
from pulumi_anchorbrowser.simulator.log import LoggedRequest

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
HEAD_START_SECONDS = 0.02


class ReachableProtocol(H11Protocol):
    """Uvicorn's HTTP protocol, whose transport the application can reach, to break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does this only where the listening socket names TCP; without it each response waits 40 ms for an ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}


class Reply(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def with_body(self, body: bytes, status: int | None = None, content_type: bytes | None = None) -> Reply:
        """Return the same reply with another body, and headers that fit it."""
        kept = [(name, value) for name, value in self.headers if name != b"content-length"]
        if content_type is not None:
            kept = [(name, value) for name, value in kept if name != b"content-type"]
            kept.append((b"content-type", content_type))
        return Reply(status or self.status, [*kept, (b"content-length", str(len(body)).encode())], body)


class Exchange:
    """Lets a fault do in any order what a server does in one: handle, respond, close."""

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, request: LoggedRequest, clock: SimulatorClock
    ) -> None:
        self.request = request
        self._clock = clock
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = b""

    async def read(self) -> bytes:
        """Read the whole body, so that the request can still be handled when its client has gone."""
        more = True
        while more:
            message = await self._receive()
            self._body += message.get("body", b"")
            more = message.get("more_body", False)
        return self._body

    async def handle(self, lag: float = 0.0) -> Reply:
        """Have the API handle the request, as of `lag` seconds ago, and return its response, unsent."""
        sent: list[Message] = []

        async def give() -> Message:
            return {"type": "http.request", "body": self._body, "more_body": False}

        async def take(message: Message) -> None:
            sent.append(message)

        self.request.handled = True
        await self._app({**self._scope, LAG: lag} if lag else self._scope, give, take)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Reply(sent[0]["status"], list(sent[0]["headers"]), body)

    async def respond(self, reply: Reply) -> None:
        self.request.status = reply.status
        await self._send(self._start(reply))
        await self._send({"type": "http.response.body", "body": reply.body})

    async def respond_half(self, reply: Reply) -> None:
        """Send the headers and half of the body that they promise."""
        await self._send(self._start(reply))
        half = reply.body[: len(reply.body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        # A reset may overtake what was sent just before it.
        await asyncio.sleep(HEAD_START_SECONDS)

    def _start(self, reply: Reply) -> Message:
        date = (b"date", formatdate(self._clock.now(), usegmt=True).encode())
        return {"type": "http.response.start", "status": reply.status, "headers": [date, *reply.headers]}

    async def reset(self) -> None:
        """End the connection with a TCP reset in place of a regular close."""
        transport = cast(asyncio.Transport, cast(dict[str, Any], self._scope["state"])["transport"])
        # A client that was killed meanwhile has closed it already.
        with suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
        await self.client_gone()

    async def client_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
