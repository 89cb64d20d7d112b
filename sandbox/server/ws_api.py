"""The websocket API of both markets: requests over a socket, answered by the REST handlers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from sandbox.engine.types import LINEAR, SPOT
from sandbox.errors import ExchangeError
from sandbox.server.endpoints import Endpoint, Security, endpoints
from sandbox.server.exchange_info import rate_limits
from sandbox.server.gate import refusal
from sandbox.server.hub import Client, Hub
from sandbox.server.params import Call
from sandbox.server.signing import Keyring
from sandbox.server.sockets import open_socket, texts
from sandbox.server.users import Door, UserFeed
from sandbox.server.venue import Venue
from sandbox.server.weights import RateLimited

PATHS = {"/ws-api/v3": SPOT, "/ws-fapi/v1": LINEAR}
_encode = msgspec.json.Encoder().encode

_SPOT = {
    "ping": "GET ping",
    "time": "GET time",
    "exchangeInfo": "GET exchangeInfo",
    "depth": "GET depth",
    "trades.recent": "GET trades",
    "trades.historical": "GET historicalTrades",
    "trades.aggregate": "GET aggTrades",
    "klines": "GET klines",
    "uiKlines": "GET uiKlines",
    "avgPrice": "GET avgPrice",
    "ticker.24hr": "GET ticker/24hr",
    "ticker.price": "GET ticker/price",
    "ticker.book": "GET ticker/bookTicker",
    "account.status": "GET account",
    "account.commission": "GET account/commission",
    "order.place": "POST order",
    "order.test": "POST order/test",
    "order.status": "GET order",
    "order.cancel": "DELETE order",
    "order.cancelReplace": "POST order/cancelReplace",
    "openOrders.status": "GET openOrders",
    "openOrders.cancelAll": "DELETE openOrders",
    "allOrders": "GET allOrders",
    "myTrades": "GET myTrades",
    "userDataStream.start": "POST userDataStream",
    "userDataStream.ping": "PUT userDataStream",
    "userDataStream.stop": "DELETE userDataStream",
}
_FUTURES = {
    "ping": "GET v1/ping",
    "time": "GET v1/time",
    "depth": "GET v1/depth",
    "ticker.price": "GET v1/ticker/price",
    "ticker.book": "GET v1/ticker/bookTicker",
    "account.balance": "GET v2/balance",
    "v2/account.balance": "GET v3/balance",
    "account.status": "GET v2/account",
    "v2/account.status": "GET v3/account",
    "account.position": "GET v2/positionRisk",
    "v2/account.position": "GET v3/positionRisk",
    "order.place": "POST v1/order",
    "order.modify": "PUT v1/order",
    "order.status": "GET v1/order",
    "order.cancel": "DELETE v1/order",
    "algoOrder.place": "POST v1/algoOrder",
    "algoOrder.cancel": "DELETE v1/algoOrder",
    "userDataStream.start": "POST v1/listenKey",
    "userDataStream.ping": "PUT v1/listenKey",
    "userDataStream.stop": "DELETE v1/listenKey",
}


class _Request(msgspec.Struct):
    id: int | str | None
    method: str
    params: dict[str, Any] = {}


@dataclass
class _Session:
    """One connection: who it logged on as (key and account), and its user stream's number."""

    client: Client
    address: str
    key: str = ""
    account: str = ""
    since_ms: int = 0
    subscriptions: dict[int, Door] = field(default_factory=dict)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return _encode(value).decode()
    return str(value)


def _signed_text(params: Mapping[str, str]) -> str:
    """What is signed: all parameters but the signature, sorted by name."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")


class WsApi:
    """The /ws-api/v3 and /ws-fapi/v1 doors."""

    def __init__(self, venue: Venue, hub: Hub, users: UserFeed, keyring: Keyring) -> None:
        self._venue = venue
        self._hub = hub
        self._users = users
        self._keyring = keyring
        table = endpoints()
        self._methods: dict[str, dict[str, Endpoint]] = {SPOT: {}, LINEAR: {}}
        for market, prefix, names in ((SPOT, "/api/v3/", _SPOT), (LINEAR, "/fapi/", _FUTURES)):
            for method, name in names.items():
                verb, path = name.split(" ")
                self._methods[market][method] = table[verb, prefix + path]

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from handshake to end."""
        market = PATHS[request.path]
        socket, client = await open_socket(request, market, combined=False, wall_ns=self._venue.wall_ns())
        session = _Session(client, request.remote or "")
        self._hub.join(client)
        try:
            async for message in texts(socket, client, self._venue.wall_ns):
                client.send(_encode(await self._answer(session, message)))
                client.flush()
        finally:
            self._hub.leave(client)
            self._users.forget(client)
        return socket

    async def _answer(self, session: _Session, message: str) -> dict[str, object]:
        try:
            request = msgspec.json.decode(message, type=_Request)
        except msgspec.DecodeError as fault:
            return {"id": None, "status": 400, "error": {"code": -1135, "msg": f"Invalid JSON: {fault}"}}
        params = {name: _as_text(value) for name, value in request.params.items() if value is not None}
        answer: dict[str, object] = {"id": request.id}
        try:
            result = await self._result(session, request.method, params)
        except RateLimited as limited:
            error: dict[str, object] = {"code": limited.code, "msg": limited.msg}
            now_ms = self._venue.wall_ns() // 1_000_000
            error["data"] = {"serverTime": now_ms, "retryAfter": now_ms + limited.retry_after * 1000}
            answer |= {"status": limited.http, "error": error}
        except ExchangeError as refused:
            answer |= {"status": refused.http, "error": refusal(refused)}
        else:
            answer |= {"status": 200, "result": result}
        if params.get("returnRateLimits", "true") != "false":
            answer["rateLimits"] = self._rate_limits(session)
        return answer

    def _rate_limits(self, session: _Session) -> list[dict[str, object]]:
        meter = self._venue.meters[session.client.market]
        limits = rate_limits(meter.limits.weight, meter.limits.orders)
        limits[0]["count"] = meter.used(session.address, self._venue.wall_ns())
        return limits[:1]

    async def _result(self, session: _Session, method: str, params: dict[str, str]) -> object:
        special = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }.get(method)
        venue, market = self._venue, session.client.market
        now = venue.wall_ns()
        if special is not None:
            venue.meters[market].spend(session.address, 2, now)
            return special(session, params)
        endpoint = self._methods[market].get(method)
        if endpoint is None:
            raise ExchangeError(-1130, f"Unknown method {method}.")
        venue.meters[market].spend(session.address, endpoint.weight(Call(params)), now)
        account = self._account(session, endpoint.security, params)
        if endpoint.orders:
            venue.meters[market].order(account, now, endpoint.orders)
        result = endpoint.handler(venue, Call(params, account))
        return await result if inspect.isawaitable(result) else result

    def _account(self, session: _Session, security: Security, params: Mapping[str, str]) -> str:
        """Who asks: by this request's signature, or else by the session's logon."""
        if security is Security.NONE:
            return ""
        if session.account and "apiKey" not in params:
            return session.account
        if security is Security.KEY:
            return self._keyring.identify(params.get("apiKey")).account
        return self._keyring.check(params.get("apiKey"), _signed_text(params), params, self._venue.wall_ns()).account

    def _log_on(self, session: _Session, params: Mapping[str, str]) -> object:
        pair = self._keyring.check(params.get("apiKey"), _signed_text(params), params, self._venue.wall_ns())
        session.account, session.key = pair.account, pair.key
        session.since_ms = self._venue.wall_ns() // 1_000_000
        return self._status(session, params)

    def _log_out(self, session: _Session, params: Mapping[str, str]) -> object:
        session.account, session.key, session.since_ms = "", "", 0
        return self._status(session, params)

    def _status(self, session: _Session, _: Mapping[str, str]) -> object:
        return {
            "apiKey": session.key or None,
            "authorizedSince": session.since_ms or None,
            "connectedSince": session.client.last_pong_ns // 1_000_000,
            "returnRateLimits": True,
            "serverTime": self._venue.wall_ns() // 1_000_000,
            "userDataStream": bool(session.subscriptions),
        }

    def _subscribe_signed(self, session: _Session, params: Mapping[str, str]) -> object:
        return self._listen(session, self._account(session, Security.SIGNED, params))

    def _subscribe(self, session: _Session, _: Mapping[str, str]) -> object:
        if not session.account:
            raise ExchangeError(-1002, "You are not authorized to execute this request.", 401)
        return self._listen(session, session.account)

    def _listen(self, session: _Session, account: str) -> object:
        """Events come wrapped with the subscription's number; asking again gives the same one."""
        door = Door(account, session.client.market)
        for number, known in session.subscriptions.items():
            if known == door:
                return {"subscriptionId": number}
        number = len(session.subscriptions)
        session.subscriptions[number] = door
        head = b'{"subscriptionId":' + str(number).encode() + b',"event":'
        self._users.listen(session.client, door, head, b"}")
        return {"subscriptionId": number}

    def _unsubscribe(self, session: _Session, _: Mapping[str, str]) -> object:
        self._users.forget(session.client)
        session.subscriptions.clear()
        return {}
