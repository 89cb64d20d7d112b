"""Unmodified ccxt takes the sandbox exchange for Binance: synchronous, asynchronous and over websockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import ccxt
import ccxt.pro
import pytest

from sandbox.server.app import Server
from sandbox.server.options import Options
from sandbox.server.signing import DEFAULT_KEY
from sandbox.server.users import Door
from tests.sandbox_server.ccxt_options import ccxt_options
from tests.sandbox_server.support import LIVELY, WALL_START_NS, serving, until

T = TypeVar("T")
NOW_MS = WALL_START_NS // 10**6
QUIET = replace(LIVELY, speed=1.0, lag_s=0.0)
SYMBOL = {"spot": "BTC/USDT", "swap": "BTC/USDT:USDT"}
BOTH = pytest.mark.parametrize("kind", ["spot", "swap"])

pytestmark = pytest.mark.xdist_group("ccxt")  # importing ccxt costs seconds: once is enough


def config(server: Server, kind: str, *, keyed: bool = True) -> dict[str, Any]:
    """ccxt's configuration; the exchange's clock is not this machine's."""
    pair = {"api_key": DEFAULT_KEY.key, "secret": DEFAULT_KEY.secret} if keyed else {}
    settings = ccxt_options(server.base, default_type=kind, **pair)
    settings["options"]["adjustForTimeDifference"] = True
    return settings | {"enableRateLimit": False}


@asynccontextmanager
async def trading(kind: str, options: Options = QUIET) -> AsyncIterator[tuple[Any, Server]]:
    """A `ccxt.pro.binance` at a running exchange, and that."""
    async with serving(options) as server:
        exchange = ccxt.pro.binance(config(server, kind))
        try:
            await exchange.load_time_difference()
            await exchange.load_markets()
            yield exchange, server
        finally:
            await exchange.close()


async def soon(work: Awaitable[T]) -> T:
    """The result, within ten seconds."""
    return await asyncio.wait_for(work, 10)


@BOTH
@pytest.mark.parametrize("keyed", [True, False])
async def test_synchronous_ccxt_loads_markets_and_reads(kind: str, keyed: bool):
    async with serving(QUIET) as server:
        exchange = ccxt.binance(config(server, kind, keyed=keyed))

        def work() -> None:
            exchange.load_time_difference()
            markets = exchange.load_markets()
            assert len(markets) == 10
            market = markets[SYMBOL[kind]]
            assert market["active"]
            assert market["precision"]["price"] > 0
            assert exchange.fetch_status()["status"] == "ok"
            ticker = exchange.fetch_ticker(SYMBOL[kind])
            assert ticker["low"] <= ticker["last"] <= ticker["high"]
            assert len(exchange.fetch_tickers()) == 5
            book = exchange.fetch_order_book(SYMBOL[kind], 20)
            assert book["bids"][0][0] < book["asks"][0][0]

        await asyncio.to_thread(work)


@BOTH
async def test_candles_and_trades_by_pages(kind: str):
    async with trading(kind) as (exchange, _):
        start = NOW_MS // 60_000 * 60_000 - 2_500 * 60_000
        cursor, bars = start, []
        while page := await exchange.fetch_ohlcv(SYMBOL[kind], "1m", since=cursor, limit=1000):
            bars += page
            cursor = page[-1][0] + 60_000
        assert [bar[0] for bar in bars[:2500]] == [start + 60_000 * n for n in range(2500)]
        cursor, trades = NOW_MS - 3 * 3_600_000, []
        while cursor < NOW_MS:
            page = await exchange.fetch_trades(SYMBOL[kind], since=cursor, limit=1000)
            trades += page
            cursor = page[-1]["timestamp"] + 1 if len(page) == 1000 else cursor + 3_600_000
        ids = [int(trade["id"]) for trade in trades]
        assert len(ids) > 1000
        assert sorted(set(ids)) == list(range(min(ids), max(ids) + 1))


async def test_funding_and_open_interest():
    async with trading("swap") as (exchange, _):
        symbol = SYMBOL["swap"]
        start = NOW_MS - 40 * 86_400_000
        history = await exchange.fetch_funding_rate_history(symbol, since=start, limit=1000)
        assert len(history) == 120
        assert all(b["timestamp"] - a["timestamp"] == 28_800_000 for a, b in itertools.pairwise(history))
        now = await exchange.fetch_funding_rate(symbol)
        assert now["markPrice"] > 0
        assert now["fundingTimestamp"] == history[-1]["timestamp"] + 28_800_000
        assert (await exchange.fetch_open_interest(symbol))["openInterestAmount"] > 0
        assert len(await exchange.fetch_open_interest_history(symbol, "1h", limit=6)) == 6
        assert set(await exchange.fetch_funding_intervals()) == set(await exchange.fetch_funding_rates())


async def test_spot_orders_from_birth_to_fill():
    async with trading("spot") as (exchange, _):
        symbol = SYMBOL["spot"]
        last = (await exchange.fetch_ticker(symbol))["last"]
        before = await exchange.fetch_balance()
        order = await exchange.create_order(symbol, "limit", "buy", 0.02, last * 0.98, {"clientOrderId": "first"})
        assert (order["status"], order["clientOrderId"]) == ("open", "first")
        held = await exchange.fetch_balance()
        assert held["USDT"]["used"] == pytest.approx(order["amount"] * order["price"])
        with pytest.raises(ccxt.InvalidOrder, match="Duplicate"):
            await exchange.create_order(symbol, "limit", "buy", 0.02, last * 0.98, {"clientOrderId": "first"})
        edited = await exchange.edit_order(order["id"], symbol, "limit", "buy", 0.01, last * 0.97)
        assert [row["id"] for row in await exchange.fetch_open_orders(symbol)] == [edited["id"]]
        assert (await exchange.fetch_order(order["id"], symbol))["status"] == "canceled"
        assert (await exchange.cancel_order(edited["id"], symbol))["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order(edited["id"], symbol)
        bought = await exchange.create_order(symbol, "market", "buy", 0.5)
        assert (bought["status"], bought["filled"]) == ("closed", 0.5)
        fills = await exchange.fetch_my_trades(symbol)
        assert sum(fill["amount"] for fill in fills) == pytest.approx(0.5)
        assert sum(fill["cost"] for fill in fills) == pytest.approx(bought["cost"])
        after = await exchange.fetch_balance()
        fees = sum(fill["fee"]["cost"] for fill in fills)
        assert after["BTC"]["free"] == pytest.approx(before["BTC"]["free"] + 0.5 - fees)
        assert after["USDT"]["free"] == pytest.approx(before["USDT"]["free"] - bought["cost"])
        assert after["USDT"]["used"] == 0
        by_cost = await exchange.create_market_buy_order_with_cost(symbol, 100)
        assert 90 < by_cost["cost"] <= 100
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(symbol, "limit", "sell", 50, last * 1.1)
        stop = await exchange.create_order(symbol, "limit", "sell", 0.01, last * 0.9, {"stopPrice": last * 0.91})
        assert [row["id"] for row in await exchange.cancel_all_orders(symbol)] == [stop["id"]]
        assert len(await exchange.fetch_orders(symbol)) == 5


async def test_futures_orders_positions_and_leverage():
    async with trading("swap") as (exchange, _):
        symbol = SYMBOL["swap"]
        last = (await exchange.fetch_ticker(symbol))["last"]
        assert (await exchange.set_leverage(7, symbol))["leverage"] == 7
        assert (await exchange.fetch_leverages([symbol]))[symbol]["longLeverage"] == 7
        assert (await exchange.fetch_position_mode())["hedged"] is False
        resting = await exchange.create_order(symbol, "limit", "buy", 0.02, last * 0.98)
        moved = await exchange.edit_order(resting["id"], symbol, "limit", "buy", 0.03, last * 0.97)
        assert (moved["id"], moved["amount"]) == (resting["id"], 0.03)
        with pytest.raises(ccxt.ExchangeError, match="-5022"):
            await exchange.create_order(symbol, "limit", "buy", 0.01, last * 1.01, {"postOnly": True})
        bought = await exchange.create_order(symbol, "market", "buy", 0.1)
        assert bought["status"] == "closed"
        (position,) = [row for row in await exchange.fetch_positions([symbol]) if row["contracts"]]
        assert (position["side"], position["contracts"]) == ("long", 0.1)
        assert position["entryPrice"] == pytest.approx(bought["average"])
        (risk,) = await exchange.fetch_positions_risk([symbol])
        assert risk["notional"] == pytest.approx(0.1 * risk["markPrice"])
        stop = await exchange.create_order(
            symbol, "market", "sell", 0.1, None, {"stopLossPrice": last * 0.9, "reduceOnly": True}
        )
        assert [row["id"] for row in await exchange.fetch_open_orders(symbol)] == [resting["id"]]
        assert [row["id"] for row in await exchange.fetch_open_orders(symbol, params={"trigger": True})] == [stop["id"]]
        await exchange.cancel_order(stop["id"], symbol, {"trigger": True})
        sold = await exchange.create_order(symbol, "market", "sell", 0.3, None, {"reduceOnly": True})
        assert sold["filled"] == pytest.approx(0.1)
        assert [row for row in await exchange.fetch_positions([symbol]) if row["contracts"]] == []
        fills = await exchange.fetch_my_trades(symbol)
        realized = sum(float(fill["info"]["realizedPnl"]) - fill["fee"]["cost"] for fill in fills)
        balance = (await exchange.fetch_balance())["USDT"]
        assert balance["total"] == pytest.approx(1_000_000 + realized)
        assert balance["used"] > 0
        await exchange.cancel_all_orders(symbol)
        assert (await exchange.fetch_balance())["USDT"]["used"] == 0
        tiers = await exchange.fetch_leverage_tiers([symbol])
        assert tiers[symbol][0]["maxLeverage"] == 125
        incomes = await exchange.fapiPrivateGetIncome({"incomeType": "COMMISSION"})
        assert sum(float(row["income"]) for row in incomes) == pytest.approx(
            -sum(fill["fee"]["cost"] for fill in fills)
        )


@BOTH
async def test_watching_the_market(kind: str):
    async with trading(kind, LIVELY) as (exchange, _):
        symbol = SYMBOL[kind]
        trades = await soon(exchange.watch_trades(symbol))
        assert trades[-1]["symbol"] == symbol
        for _ in range(5):
            book = await soon(exchange.watch_order_book(symbol))
            assert book["symbol"] == symbol
            assert book["bids"][0][0] < book["asks"][0][0]
        assert (await soon(exchange.watch_ohlcv(symbol, "1m")))[-1][5] > 0
        assert (await soon(exchange.watch_ticker(symbol)))["last"] > 0
        assert symbol in await soon(exchange.watch_bids_asks([symbol]))
        if kind == "swap":
            assert (await soon(exchange.watch_mark_price(symbol)))["markPrice"] > 0


@BOTH
async def test_watching_orders_fills_balances_and_positions(kind: str):
    async with trading(kind) as (exchange, server):
        symbol = SYMBOL[kind]
        last = (await exchange.fetch_ticker(symbol))["last"]
        watched = [
            asyncio.create_task(work)
            for work in (exchange.watch_orders(symbol), exchange.watch_my_trades(symbol), exchange.watch_balance())
        ]
        if kind == "swap":
            assert await soon(exchange.watch_positions([symbol])) == []
            watched.append(asyncio.create_task(exchange.watch_positions([symbol])))
        door = Door(DEFAULT_KEY.account, "spot" if kind == "spot" else "linear")

        async def listened_to() -> bool:
            return server.users.count(door) > 0

        await until(listened_to)
        resting = await exchange.create_order(symbol, "limit", "buy", 0.01, last * 0.98)
        orders = await soon(watched[0])
        assert (orders[-1]["id"], orders[-1]["status"]) == (resting["id"], "open")
        bought = await exchange.create_order(symbol, "market", "buy", 0.01)
        fills = await soon(watched[1])
        assert (fills[-1]["order"], fills[-1]["amount"]) == (bought["id"], 0.01)
        assert fills[-1]["fee"]["cost"] > 0
        assert "USDT" in await soon(watched[2])
        if kind == "swap":
            assert (await soon(watched[3]))[0]["contracts"] == 0.01
        gone = asyncio.create_task(exchange.watch_orders(symbol))
        await exchange.cancel_order(resting["id"], symbol)
        assert (await soon(gone))[-1]["status"] in {"canceled", "closed"}


@BOTH
async def test_trading_over_the_websocket_api(kind: str):
    async with trading(kind) as (exchange, _):
        symbol = SYMBOL[kind]
        last = (await exchange.fetch_ticker(symbol))["last"]
        placed = await soon(exchange.create_order_ws(symbol, "limit", "buy", 0.01, last * 0.98))
        assert placed["status"] == "open"
        edited = await soon(exchange.edit_order_ws(placed["id"], symbol, "limit", "buy", 0.02, last * 0.97))
        assert edited["amount"] == 0.02
        assert (await soon(exchange.cancel_order_ws(edited["id"], symbol)))["status"] == "canceled"
        if kind == "swap":  # ccxt looks for futures' fields only
            assert (await soon(exchange.fetch_balance_ws()))["info"]
        with pytest.raises(ccxt.BaseError):
            await soon(exchange.cancel_order_ws(edited["id"], symbol))
