"""What each kind of fault does to an exchange."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pulumi_anchorbrowser.simulator.calling import refusal
from pulumi_anchorbrowser.simulator.exchange import Exchange, Reply
from pulumi_anchorbrowser.simulator.faults import Fault
from pulumi_anchorbrowser.simulator.log import LoggedRequest
from pulumi_anchorbrowser.simulator.state import SimulatorState

PAGE = b"<!DOCTYPE html><html><head><title>Something went wrong</title></head><body><h1>Sorry</h1></body></html>"
NOISE = bytes(range(128, 192)) + b'{"data": '


class Struck:
    """One exchange under one fault."""

    def __init__(self, exchange: Exchange, fault: Fault, state: SimulatorState) -> None:
        self.exchange = exchange
        self.fault = fault
        self.state = state

    async def handle(self, lag: float = 0.0) -> Reply:
        reply = await self.exchange.handle(lag)
        if self.fault.after is not None:
            await aside(self.fault.after, self.exchange.request)
        return reply


async def strike(exchange: Exchange, fault: Fault, state: SimulatorState) -> None:
    """Carry out `fault` on `exchange`, its callbacks included."""
    exchange.request.fault = fault.name
    if fault.before is not None:
        await aside(fault.before, exchange.request)
    await _STRIKES[fault.kind](Struck(exchange, fault, state))


async def _status(struck: Struck) -> None:
    fault = struck.fault
    if fault.handled:
        await struck.handle()
    headers = {} if fault.retry_after is None else {"Retry-After": _number(fault.retry_after)}
    status = fault.status or 500
    response = refusal(status, f"Scripted status {status}" if fault.message is None else fault.message, headers)
    await struck.exchange.respond(Reply(response.status_code, list(response.raw_headers), bytes(response.body)))


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


async def _as_usual(struck: Struck) -> None:
    await struck.exchange.respond(await struck.handle())


async def _latency(struck: Struck) -> None:
    await asyncio.sleep(struck.fault.seconds)
    await _as_usual(struck)


async def _complete_before(struck: Struck) -> None:
    batch = struck.state.batches.get(struck.exchange.request.path.split("/")[3])
    if batch is not None:
        with struck.state.lock:
            batch.hurry()
    await _as_usual(struck)


async def _reset_before(struck: Struck) -> None:
    await struck.exchange.reset()


async def _reset_after(struck: Struck) -> None:
    await struck.handle()
    await struck.exchange.reset()


async def _reset_mid_body(struck: Struck) -> None:
    await struck.exchange.respond_half(await struck.handle())
    await struck.exchange.reset()


async def _no_reply(struck: Struck) -> None:
    if struck.fault.handled is not False:
        await struck.handle()
    await struck.exchange.client_gone()


async def _handle_later(struck: Struck) -> None:
    await struck.exchange.client_gone()
    await asyncio.sleep(struck.fault.seconds)
    await struck.handle()


async def _reset_then_handle(struck: Struck) -> None:
    await struck.exchange.reset()
    await asyncio.sleep(struck.fault.seconds)
    await struck.handle()


async def _garbled(struck: Struck) -> None:
    await struck.exchange.respond((await struck.handle()).with_body(NOISE))


async def _truncated(struck: Struck) -> None:
    reply = await struck.handle()
    await struck.exchange.respond(reply.with_body(reply.body[: len(reply.body) // 2]))


async def _html(struck: Struck) -> None:
    reply = Reply(200, [], b"")
    if struck.fault.handled is not False:
        reply = await struck.handle()
    await struck.exchange.respond(reply.with_body(PAGE, struck.fault.status, b"text/html; charset=utf-8"))


async def _edited(struck: Struck) -> None:
    reply, edit = await struck.handle(), struck.fault.edit
    body = json.loads(reply.body)
    edited = None if edit is None else edit(body)
    # Escapes, so that an edit can put half an emoji into a text.
    text = json.dumps(body if edited is None else edited)
    await struck.exchange.respond(reply.with_body(text.encode(), struck.fault.status))


async def _lagging(struck: Struck) -> None:
    await struck.exchange.respond(await struck.handle(struck.fault.seconds))


_STRIKES: dict[str, Callable[[Struck], Awaitable[None]]] = {
    "status": _status,
    "latency": _latency,
    "reset_before": _reset_before,
    "reset_after": _reset_after,
    "reset_mid_body": _reset_mid_body,
    "no_reply": _no_reply,
    "handle_later": _handle_later,
    "reset_then_handle": _reset_then_handle,
    "garbled": _garbled,
    "truncated": _truncated,
    "html": _html,
    "edited": _edited,
    "lagging": _lagging,
    "complete_before": _complete_before,
    "callback": _as_usual,
}


async def aside(hook: Callable[[LoggedRequest], object], request: LoggedRequest) -> None:
    """Wait for `hook(request)` in a thread of its own, beside the server's loop, and raise what it raises.

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
