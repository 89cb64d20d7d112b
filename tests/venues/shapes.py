"""Venues as they answer: recorded instruments, and histories in the recorded shapes with each venue's own paging."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.venues.answers import Answer, Query
from venues.exchange import make_exchange

Route = Callable[[Query], Answer]


def recorded(recordings: Path, venue: str, name: str) -> Any:
    """An answer of a venue as it was recorded."""
    folder = recordings / "nautechsystems+nautilus_trader" / "crates" / "adapters" / venue / "test_data"
    return json.loads((folder / f"http_{name}.json").read_text())


def pointed(name: str, base: str, market: str) -> Any:
    """ccxt's exchange, unmodified but for its addresses."""
    exchange = make_exchange(name, market=market)
    exchange.enableRateLimit = False

    def aim(value: Any) -> Any:
        return {key: aim(part) for key, part in value.items()} if isinstance(value, dict) else base

    exchange.urls["api"] = aim(exchange.urls["api"])
    return exchange


def bybit(recordings: Path, now: int, bars: list[int], funding: list[int], trades: list[int]) -> dict[str, Route]:
    """Bybit: bars from `start` on, newest first; funding between two times, newest first; the newest trades only."""
    kline = recorded(recordings, "bybit", "get_klines_linear")["result"]["list"][0]
    rate = recorded(recordings, "bybit", "get_funding_history")["result"]["list"][0]
    trade = recorded(recordings, "bybit", "get_trades_recent")["result"]["list"][0]

    def ok(rows: list[Any], **more: object) -> Answer:
        return Answer({"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows, **more},
                       "time": now})

    def instruments(query: Query) -> Answer:
        if query["category"] in {"linear", "inverse", "spot"}:
            answer = recorded(recordings, "bybit", f"get_instruments_{query['category']}")
            answer["result"]["category"] = query["category"]
            for row in answer["result"]["list"]:  # today's answers tell the settlement coin, the recorded ones did not
                row["settleCoin"] = row["quoteCoin"] if query["category"] == "linear" else row["baseCoin"]
            return Answer(answer)
        return ok([], nextPageCursor="")

    def klines(query: Query) -> Answer:
        rows = [ts for ts in bars if ts >= int(query["start"])][: min(1000, int(query["limit"]))]
        return ok([[str(ts), *kline[1:]] for ts in reversed(rows)], symbol="BTCUSDT")

    def rates(query: Query) -> Answer:
        rows = [ts for ts in funding if int(query["startTime"]) <= ts <= int(query["endTime"])]
        rows = rows[-min(200, int(query["limit"])):]
        return ok([{**rate, "fundingRateTimestamp": str(ts)} for ts in reversed(rows)])

    def recent(query: Query) -> Answer:
        numbered = list(enumerate(trades))[-min(1000, int(query["limit"])):]
        return ok([{**trade, "execId": f"t-{n}", "time": str(ts)} for n, ts in reversed(numbered)])

    return {
        "/v5/market/instruments-info": instruments, "/v5/market/kline": klines,
        "/v5/market/funding/history": rates, "/v5/market/recent-trade": recent,
        "/v5/market/orderbook": lambda _: Answer(recorded(recordings, "bybit", "get_orderbook")),
        "/v5/market/time": lambda _: ok([], timeSecond=str(now // 1000), timeNano=str(now * 10**6)),
    }


def okx(recordings: Path, now: int, bars: list[int], funding: list[int], trades: list[int]) -> dict[str, Route]:
    """OKX: everything newest first, between an exclusive `before` and an exclusive `after`."""
    candle = recorded(recordings, "okx", "get_candlesticks_full")["data"][0]
    rate = recorded(recordings, "okx", "get_funding_rate_history")["data"][0]
    trade = recorded(recordings, "okx", "get_trades")["data"][0]

    def ok(rows: list[Any]) -> Answer:
        return Answer({"code": "0", "msg": "", "data": rows})

    def between(times: list[int], query: Query, most: int) -> list[int]:
        low, high = int(query.get("before", "0")), int(query.get("after", str(2**62)))
        return [ts for ts in times if low < ts < high][::-1][: min(most, int(query.get("limit", "100")))]

    def instruments(query: Query) -> Answer:
        kind = query["instType"].lower()
        return Answer(recorded(recordings, "okx", f"get_instruments_{kind}")) if kind in {"spot", "swap"} else ok([])

    def history(query: Query) -> Answer:
        numbered = list(enumerate(trades))
        if query["type"] == "2":
            numbered = [(n, ts) for n, ts in numbered if ts < int(query["after"])]
        else:
            numbered = [(n, ts) for n, ts in numbered if n < int(query["after"])]
        rows = numbered[::-1][: min(100, int(query["limit"]))]
        return ok([{**trade, "instId": query["instId"], "tradeId": str(n), "ts": str(ts)} for n, ts in rows])

    def candles(query: Query) -> Answer:
        return ok([[str(ts), *candle[1:]] for ts in between(bars, query, 300)])

    def rates(query: Query) -> Answer:
        return ok([{**rate, "instId": query["instId"], "fundingTime": str(ts)} for ts in between(funding, query, 100)])

    return {
        "/api/v5/public/instruments": instruments, "/api/v5/market/candles": candles,
        "/api/v5/market/history-candles": candles, "/api/v5/public/funding-rate-history": rates,
        "/api/v5/market/history-trades": history,
        "/api/v5/market/books": lambda _: Answer(recorded(recordings, "okx", "get_order_book")),
        "/api/v5/public/time": lambda _: ok([{"ts": str(now)}]),
    }
