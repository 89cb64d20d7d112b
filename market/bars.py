"""Bars from trades and longer bars from shorter ones: the only code that makes a bar.

A bar covers [ts_event, ts_event + interval) and is known at its end. Minutes without a trade have no bar.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from infra.errors import TickhouseError
from market.errors import MarketCode
from market.events import Events, Kind

SECOND = 1_000_000_000

_FIELDS = [
    ("ts_event", np.int64),    # the bar's open time, ns
    ("ts_known", np.int64),    # its close, ns: when anyone could first have known it
    ("open", np.int64),        # 10^-price_scale
    ("high", np.int64),
    ("low", np.int64),
    ("close", np.int64),
    ("volume", np.int64),      # 10^-qty_scale
    ("count", np.int64),       # trades in it; -1 where the venue does not say
    ("instrument", np.uint32),
    ("interval_s", np.uint32),
]
BAR = np.dtype(_FIELDS, align=True)
# The open bar (count 0: none yet) and the trades that came after their bar was closed.
BAR_STATE = np.dtype([*_FIELDS, ("late", np.int64)], align=True)

Bars = NDArray[np.void]

_TRADE = int(Kind.TRADE)


def empty(count: int) -> Bars:
    """Zeroed bar array of `count` records."""
    return np.zeros(count, dtype=BAR)


def new_state(instrument: int, interval_s: int) -> Bars:
    """The state of one instrument before its first trade: an array of one BAR_STATE."""
    state = np.zeros(1, dtype=BAR_STATE)
    state["instrument"] = instrument
    state["interval_s"] = interval_s
    return state


def update(state: Bars, events: Events) -> Bars:
    """The bars that these events closed, in time order; the bar still open stays in `state`.

    Only trades of the state's instrument with a quantity count. Chunk-invariant: split the events anywhere, the bars
    together are the same. A trade older than the open bar is left out and counted in `state["late"]`.
    """
    out = np.zeros(len(events), dtype=BAR)
    return out[: _update(state, events, out)]


def close(state: Bars, now: int) -> Bars:
    """The open bar if its interval has ended by `now` (ns), else no bar: at the end of history and by a live timer."""
    bar = state[0]
    if bar["count"] == 0 or bar["ts_known"] > now:
        return empty(0)
    out = empty(1)
    for name in BAR.fields or ():
        out[name] = bar[name]
    # The bar's own times stay, so that a trade that comes too late is still known as late.
    state["count"] = 0
    return out


def aggregate(bars: Bars, interval_s: int) -> Bars:
    """Longer bars of `interval_s` from shorter ones, sorted by (instrument, ts_event); the last may be partial.

    MARKET_INTERVAL_BAD unless `interval_s` is a whole multiple of every bar's own; MARKET_BARS_UNSORTED for disorder,
    overlap included. A count is -1 as soon as one part's is.
    """
    if len(bars) == 0:
        return empty(0)
    own = np.unique(bars["interval_s"])
    if np.any(own <= 0) or interval_s <= 0 or np.any(interval_s % own):
        raise TickhouseError(MarketCode.MARKET_INTERVAL_BAD, wanted=interval_s, have=own.tolist())
    same = bars["instrument"][1:] == bars["instrument"][:-1]
    later = bars["ts_event"][1:] > bars["ts_event"][:-1]
    if np.any(same & ~later) or np.any(bars["instrument"][1:] < bars["instrument"][:-1]):
        raise TickhouseError(MarketCode.MARKET_BARS_UNSORTED, bars=len(bars))
    out = empty(len(bars))
    return out[: _aggregate(bars, interval_s, out)]


@njit(cache=True)
def _update(state: Bars, events: Events, out: Bars) -> int:
    bar = state[0]
    width = np.int64(bar.interval_s) * SECOND
    made = 0
    for event in events:
        if event.kind != _TRADE or event.instrument != bar.instrument or event.qty <= 0:
            continue
        start = event.ts_event - event.ts_event % width
        if start < bar.ts_event:
            bar.late += 1
            continue
        if bar.count == 0 and start == bar.ts_event and bar.ts_known != 0:
            bar.late += 1  # `close` has given this bar away
            continue
        if bar.count > 0 and start > bar.ts_event:
            _emit(bar, out[made])
            made += 1
            bar.count = 0
        if bar.count == 0:
            bar.ts_event = start
            bar.ts_known = start + width
            bar.open = event.price
            bar.high = event.price
            bar.low = event.price
            bar.volume = 0
        bar.high = max(bar.high, event.price)
        bar.low = min(bar.low, event.price)
        bar.close = event.price
        bar.volume += event.qty
        bar.count += 1
    return made


@njit(cache=True)
def _emit(bar: Any, out: Any) -> None:
    out.ts_event = bar.ts_event
    out.ts_known = bar.ts_known
    out.open = bar.open
    out.high = bar.high
    out.low = bar.low
    out.close = bar.close
    out.volume = bar.volume
    out.count = bar.count
    out.instrument = bar.instrument
    out.interval_s = bar.interval_s


@njit(cache=True)
def _aggregate(bars: Bars, interval_s: int, out: Bars) -> int:
    width = np.int64(interval_s) * SECOND
    made = 0
    for bar in bars:
        start = bar.ts_event - bar.ts_event % width
        if made == 0 or out[made - 1].instrument != bar.instrument or out[made - 1].ts_event != start:
            _emit(bar, out[made])
            out[made].ts_event = start
            out[made].ts_known = start + width
            out[made].interval_s = interval_s
            made += 1
            continue
        long = out[made - 1]
        long.high = max(long.high, bar.high)
        long.low = min(long.low, bar.low)
        long.close = bar.close
        long.volume += bar.volume
        long.count = -1 if long.count < 0 or bar.count < 0 else long.count + bar.count
    return made
