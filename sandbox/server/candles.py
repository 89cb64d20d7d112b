"""Candles of every interval out of the core's one-minute bars, and of one second out of its trades."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.engine.exchange import Exchange
from sandbox.engine.types import SPOT, SymbolSpec
from sandbox.market.calendar import GENESIS_NS
from sandbox.server.clock import NS_PER_MS
from sandbox.server.intervals import INTERVALS, MONTH, next_open, open_of, step_back
from sandbox.server.numbers import texts
from sandbox.server.order_json import SPOT_DIGITS

_MINUTE_MS = 60_000
# Bars are made in pieces of this many days, so that a long request does not hold the live streams up.
DAY_MS = 24 * 60 * _MINUTE_MS
_PIECE_MS = 7 * DAY_MS

CANDLE = np.dtype(
    [
        ("open_ms", "i8"), ("open", "i8"), ("high", "i8"), ("low", "i8"), ("close", "i8"), ("volume", "i8"),
        ("quote_volume", "i8"), ("trades", "i8"), ("taker_buy_volume", "i8"), ("taker_buy_quote", "i8"),
    ]
)  # fmt: skip
_SUMMED = ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote")


def fold(rows: NDArray[Any], opens_ms: NDArray[np.int64]) -> NDArray[Any]:
    """Candles of rows in time order that share an opening time; the rows carry CANDLE's fields."""
    if not len(rows):
        return np.empty(0, CANDLE)
    starts = np.flatnonzero(np.r_[True, opens_ms[1:] != opens_ms[:-1]])
    out = np.empty(len(starts), CANDLE)
    out["open_ms"] = opens_ms[starts]
    out["open"] = rows["open"][starts]
    out["high"] = np.maximum.reduceat(rows["high"], starts)
    out["low"] = np.minimum.reduceat(rows["low"], starts)
    out["close"] = rows["close"][np.r_[starts[1:] - 1, len(rows) - 1]]
    for name in _SUMMED:
        out[name] = np.add.reduceat(rows[name], starts)
    return out


def _opens(interval: str, at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    if interval == MONTH:
        months: NDArray[np.int64] = at_ms.astype("M8[ms]").astype("M8[M]").astype("M8[ms]").astype(np.int64)
        return months
    step = INTERVALS[interval]
    origin = open_of(interval, 0) % step
    opens: NDArray[np.int64] = at_ms - (at_ms - origin) % step
    return opens


def candles(core: Exchange, spec: SymbolSpec, interval: str, start_ms: int, end_ms: int) -> NDArray[Any]:
    """Candles with an open in [start_ms, end_ms), whose start is a candle's open; the forming one as it stands."""
    start, end = start_ms * NS_PER_MS, end_ms * NS_PER_MS
    if interval == "1s":
        return _seconds(core, spec, start, end)
    bars = core.bars(spec.market, spec.symbol, start, end)
    return fold(bars, _opens(interval, bars["open_ns"] // NS_PER_MS))


def _seconds(core: Exchange, spec: SymbolSpec, start: int, end: int) -> NDArray[Any]:
    trades = core.trades(spec.market, spec.symbol, start, end)
    rows = np.zeros(len(trades), CANDLE)
    for name in ("open", "high", "low", "close"):
        rows[name] = trades["price"]
    rows["volume"] = trades["qty"]
    rows["quote_volume"] = trades["price"] * trades["qty"] * spec.notional_factor
    rows["trades"] = 1
    taker_buys = ~trades["buyer_is_maker"]
    rows["taker_buy_volume"] = rows["volume"] * taker_buys
    rows["taker_buy_quote"] = rows["quote_volume"] * taker_buys
    return fold(rows, _opens("1s", trades["ts_ns"] // NS_PER_MS))


class DayCandles:
    """Candles of days that are over: they never change again, and long candles are made of many."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], NDArray[Any]] = {}

    def long(self, core: Exchange, spec: SymbolSpec, interval: str, start_ms: int, end_ms: int) -> NDArray[Any]:
        """`candles` of an interval of whole days; `start_ms` and `end_ms` are midnights, or the end is now."""
        now_ms, days = core.now_ns // NS_PER_MS, []
        for day_ms in range(start_ms, end_ms, DAY_MS):
            key = (spec.market, spec.symbol, day_ms)
            day = self._known.get(key)
            if day is None:
                day = candles(core, spec, "1d", day_ms, min(day_ms + DAY_MS, end_ms))
                if day_ms + DAY_MS <= min(now_ms, end_ms):
                    self._known[key] = day
            days.append(day)
        rows = np.concatenate(days)
        return fold(rows, _opens(interval, rows["open_ms"]))


async def page(
    core: Exchange,
    days: DayCandles,
    spec: SymbolSpec,
    interval: str,
    start_ms: int | None,
    end_ms: int | None,
    limit: int,
) -> NDArray[Any]:
    """One page of candles as Binance cuts it: from `start_ms` on, or the last ones up to `end_ms` or now.

    A start before the first candle there is means that one.
    """
    now_ms, genesis_ms = core.now_ns // NS_PER_MS, GENESIS_NS // NS_PER_MS
    last = min(end_ms if end_ms is not None else now_ms, now_ms)
    if start_ms is None:
        first = step_back(interval, open_of(interval, last), limit - 1)
    else:
        first = open_of(interval, max(start_ms, genesis_ms))
        first = first if first >= start_ms else next_open(interval, first)
        # `limit` candles and no more: the rest of the range is another page.
        last = min(last, step_back(interval, first, -limit) - 1)
    parts = []
    # A week that genesis cuts begins with it.
    cursor = max(first, genesis_ms)
    while cursor <= last:
        stop = min(last + 1, next_open(interval, open_of(interval, cursor + _PIECE_MS)))
        make = days.long if INTERVALS[interval] >= DAY_MS else candles
        parts.append(make(core, spec, interval, cursor, stop))
        cursor = stop
        if cursor <= last:
            await asyncio.sleep(0)
    return np.concatenate(parts)[:limit] if parts else np.empty(0, CANDLE)


def kline_rows(rows: NDArray[Any], spec: SymbolSpec, interval: str) -> list[tuple[object, ...]]:
    """Candles as the REST interfaces write them."""
    spot = spec.market == SPOT

    def column(name: str, scale: int, digits: int) -> list[str]:
        return texts(rows[name], scale, digits)

    prices = spec.price_scale, SPOT_DIGITS if spot else spec.price_scale
    quantities = spec.qty_scale, SPOT_DIGITS if spot else spec.qty_scale
    opens = rows["open_ms"].tolist()
    return list(
        zip(
            opens,
            column("open", *prices),
            column("high", *prices),
            column("low", *prices),
            column("close", *prices),
            column("volume", *quantities),
            [next_open(interval, open_ms) - 1 for open_ms in opens],
            column("quote_volume", 8, 8),
            rows["trades"].tolist(),
            column("taker_buy_volume", *quantities),
            column("taker_buy_quote", 8, 8),
            ["0"] * len(opens),
            strict=True,
        )
    )
