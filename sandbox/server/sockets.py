"""Websocket connections to market and user data streams."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import msgspec
from aiohttp import WSMsgType, web

from sandbox.engine.types import LINEAR, SPOT
from sandbox.server.hub import Client, Hub
from sandbox.server.streams import parse_stream
from sandbox.server.users import UserFeed
from sandbox.server.venue import Venue

_PATH = re.compile(r"(?P<futures>/fapi)?(?P<room>/public|/market|/private)?/(?P<kind>ws|stream)(?P<tail>/.*)?")
_MAX_STREAMS = 1024
_MAX_MESSAGE = 1 << 20
_encode = msgspec.json.Encoder().encode


class _Request(msgspec.Struct):
    method: str
    params: list[str] | None = None
    id: int | str | None = None


async def open_socket(
    request: web.Request, market: str, combined: bool, wall_ns: int
) -> tuple[web.WebSocketResponse, Client]:
    """Accept a websocket; frames to it go through the client, whole and uncompressed."""
    socket = web.WebSocketResponse(compress=False, autoping=False, max_msg_size=_MAX_MESSAGE)
    await socket.prepare(request)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client left before the handshake ended")
    return socket, Client(transport, market, combined, wall_ns)


async def texts(socket: web.WebSocketResponse, client: Client, clock_ns: Callable[[], int]) -> AsyncIterator[str]:
    """Text messages until the connection ends; pings are answered, pongs noted."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            yield message.data
        elif message.type is WSMsgType.PING:
            await socket.pong(message.data)
            client.last_pong_ns = clock_ns()
        elif message.type is WSMsgType.PONG:
            client.last_pong_ns = clock_ns()


class Sockets:
    """The /ws and /stream doors of both markets."""

    def __init__(self, venue: Venue, hub: Hub, users: UserFeed) -> None:
        self._venue = venue
        self._hub = hub
        self._users = users

    @staticmethod
    def serves(path: str) -> bool:
        """Whether this path is a stream's."""
        return _PATH.fullmatch(path) is not None

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from handshake to end."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise web.HTTPNotFound
        market = LINEAR if match["futures"] or match["room"] else SPOT
        tail = match["tail"] or ""
        # ccxt tells spot by "/stream" in the address and connects to /stream/ws/N: the /ws of it decides.
        combined = match["kind"] == "stream" and not (tail + "/").startswith("/ws/")
        socket, client = await open_socket(request, market, combined, self._venue.wall_ns())
        names = [name for name in tail.removeprefix("/ws").split("/") if name]
        names += [name for name in request.query.get("streams", "").split("/") if name]
        names += filter(None, [request.query.get("listenKey", "")])
        self._hub.join(client)
        try:
            for name in names:
                self._add(client, name)
            async for message in texts(socket, client, self._venue.wall_ns):
                client.send(_encode(self._command(client, message)))
                client.flush()
        finally:
            self._hub.leave(client)
            self._users.forget(client)
        return socket

    def _add(self, client: Client, name: str) -> None:
        door = self._venue.listen_keys.door(name)
        if door is not None:
            head, end = (b'{"stream":"' + name.encode() + b'","data":', b"}") if client.combined else (b"", b"")
            self._users.forget(client, door)
            self._users.listen(client, door, head, end)
            client.streams[name] = None
        elif "@" in name or name.startswith("!"):
            symbols = self._venue.symbols(client.market)
            self._hub.subscribe(client, name, parse_stream(name, client.market, symbols))

    def _remove(self, client: Client, name: str) -> None:
        door = self._venue.listen_keys.door(name)
        if door is not None:
            self._users.forget(client, door)
        self._hub.unsubscribe(client, name)

    def _command(self, client: Client, message: str) -> dict[str, object]:
        """The answer to SUBSCRIBE and its like."""
        try:
            request = msgspec.json.decode(message, type=_Request)
        except msgspec.DecodeError as error:
            return {"error": {"code": 3, "msg": f"Invalid JSON: {error}"}, "id": None}
        params = request.params or []
        match request.method:
            case "SUBSCRIBE":
                if len(client.streams) + len(params) > _MAX_STREAMS:
                    return _refused(request.id, f"Invalid request: more than {_MAX_STREAMS} streams")
                for name in params:
                    self._add(client, name)
            case "UNSUBSCRIBE":
                for name in params:
                    self._remove(client, name)
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(client.streams), "id": request.id}
            case "GET_PROPERTY":
                return {"result": client.combined, "id": request.id}
            case _:
                return _refused(request.id, f"Invalid request: unknown method {request.method}")
        return {"result": None, "id": request.id}


def _refused(number: int | str | None, msg: str) -> dict[str, object]:
    return {"error": {"code": 2, "msg": msg}, "id": number}


async def close_all(hub: Hub) -> None:
    """End every connection: what was sent goes out, then the socket closes."""
    hub.flush()
    for client in list(hub.clients):
        client.transport.close()
        hub.leave(client)
    await asyncio.sleep(0)
