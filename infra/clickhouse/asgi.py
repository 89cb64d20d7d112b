"""The ASGI application: requests go to threads, long answers come back chunk by chunk."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from infra.clickhouse.execute import Running
from infra.clickhouse.request import Request
from infra.clickhouse.server import is_ping

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from infra.clickhouse.server import Response, Server

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


class Asgi:
    """Serves one `Server`; the engine is closed when the server stops."""

    def __init__(self, server: Server, threads: int = 16) -> None:
        self._server = server
        self._pool = ThreadPoolExecutor(threads, "query")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection's lifespan or one HTTP request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif (request := await _read(scope, receive)) is not None:
            await self._answer(request, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        self._pool.shutdown(wait=True)
        self._server.engine.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        if is_ping(request):  # without a thread: a busy server must not look like a dead one
            await _send_whole(self._server.pong, send)
            return
        loop, running = asyncio.get_running_loop(), Running()
        work = loop.run_in_executor(self._pool, self._server.handle, request, running)
        gone = asyncio.create_task(_hang_up(receive))  # resolves when the client hangs up
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and running.tag:
                await loop.run_in_executor(None, self._server.engine.kill, running.tag)
            response = await work
            if response.chunks is None:
                await _send_whole(response, send)
                return
            await _send_head(response, send)
            try:
                while not gone.done():
                    chunk = await loop.run_in_executor(self._pool, next, response.chunks, None)
                    if chunk is None:
                        break
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            finally:  # a reader that hung up releases its connection
                await loop.run_in_executor(self._pool, response.close)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()


async def _read(scope: Message, receive: Receive) -> Request | None:
    """The whole request, None when the client left before it had sent it."""
    parts = []
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        parts.append(event.get("body", b""))
        if not event.get("more_body"):
            break
    query = scope["query_string"].decode("ascii")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(query, keep_blank_values=True, errors="surrogateescape")),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(parts) if len(parts) > 1 else parts[0],
    )


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_whole(response: Response, send: Send) -> None:
    await _send_head(response, send)
    await send({"type": "http.response.body", "body": response.body})


async def _send_head(response: Response, send: Send) -> None:
    headers = dict(response.headers)
    if response.chunks is None:
        headers["Content-Length"] = str(len(response.body))
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
