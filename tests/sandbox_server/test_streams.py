"""The websocket streams of a lively market, and what keeps them honest: resync, pace, slow clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest

from sandbox.server.pump import PING_EVERY_NS, PONG_WITHIN_NS
from sandbox.server.streams import Kind
from tests.sandbox_server.support import LIVELY, Rest, rest_client, until

SPOT_BASE, FUTURES_BASE = "", "/fapi"


class Feed:
    """A websocket, message by message."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = connection

    async def next(self) -> Any:
        """The next message, within ten seconds."""
        message = await self.socket.receive(timeout=10)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return msgspec.json.decode(message.data)

    async def ask(self, method: str, params: list[str] | None = None, number: int = 1) -> Any:
        """The answer to a request, whatever else comes in between."""
        await self.socket.send_str(msgspec.json.encode({"method": method, "params": params, "id": number}).decode())
        while True:
            message = await self.next()
            if isinstance(message, dict) and message.get("id") == number:
                return message


@asynccontextmanager
async def listening(rest: Rest, path: str, **options: Any) -> AsyncIterator[Feed]:
    """An open websocket."""
    async with rest.session.ws_connect(rest.server.base + path, **options) as connection:
        yield Feed(connection)


@pytest.mark.parametrize("base", [SPOT_BASE, FUTURES_BASE])
async def test_trades_come_with_consecutive_ids_and_are_those_of_rest(base: str):
    async with rest_client() as rest, listening(rest, f"{base}/ws/btcusdt@trade") as feed:
        trades = [await feed.next() for _ in range(40)]
        assert [row["t"] for row in trades] == list(range(trades[0]["t"], trades[0]["t"] + 40))
        path = "/fapi/v1/aggTrades" if base else "/api/v3/aggTrades"
        rows = await rest.get(path, symbol="BTCUSDT", fromId=trades[0]["t"], limit=40)
        assert [(row["a"], row["p"], row["q"], row["T"], row["m"]) for row in rows] == [
            (row["t"], row["p"], row["q"], row["T"], row["m"]) for row in trades
        ]


class LocalBook:
    """A book kept as Binance's documentation tells: snapshot, drop what is older, join, follow."""

    def __init__(self, snapshot: dict[str, Any], *, futures: bool) -> None:
        self.last_id: int = snapshot["lastUpdateId"]
        self.futures = futures
        self.joined = False
        self.sides = {side: {Decimal(p): Decimal(q) for p, q in snapshot[side]} for side in ("bids", "asks")}

    def follow(self, event: dict[str, Any]) -> None:
        """Apply one event, or drop it; AssertionError where the procedure would start again."""
        if event["u"] < self.last_id or (not self.futures and event["u"] == self.last_id):
            return
        if not self.joined:
            assert event["U"] <= self.last_id + (0 if self.futures else 1) or event.get("pu") == self.last_id
        elif self.futures:
            assert event["pu"] == self.last_id
        else:
            assert event["U"] == self.last_id + 1
        self.joined, self.last_id = True, event["u"]
        for side, changes in (("bids", event["b"]), ("asks", event["a"])):
            for price, quantity in changes:
                self.sides[side][Decimal(price)] = Decimal(quantity)
                if not Decimal(quantity):
                    del self.sides[side][Decimal(price)]


@pytest.mark.parametrize("base", [SPOT_BASE, FUTURES_BASE])
@pytest.mark.parametrize("pace", ["@100ms", ""])
async def test_binances_resync_procedure_works_whenever_it_is_begun(base: str, pace: str):
    """Books begun from snapshots taken at different moments are one and the same book from then on."""
    path = "/fapi/v1/depth" if base else "/api/v3/depth"
    lively = replace(LIVELY, quote_rate=5.0, speed=50.0)
    async with rest_client(lively) as rest, listening(rest, f"{base}/ws/ethusdt@depth{pace}") as feed:
        books: list[LocalBook] = []
        for number in range(60):
            event = await feed.next()
            for book in books:
                book.follow(event)
            joined = [book for book in books if book.joined]
            for book in joined[1:]:
                assert book.sides == joined[0].sides
            if number % 6 == 1:
                snapshot = await rest.get(path, symbol="ETHUSDT", limit=1000)
                books.append(LocalBook(snapshot, futures=bool(base)))
        assert sum(book.joined for book in books) >= 8


async def test_one_connection_carries_many_streams_and_lists_them():
    async with rest_client() as rest, listening(rest, "/stream?streams=btcusdt@trade/ethusdt@bookTicker") as feed:
        first = await feed.next()
        assert first["stream"] in {"btcusdt@trade", "ethusdt@bookTicker"}
        assert await feed.ask("SUBSCRIBE", ["solusdt@aggTrade", "solusdt@kline_1m", "nope@trade"], 7) == {
            "result": None, "id": 7,
        }
        assert set((await feed.ask("LIST_SUBSCRIPTIONS", number=8))["result"]) == {
            "btcusdt@trade", "ethusdt@bookTicker", "solusdt@aggTrade", "solusdt@kline_1m", "nope@trade",
        }
        await feed.ask("UNSUBSCRIBE", ["btcusdt@trade", "ethusdt@bookTicker", "solusdt@kline_1m"], 9)
        assert {(await feed.next())["stream"] for _ in range(5)} == {"solusdt@aggTrade"}
        assert "error" in await feed.ask("DANCE", number=10)


@pytest.mark.parametrize("base", [SPOT_BASE, FUTURES_BASE])
async def test_each_candle_is_closed_once_and_equals_rest(base: str):
    async with rest_client() as rest, listening(rest, f"{base}/ws/xrpusdt@kline_1m") as feed:
        closed = []
        while len(closed) < 3:
            candle = (await feed.next())["k"]
            if candle["x"]:
                closed.append(candle)
        assert [candle["t"] for candle in closed] == [closed[0]["t"] + n * 60_000 for n in range(3)]
        assert closed[1]["f"] == closed[0]["L"] + 1
        path = "/fapi/v1/klines" if base else "/api/v3/klines"
        rows = await rest.get(path, symbol="XRPUSDT", interval="1m", startTime=closed[0]["t"], limit=3)
        for row, candle in zip(rows, closed, strict=True):
            names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
            assert row[:11] == [candle[name] for name in names]


async def test_paced_streams_of_futures():
    streams = "btcusdt@markPrice@1s/!markPrice@arr/btcusdt@depth5@100ms/btcusdt@ticker/!miniTicker@arr"
    async with rest_client() as rest, listening(rest, f"/fapi/stream?streams={streams}") as feed:
        seen: dict[str, Any] = {}
        while len(seen) < 5:
            message = await feed.next()
            seen[message["stream"]] = message["data"]
        assert seen["btcusdt@markPrice@1s"]["e"] == "markPriceUpdate"
        assert len(seen["!markPrice@arr"]) == 5
        assert len(seen["btcusdt@depth5@100ms"]["b"]) == 5
        assert seen["btcusdt@ticker"]["e"] == "24hrTicker"
        assert {row["e"] for row in seen["!miniTicker@arr"]} == {"24hrMiniTicker"}


async def test_a_slow_client_is_cut_and_the_others_never_wait():
    async with rest_client() as rest, listening(rest, "/ws/btcusdt@trade") as quick:
        hub = rest.server.hub
        host, port = rest.server.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(
            f"GET /ws/xrpusdt@depth20 HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b"101" in await reader.readline()

        async def both_are_in() -> bool:
            return len(hub.clients) == 2

        async def only_one_is_left() -> bool:
            for topic in hub.topics("spot", "XRPUSDT", Kind.DEPTH_LEVELS):
                topic.publish(b"x" * 500_000)
            await quick.next()
            return len(hub.clients) == 1

        await until(both_are_in)
        # It reads nothing from here on: the sockets' own buffers fill first.
        await until(only_one_is_left)
        writer.close()
        await quick.next()


async def test_spot_user_stream_over_the_websocket_api():
    async with rest_client(replace(LIVELY, speed=1.0, lag_s=0.0)) as rest, listening(rest, "/ws-api/v3") as api:
        wall = rest.server.venue.wall_ns() // 10**6
        assert (await request(api, "time", {}))["result"]["serverTime"] >= wall
        denied = await request(api, "userDataStream.subscribe", {})
        assert denied["status"] == 401
        logon = await request(api, "session.logon", signed(rest, {}))
        assert logon["result"]["apiKey"] == rest.key.key
        assert (await request(api, "userDataStream.subscribe", {}))["result"] == {"subscriptionId": 0}
        price = float((await rest.get("/api/v3/ticker/price", symbol="BTCUSDT"))["price"])
        order = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                 "price": str(int(price * 1.1)), "timestamp": wall}
        await api.socket.send_str(msgspec.json.encode({"id": 5, "method": "order.place", "params": order}).decode())
        messages = [await api.next() for _ in range(3)]
        events = [message["event"] for message in messages if "event" in message]
        placed = next(message["result"] for message in messages if message.get("id") == 5)
        assert {event["e"] for event in events} == {"executionReport", "outboundAccountPosition"}
        report = next(event for event in events if event["e"] == "executionReport")
        assert (report["x"], report["i"], report["c"]) == ("NEW", placed["orderId"], placed["clientOrderId"])
        balance = next(event for event in events if event["e"] == "outboundAccountPosition")
        assert ("BTC", "0.01000000") in {(row["a"], row["l"]) for row in balance["B"]}


async def test_futures_user_stream_by_listen_key():
    async with rest_client(replace(LIVELY, speed=1.0, lag_s=0.0)) as rest:
        key = (await rest.ask("POST", "/fapi/v1/listenKey")).body["listenKey"]
        async with listening(rest, f"/fapi/private/ws?listenKey={key}") as feed:
            await rest.signed("POST", "/fapi/v1/order", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.5")
            events = [await feed.next() for _ in range(3)]
            names = [event["e"] for event in events]
            assert names.count("ORDER_TRADE_UPDATE") >= 2
            update = next(event for event in events if event["e"] == "ACCOUNT_UPDATE")
            assert update["a"]["P"][0]["s"] == "ETHUSDT"
            assert Decimal(update["a"]["B"][0]["wb"]) < 1_000_000
            orders = [event["o"] for event in events if event["e"] == "ORDER_TRADE_UPDATE"]
            trade = next(order for order in orders if order["x"] == "TRADE")
            assert Decimal(trade["n"]) > 0
        assert (await rest.ask("DELETE", "/fapi/v1/listenKey")).status == 200
        assert (await rest.ask("PUT", "/fapi/v1/listenKey")).body["code"] == -1125


def signed(rest: Rest, params: dict[str, object]) -> dict[str, object]:
    """Parameters of a signed websocket request."""
    from sandbox.server.signing import sign

    whole = {"apiKey": rest.key.key, "timestamp": rest.server.venue.wall_ns() // 10**6} | params
    payload = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
    return whole | {"signature": sign(rest.key.secret, payload)}


async def request(api: Feed, method: str, params: dict[str, object], number: int = 1) -> Any:
    """One request over the websocket API and its answer."""
    await api.socket.send_str(msgspec.json.encode({"id": number, "method": method, "params": params}).decode())
    while True:
        message = await api.next()
        if message.get("id") == number:
            return message


async def test_a_client_that_answers_no_ping_is_cut():
    async with rest_client(replace(LIVELY, speed=1.0, lag_s=0.0, quote_rate=50.0)) as rest:
        venue, hub, ahead = rest.server.venue, rest.server.hub, 0
        wall_ns = venue.wall_ns
        venue.wall_ns = lambda: wall_ns() + ahead
        async with listening(rest, "/ws/btcusdt@bookTicker") as good, listening(rest, "/ws", autoping=False) as mute:
            ahead = PING_EVERY_NS
            jumped = venue.wall_ns()
            assert (await mute.socket.receive(timeout=10)).type is aiohttp.WSMsgType.PING

            async def one_has_answered() -> bool:
                await good.next()
                return any(client.last_pong_ns >= jumped for client in hub.clients)

            await until(one_has_answered)
            ahead = PONG_WITHIN_NS + 10**9
            async with asyncio.timeout(10):
                while (await mute.socket.receive()).type is aiohttp.WSMsgType.PING:
                    pass
            assert mute.socket.closed
            await good.next()
            assert len(hub.clients) == 1
