"""Market data by REST that both markets have: candles, trades, the book, tickers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from sandbox.engine.types import SPOT, Depth, SymbolSpec
from sandbox.errors import ExchangeError
from sandbox.market.calendar import GENESIS_NS
from sandbox.server.candles import kline_rows, page
from sandbox.server.clock import NS_PER_MS, NS_PER_SECOND
from sandbox.server.intervals import INTERVALS
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis, money_text, price_text, qty_text
from sandbox.server.params import Call
from sandbox.server.venue import Venue

_HOUR_NS = 3_600 * NS_PER_SECOND
_DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)


def ping(_: Venue, __: Call) -> Json:
    """GET ping."""
    return {}


def server_time(venue: Venue, _: Call) -> Json:
    """GET time: the wall clock, against which signatures are checked."""
    return {"serverTime": millis(venue.wall_ns())}


def klines(market: str) -> Callable[[Venue, Call], Awaitable[object]]:
    """GET klines."""

    async def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        interval = call.text("interval")
        if interval not in INTERVALS or (interval == "1s" and market != SPOT):
            raise ExchangeError(-1120, "Invalid interval.")
        limit = call.limit(500, 1000 if market == SPOT else 1500)
        venue.sync()
        start, end = call.integer("startTime"), call.integer("endTime")
        rows = await page(venue.exchange, venue.day_candles, spec, interval, start, end, limit)
        return kline_rows(rows, spec, interval)

    return handle


def _trade(row: Any, spec: SymbolSpec) -> Json:
    price, qty = int(row["price"]), int(row["qty"])
    return {
        "id": int(row["id"]),
        "price": price_text(spec, price),
        "qty": qty_text(spec, qty),
        "quoteQty": money_text(price * qty * spec.notional_factor),
        "time": millis(int(row["ts_ns"])),
        "isBuyerMaker": bool(row["buyer_is_maker"]),
        "isBestMatch": True,
    }


def trades(market: str) -> Callable[[Venue, Call], object]:
    """GET trades: the last ones."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        venue.sync()
        rows = venue.exchange.last_trades(market, spec.symbol, call.limit(500, 1000))
        return [_trade(row, spec) for row in rows]

    return handle


def historical_trades(market: str) -> Callable[[Venue, Call], object]:
    """GET historicalTrades: from an id on."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        venue.sync()
        limit = call.limit(500, 1000)
        first = call.integer("fromId")
        core = venue.exchange
        rows = (
            core.last_trades(market, spec.symbol, limit)
            if first is None
            else core.trades_from(market, spec.symbol, first, limit)
        )
        return [_trade(row, spec) for row in rows]

    return handle


def aggregate_trades(market: str) -> Callable[[Venue, Call], object]:
    """GET aggTrades: here each trade is an aggregate of its own, with the trade's id."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        venue.sync()
        rows = _aggregate_rows(venue, call, spec)
        return [_aggregate(row, spec) for row in rows]

    return handle


def _aggregate(row: Any, spec: SymbolSpec) -> Json:
    number = int(row["id"])
    answer: Json = {
        "a": number,
        "p": price_text(spec, int(row["price"])),
        "q": qty_text(spec, int(row["qty"])),
        "f": number,
        "l": number,
        "T": millis(int(row["ts_ns"])),
        "m": bool(row["buyer_is_maker"]),
    }
    if spec.market == SPOT:
        answer["M"] = True
    return answer


def _aggregate_rows(venue: Venue, call: Call, spec: SymbolSpec) -> Any:
    core, limit = venue.exchange, call.limit(500, 1000)
    from_id, start, end = call.integer("fromId"), call.integer("startTime"), call.integer("endTime")
    if from_id is not None and (start is not None or end is not None):
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    if from_id is not None:
        return core.trades_from(spec.market, spec.symbol, from_id, limit)
    # Both ends are in milliseconds and belong to the span.
    stop_ns = core.now_ns + 1 if end is None else min((end + 1) * NS_PER_MS, core.now_ns + 1)
    if start is None:
        if end is None:
            return core.last_trades(spec.market, spec.symbol, limit)
        return _last_before(core.trades, spec, stop_ns, limit)
    # Before genesis there is nothing to wade through.
    return _first_after(core.trades, spec, max(start * NS_PER_MS, GENESIS_NS), stop_ns, limit)


def _first_after(read: Callable[..., Any], spec: SymbolSpec, start: int, stop: int, limit: int) -> Any:
    """The first `limit` trades of [start, stop), read over a span that grows until it is enough."""
    span = _HOUR_NS
    while True:
        rows = read(spec.market, spec.symbol, start, min(stop, start + span))
        if len(rows) >= limit or start + span >= stop:
            return rows[:limit]
        span *= 4


def _last_before(read: Callable[..., Any], spec: SymbolSpec, stop: int, limit: int) -> Any:
    span = _HOUR_NS
    while True:
        rows = read(spec.market, spec.symbol, max(0, stop - span), stop)
        if len(rows) >= limit or span >= stop:
            return rows[-limit:]
        span *= 4


def levels(spec: SymbolSpec, side: list[tuple[int, int]]) -> list[list[str]]:
    """One side of a book as `[price, quantity]` strings."""
    return [[price_text(spec, price), qty_text(spec, qty)] for price, qty in side]


def depth_json(spec: SymbolSpec, book: Depth, wall_ns: int) -> Json:
    """A snapshot of the book."""
    answer: Json = {"lastUpdateId": book.last_update_id}
    if spec.market != SPOT:
        answer |= {"E": millis(wall_ns), "T": millis(book.ts_ns)}
    return answer | {"bids": levels(spec, book.bids), "asks": levels(spec, book.asks)}


def depth(market: str) -> Callable[[Venue, Call], object]:
    """GET depth."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        most = 5000 if market == SPOT else 1000
        limit = call.limit(100 if market == SPOT else 500, most)
        if market != SPOT and limit not in _DEPTH_LIMITS:
            raise ExchangeError(-4021, f"{limit} is not valid depth limit")
        now = venue.sync()
        return depth_json(spec, venue.exchange.depth(market, spec.symbol, limit), now)

    return handle


def _wanted(venue: Venue, call: Call, market: str) -> tuple[list[SymbolSpec], bool]:
    """Symbols asked for, and whether the answer is one object."""
    one = call.optional("symbol")
    if one:
        return [venue.spec(market, one)], True
    many = call.optional("symbols")
    if many is None:
        return [venue.spec(market, symbol) for symbol in venue.symbols(market)], False
    try:
        names = msgspec.json.decode(many, type=list[str])
    except msgspec.DecodeError:
        raise ExchangeError(-1100, "Illegal characters found in parameter 'symbols'.") from None
    return [venue.spec(market, symbol) for symbol in names], False


def per_symbol(market: str, build: Callable[[Venue, SymbolSpec], Json]) -> Callable[[Venue, Call], object]:
    """An endpoint that answers for one symbol, some or all."""

    def handle(venue: Venue, call: Call) -> object:
        specs, single = _wanted(venue, call, market)
        venue.sync()
        answers = [build(venue, spec) for spec in specs]
        return answers[0] if single else answers

    return handle


def price_ticker(venue: Venue, spec: SymbolSpec) -> Json:
    """ticker/price."""
    core = venue.exchange
    answer: Json = {"symbol": spec.symbol, "price": price_text(spec, core.last_price(spec.market, spec.symbol))}
    if spec.market != SPOT:
        answer["time"] = millis(core.now_ns)
    return answer


def book_ticker(venue: Venue, spec: SymbolSpec) -> Json:
    """ticker/bookTicker."""
    best = venue.exchange.book_ticker(spec.market, spec.symbol)
    answer: Json = {
        "symbol": spec.symbol,
        "bidPrice": price_text(spec, best.bid),
        "bidQty": qty_text(spec, best.bid_qty),
        "askPrice": price_text(spec, best.ask),
        "askQty": qty_text(spec, best.ask_qty),
    }
    if spec.market != SPOT:
        answer |= {"time": millis(venue.exchange.now_ns), "lastUpdateId": best.update_id}
    return answer


def average_price(market: str) -> Callable[[Venue, Call], object]:
    """GET avgPrice: volume-weighted over five minutes."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        now = venue.sync()
        bars = venue.exchange.bars(market, spec.symbol, now - 300 * NS_PER_SECOND, now + 1)
        volume = int(bars["volume"].sum())
        last = venue.exchange.last_price(market, spec.symbol)
        # quote volume is 10^-8, volume 10^-qty_scale.
        price = (
            text(int(bars["quote_volume"].sum()) * 10**spec.qty_scale // volume, 8)
            if volume
            else price_text(spec, last)
        )
        return {"mins": 5, "price": price, "closeTime": millis(now)}

    return handle
