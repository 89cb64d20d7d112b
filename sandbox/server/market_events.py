"""Market events as the streams write them."""

from __future__ import annotations

from typing import Any

from sandbox.engine.types import SPOT, BookTicker, DepthDiff, Mark, SymbolSpec, Trade
from sandbox.server.intervals import next_open
from sandbox.server.market_rest import levels
from sandbox.server.numbers import text
from sandbox.server.order_json import Json, millis, money_text, price_text, qty_text


def trade_event(event: Trade, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@trade`."""
    at = millis(event.ts_ns)
    answer: Json = {
        "e": "trade",
        "E": at,
        "s": event.symbol,
        "t": event.id,
        "p": price_text(spec, event.price),
        "q": qty_text(spec, event.qty),
        "T": at,
        "m": event.buyer_is_maker,
    }
    if spec.market == SPOT:
        answer["M"] = True
    else:
        answer["X"] = "MARKET"
    return answer


def aggregate_event(event: Trade, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@aggTrade`; each trade is an aggregate of its own."""
    at = millis(event.ts_ns)
    answer: Json = {
        "e": "aggTrade",
        "E": at,
        "s": event.symbol,
        "a": event.id,
        "p": price_text(spec, event.price),
        "q": qty_text(spec, event.qty),
        "f": event.id,
        "l": event.id,
        "T": at,
        "m": event.buyer_is_maker,
    }
    if spec.market == SPOT:
        answer["M"] = True
    return answer


def book_ticker_event(event: BookTicker, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@bookTicker`: on spot without a name and a time."""
    best: Json = {
        "u": event.update_id,
        "s": event.symbol,
        "b": price_text(spec, event.bid),
        "B": qty_text(spec, event.bid_qty),
        "a": price_text(spec, event.ask),
        "A": qty_text(spec, event.ask_qty),
    }
    if spec.market == SPOT:
        return best
    at = millis(event.ts_ns)
    return {"e": "bookTicker"} | best | {"T": at, "E": at}


def depth_event(event: DepthDiff, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@depth`."""
    at = millis(event.ts_ns)
    answer: Json = {"e": "depthUpdate", "E": at}
    if spec.market != SPOT:
        answer["T"] = at
    answer |= {"s": event.symbol, "U": event.first_id, "u": event.last_id}
    if spec.market != SPOT:
        answer["pu"] = event.previous_id
    return answer | {"b": levels(spec, event.bids), "a": levels(spec, event.asks)}


def mark_event(event: Mark, spec: SymbolSpec) -> Json:
    """One event of `<symbol>@markPrice`."""
    return {
        "e": "markPriceUpdate",
        "E": millis(event.ts_ns),
        "s": event.symbol,
        "p": price_text(spec, event.mark),
        "i": price_text(spec, event.index),
        "P": price_text(spec, event.index),
        "r": text(event.rate, 8),
        "T": millis(event.next_funding_ns),
    }


def kline_event(candle: Any, spec: SymbolSpec, interval: str, at_ms: int, last_id: int) -> Json:
    """One event of `<symbol>@kline_<interval>`; closed once `at_ms` is past the candle."""
    open_ms = int(candle["open_ms"])
    close_ms = next_open(interval, open_ms) - 1
    count = int(candle["trades"])
    return {
        "e": "kline",
        "E": at_ms,
        "s": spec.symbol,
        "k": {
            "t": open_ms,
            "T": close_ms,
            "s": spec.symbol,
            "i": interval,
            "f": last_id - count + 1 if count else -1,
            "L": last_id if count else -1,
            "o": price_text(spec, int(candle["open"])),
            "c": price_text(spec, int(candle["close"])),
            "h": price_text(spec, int(candle["high"])),
            "l": price_text(spec, int(candle["low"])),
            "v": qty_text(spec, int(candle["volume"])),
            "n": count,
            "x": at_ms > close_ms,
            "q": money_text(int(candle["quote_volume"])),
            "V": qty_text(spec, int(candle["taker_buy_volume"])),
            "Q": money_text(int(candle["taker_buy_quote"])),
            "B": "0",
        },
    }
