"""The scripted trades of one symbol's day, and the minute bars that they add up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.market.calendar import MINUTES, NS_PER_MINUTE, NS_PER_MS, day_start
from sandbox.market.fair import Fair
from sandbox.market.noise import generator
from sandbox.market.specs import SymbolSpec

TRADE = np.dtype([("id", np.int64), ("ts_ns", np.int64), ("price", np.int64), ("qty", np.int64),
                  ("buyer_is_maker", np.bool_)])
BAR = np.dtype([(name, np.int64) for name in (
    "open_ns", "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume",
    "taker_buy_quote")])
Ints = NDArray[np.int64]

LEAN = 0.20           # how far the informed flow moves the chance of a buy from one half
LEAST_PER_MINUTE = 4


@dataclass(frozen=True, slots=True)
class Tape:
    """A day of scripted trades: `trades` plus the background's best bid at each (its ask is `spread` above)."""

    trades: NDArray[np.void]
    bid: Ints


def write_tape(fair: Fair, spec: SymbolSpec, seed: int, day: int) -> Tape:
    """The day's trades: exactly `trades_per_day`, spread over the minutes as volatility is."""
    rng = generator(seed, f"{spec.market}:{spec.symbol}:tape", day)
    vol = fair.minute_vol(spec.symbol, day)
    total = spec.trades_per_day
    least = min(LEAST_PER_MINUTE, total // MINUTES)
    counts = least + rng.multinomial(total - least * MINUTES, vol / vol.sum())
    minute = np.repeat(np.arange(MINUTES), counts)
    millis = np.sort(minute * 60_000 + rng.integers(0, 60_000, total))
    mid = np.exp(_walk(rng, fair.log_path(spec.market, spec.symbol, day), vol, counts, minute))
    mid *= 10**spec.price_scale / spec.tick
    buys = rng.random(total) < 0.5 + LEAN * np.tanh(fair.flow(spec.symbol, day)[1:])[minute]
    bid = np.maximum(np.floor(mid - (spec.spread - 1) / 2).astype(np.int64), 1) * spec.tick
    size = np.exp(rng.standard_normal(total)) * (spec.trade_notional * 10 ** (spec.qty_scale + spec.price_scale))
    lots = np.maximum(np.rint(size / (mid * (spec.tick * spec.lot))).astype(np.int64), -(-spec.min_qty // spec.lot))
    trades = np.empty(total, dtype=TRADE)
    trades["id"] = day * total + np.arange(total)
    trades["ts_ns"] = day_start(day) + millis * NS_PER_MS
    trades["price"] = np.where(buys, bid + spec.spread * spec.tick, bid)
    trades["qty"] = lots * spec.lot
    trades["buyer_is_maker"] = ~buys
    return Tape(trades, bid)


def _walk(rng: np.random.Generator, path: NDArray[np.float64], vol: NDArray[np.float64], counts: Ints,
          minute: Ints) -> NDArray[np.float64]:
    """Log mid price at each trade: in every minute a bridge from the path's start to its end."""
    steps = rng.standard_normal(len(minute)) * (vol / np.sqrt(np.maximum(counts, 1)))[minute]
    ends = np.cumsum(counts)
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    start, end = walk[ends - counts], walk[ends]
    share = (np.arange(1, len(minute) + 1) - (ends - counts)[minute]) / counts[minute]
    gap = np.diff(path) - (end - start)
    return np.asarray(path[:-1][minute] + (walk[1:] - start[minute]) + share * gap[minute], dtype=np.float64)


def bars_of(trades: NDArray[np.void], notional_factor: int) -> NDArray[np.void]:
    """Minute bars of the minutes that have trades, in order of time."""
    if not len(trades):
        return np.empty(0, dtype=BAR)
    opens = trades["ts_ns"] // NS_PER_MINUTE
    first = np.concatenate([[0], np.flatnonzero(np.diff(opens)) + 1])
    price, qty = trades["price"], trades["qty"]
    quote = price * qty * notional_factor
    buys = ~trades["buyer_is_maker"]
    last = np.append(first[1:], len(trades))
    bars = np.empty(len(first), dtype=BAR)
    bars["open_ns"] = opens[first] * NS_PER_MINUTE
    bars["open"] = price[first]
    bars["high"] = np.maximum.reduceat(price, first)
    bars["low"] = np.minimum.reduceat(price, first)
    bars["close"] = price[last - 1]
    bars["volume"] = np.add.reduceat(qty, first)
    bars["quote_volume"] = np.add.reduceat(quote, first)
    bars["trades"] = last - first
    bars["taker_buy_volume"] = np.add.reduceat(qty * buys, first)
    bars["taker_buy_quote"] = np.add.reduceat(quote * buys, first)
    return bars
