"""Names of market streams (`btcusdt@depth@100ms`) and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum

from sandbox.server.intervals import INTERVALS


class Kind(Enum):
    """What a market stream carries."""

    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    DEPTH_DIFF = "depth"
    DEPTH_LEVELS = "depthN"
    KLINE = "kline"
    MARK_PRICE = "markPrice"
    TICKER = "ticker"
    MINI_TICKER = "miniTicker"


ALL_SYMBOLS = ""
_DEPTH = re.compile(r"depth(5|10|20)?(?:@(\d+)ms)?")
_DEPTH_SPEEDS = {"spot": (100, 1000), "linear": (0, 100, 250, 500)}
_DEPTH_DEFAULT = {"spot": 1000, "linear": 250}
_ARRAYS = {
    "!bookTicker": (Kind.BOOK_TICKER, 0),
    "!ticker@arr": (Kind.TICKER, 1000),
    "!miniTicker@arr": (Kind.MINI_TICKER, 1000),
    "!markPrice@arr": (Kind.MARK_PRICE, 3000),
    "!markPrice@arr@1s": (Kind.MARK_PRICE, 1000),
}
_FUTURES_ONLY = frozenset({Kind.MARK_PRICE})
_PLAIN = {
    "trade": (Kind.TRADE, 0),
    "aggTrade": (Kind.AGG_TRADE, 0),
    "bookTicker": (Kind.BOOK_TICKER, 0),
    "ticker": (Kind.TICKER, 1000),
    "miniTicker": (Kind.MINI_TICKER, 1000),
    "markPrice": (Kind.MARK_PRICE, 3000),
    "markPrice@1s": (Kind.MARK_PRICE, 1000),
}


@dataclass(frozen=True)
class Stream:
    """One stream: `every_ms` is its pace (0: as things happen), `levels` and `interval` belong to their kinds."""

    name: str
    market: str
    symbol: str
    kind: Kind
    every_ms: int = 0
    levels: int = 0
    interval: str = ""


def parse_stream(name: str, market: str, symbols: Container[str]) -> Stream | None:
    """The stream of this name in `market`, or None when there is none such (Binance accepts it and stays silent)."""
    if name in _ARRAYS:
        kind, pace = _ARRAYS[name]
        if kind in _FUTURES_ONLY and market != "linear":
            return None
        return Stream(name, market, ALL_SYMBOLS, kind, pace)
    lower, _, what = name.partition("@")
    symbol = lower.upper()
    if lower != lower.lower() or symbol not in symbols:
        return None
    if what in _PLAIN:
        kind, pace = _PLAIN[what]
        if kind in _FUTURES_ONLY and market != "linear":
            return None
        return Stream(name, market, symbol, kind, pace)
    if what.startswith("kline_") and what[6:] in INTERVALS:
        return Stream(name, market, symbol, Kind.KLINE, 250 if market == "linear" else 1000, interval=what[6:])
    match = _DEPTH.fullmatch(what)
    if match is None:
        return None
    pace = int(match[2]) if match[2] else _DEPTH_DEFAULT[market]
    if pace not in _DEPTH_SPEEDS[market]:
        return None
    if match[1]:
        return Stream(name, market, symbol, Kind.DEPTH_LEVELS, pace, levels=int(match[1]))
    return Stream(name, market, symbol, Kind.DEPTH_DIFF, pace)
