"""Between a request and its handler: weights, keys, signatures, and refusals in Binance's form."""

from __future__ import annotations

import inspect
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from sandbox.errors import ExchangeError
from sandbox.server.endpoints import Endpoint, Security, endpoints
from sandbox.server.params import Call
from sandbox.server.signing import Keyring, strip_signature
from sandbox.server.trade_rest import CancelReplaceError
from sandbox.server.venue import Venue
from sandbox.server.weights import RateLimited

_encode = msgspec.json.Encoder().encode


def _respond(status: int, answer: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=_encode(answer), content_type="application/json", headers=headers)


def refusal(error: ExchangeError) -> dict[str, object]:
    """A refusal as Binance writes it."""
    body: dict[str, object] = {"code": error.code, "msg": error.msg}
    if isinstance(error, CancelReplaceError):
        body["data"] = error.data
    return body


class Gate:
    """Answers every REST request of the venue."""

    def __init__(self, venue: Venue, keyring: Keyring) -> None:
        self._venue = venue
        self._keyring = keyring
        self._endpoints = endpoints()

    async def handle(self, request: web.Request) -> web.Response:
        """One request's answer, whatever it is."""
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None:
            msg = f"Path {request.path}, Method {request.method} is invalid"
            return _respond(404, {"code": -5000, "msg": msg})
        headers: dict[str, str] = {}
        try:
            answer = await self._answer(endpoint, request, headers)
        except RateLimited as limited:
            headers["Retry-After"] = str(limited.retry_after)
            return _respond(limited.http, {"code": limited.code, "msg": limited.msg}, headers)
        except ExchangeError as error:
            return _respond(error.http, refusal(error), headers)
        return _respond(200, answer, headers)

    async def _answer(self, endpoint: Endpoint, request: web.Request, headers: dict[str, str]) -> object:
        venue = self._venue
        query = request.rel_url.raw_query_string
        body = await request.text() if request.can_read_body else ""
        params = dict(parse_qsl(query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))
        now = venue.wall_ns()
        meter = venue.meters[endpoint.market]
        used = meter.spend(request.remote or "", endpoint.weight(Call(params)), now)
        headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        account = ""
        key = request.headers.get("X-MBX-APIKEY")
        if endpoint.security is Security.SIGNED:
            payload = strip_signature(query) + strip_signature(body)
            account = self._keyring.check(key, payload, params, now).account
        elif endpoint.security is Security.KEY:
            account = self._keyring.identify(key).account
        if endpoint.orders:
            headers.update(meter.order(account, now, endpoint.orders))
        answer = endpoint.handler(venue, Call(params, account))
        return await answer if inspect.isawaitable(answer) else answer
