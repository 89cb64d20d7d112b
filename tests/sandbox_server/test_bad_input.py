"""Nonsense is refused with a number and never breaks the server."""

from __future__ import annotations

import random
from dataclasses import replace

import aiohttp
import msgspec
import pytest

from sandbox.server.endpoints import endpoints
from tests.sandbox_server.support import LIVELY, rest_client

OPTIONS = replace(LIVELY, speed=1.0, lag_s=0.0, spot_weight=10**9, futures_weight=10**9)
NAMES = (
    "symbol", "symbols", "interval", "limit", "startTime", "endTime", "fromId", "orderId", "origClientOrderId", "side",
    "type", "quantity", "price", "stopPrice", "timeInForce", "period", "leverage", "newClientOrderId", "algoId",
    "clientAlgoId", "algoType", "triggerPrice", "batchOrders", "orderIdList", "countdownTime", "quoteOrderQty",
    "cancelReplaceMode", "cancelOrderId", "incomeType", "marginType", "recvWindow", "dualSidePosition", "reduceOnly",
    "closePosition", "positionSide", "workingType", "newOrderRespType",
)  # fmt: skip
VALUES = (
    "", "0", "-1", "1", "1000", "99999999999999999999", "-99999999999999999999", "1.5", "NaN", "abc", "NOPEUSDT", "[]",
    '["BTCUSDT"]', "[1]", "{}", "true", "BUY", "SELL", "LIMIT", "MARKET", "STOP", "GTC", "1m", "1s", "1709640037000",
    "1309640037000", "0.01", "60000", "0.00000001", "%", "CONDITIONAL", "ALLOW_FAILURE", '[{"symbol":5}]',
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_requests_are_answered_in_json_and_never_with_a_server_error(seed: int):
    chance = random.Random(seed)
    table = sorted(endpoints())
    async with rest_client(OPTIONS) as rest:
        for _ in range(300):
            method, path = chance.choice(table)
            params = {name: chance.choice(VALUES) for name in chance.sample(NAMES, chance.randrange(1, 9))}
            if chance.random() < 0.85:
                params["symbol"] = chance.choice(["BTCUSDT", "XRPUSDT"])
            answer = await rest.signed(method, path, **params)
            assert answer.status < 500, (method, path, params)
            if answer.status >= 400:
                assert answer.body["code"] < 0, (method, path, params)
                assert answer.body["msg"]


@pytest.mark.parametrize("path", ["/ws", "/stream", "/fapi/ws", "/ws-api/v3", "/ws-fapi/v1"])
async def test_garbage_on_a_websocket_is_refused_and_the_connection_lives(path: str):
    garbage = ["", "{", "[]", "5", '{"id":1}', '{"method":"SUBSCRIBE","params":"x","id":2}', '{"method":7,"id":3}',
               '{"method":"order.place","id":4,"params":{"symbol":[1]}}']  # fmt: skip
    async with rest_client(OPTIONS) as rest, rest.session.ws_connect(rest.server.base + path) as socket:
        for text in garbage:
            await socket.send_str(text)
            message = await socket.receive(timeout=10)
            assert message.type is aiohttp.WSMsgType.TEXT
            assert "error" in msgspec.json.decode(message.data), text
        await socket.send_bytes(b"\x00")
        await socket.send_str('{"method":"ping","id":9}')
        assert msgspec.json.decode((await socket.receive(timeout=10)).data)["id"] == 9
