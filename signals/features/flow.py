"""Feature group "flow": twenty numbers from the stream of trades alone, so that history and live agree exactly.

All averages decay in market time: after dt seconds a value keeps 2^(-dt / half-life) of its weight, so the rows do
not depend on how busy the market is, and a gap of days is simply forgotten. Returns are in natural logarithms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events, Kind, Side

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NAMES = (
    "ret_1s",         # log price minus its decayed mean; half-lives 1 s, 10 s, 1 min, 10 min
    "ret_10s",
    "ret_60s",
    "ret_600s",
    "imbalance_5s",   # signed over total decayed volume, [-1, 1]; half-lives 5 s, 1 min, 10 min
    "imbalance_60s",
    "imbalance_600s",
    "intensity_10s",  # log of trades a second over those of the last hour; half-lives 10 s, 2 min
    "intensity_120s",
    "vol_30s",        # square root of decayed squared returns a second; half-lives 30 s, 5 min, 1 h
    "vol_300s",
    "vol_3600s",
    "vol_ratio",      # log of vol_30s over vol_3600s
    "vwap_dev_60s",   # log price over decayed VWAP; half-lives 1 min, 10 min
    "vwap_dev_600s",
    "rsi_60s",        # up moves minus down moves over all moves, decayed, [-1, 1]; half-life 1 min
    "size_z",         # log size against its decayed mean and deviation, half-life 10 min
    "sign_persist",   # decayed mean of the product of successive aggressor signs, half-life 1 min
    "tod_sin",        # time of day on the circle, UTC
    "tod_cos",
)

# Places in the state. Time is kept as seconds and nanoseconds, because one float64 cannot hold both.
_SEEN, _SECONDS, _NANOS, _LOG_PRICE, _SIGN = range(5)
_MEAN = 5      # 4 decayed mean log prices: 1, 10, 60, 600 s
_SIGNED = 9    # 3 signed volumes: 5, 60, 600 s
_TOTAL = 12    # 3 volumes
_RATE = 15     # 3 trade rates: 10, 120, 3600 s
_VARIANCE = 18  # 3 squared returns: 30, 300, 3600 s
_VWAP_PV = 21  # 2 sums of (log price - anchor) * volume: 60, 600 s
_VWAP_V = 23   # 2 sums of volume
_UP, _DOWN = 25, 26
_SIZE_W, _SIZE_1, _SIZE_2 = 27, 28, 29  # weight, mean and mean square of log size
_PERSIST_W, _PERSIST = 30, 31
_ANCHOR = 32   # the first log price: differences stay small and exact
_SIZE_ANCHOR = 33
STATE_SIZE = 34

_TRADE = int(Kind.TRADE)
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)
_LN2 = math.log(2.0)
_DAY = 86_400
_BILLION = 1_000_000_000
_TINY = 1e-12
_CLIP_Z = 8.0


@dataclass(frozen=True, slots=True)
class FlowGroup:
    """The group as the registry knows it."""

    name: str = "flow"
    version: int = 1
    names: tuple[str, ...] = NAMES

    def state(self, instrument: int) -> Floats:
        """Zeros: nothing seen. The same for each instrument."""
        del instrument
        return np.zeros(STATE_SIZE)

    def update(self, state: Floats, events: Events, rows: Floats, index: Integers) -> int:
        """A row for each trade with a positive price; other events change nothing."""
        return int(update(state, events, rows, index))

    def update_many(self, states: Floats, slots: Integers, events: Events, rows: Floats, index: Integers) -> int:
        """As `update`, the state chosen by instrument; instruments without a slot are skipped."""
        return int(update_many(states, slots, events, rows, index))


@njit(cache=True)
def update(state: Floats, events: Events, rows: Floats, index: Integers) -> int:
    """Number of rows; see FlowGroup."""
    made = 0
    for i in range(len(events)):
        if events[i].kind == _TRADE and events[i].price > 0:
            on_trade(state, events[i], rows[made])
            index[made] = i
            made += 1
    return made


@njit(cache=True)
def update_many(states: Floats, slots: Integers, events: Events, rows: Floats, index: Integers) -> int:
    """Number of rows; see FlowGroup."""
    made = 0
    for i in range(len(events)):
        event = events[i]
        if event.kind != _TRADE or event.price <= 0 or event.instrument >= len(slots):
            continue
        slot = slots[event.instrument]
        if slot >= 0:
            on_trade(states[slot], event, rows[made])
            index[made] = i
            made += 1
    return made


@njit(cache=True)
def on_trade(s: Floats, event: Any, row: Floats) -> None:
    """One trade: decays and feeds the state, writes the row. For use inside other kernels too."""
    log_price = math.log(float(event.price))
    seconds = event.ts_event // _BILLION
    nanos = event.ts_event - seconds * _BILLION
    first = s[_SEEN] == 0.0
    dt = 0.0
    if first:
        s[_SEEN] = 1.0
        s[_ANCHOR] = log_price
        s[_LOG_PRICE] = 0.0
    else:
        # A trade stamped before the last one counts as simultaneous: time never runs backwards here.
        dt = max(0.0, (seconds - s[_SECONDS]) + (nanos - s[_NANOS]) * 1e-9)
    if first or dt > 0.0:
        s[_SECONDS] = seconds
        s[_NANOS] = nanos
    x = log_price - s[_ANCHOR]
    move = x - s[_LOG_PRICE]
    if dt > 0.0:
        _decay(s, dt)
    sign = 1.0 if event.side == _BUY else (-1.0 if event.side == _SELL else 0.0)
    size = _feed(s, x, move, float(max(0, event.qty)), sign)
    s[_LOG_PRICE] = x
    if sign != 0.0:
        s[_SIGN] = sign
    _write(s, x, size, seconds % _DAY, row)


@njit(cache=True)
def _decay(s: Floats, dt: float) -> None:
    """Lets `dt` seconds pass at the last price."""
    per_second = -_LN2 * dt
    h1 = math.exp(per_second)
    h5 = math.exp(per_second / 5.0)
    h10 = math.exp(per_second / 10.0)
    h30 = math.exp(per_second / 30.0)
    h60 = math.exp(per_second / 60.0)
    h120 = math.exp(per_second / 120.0)
    h300 = math.exp(per_second / 300.0)
    h600 = math.exp(per_second / 600.0)
    h3600 = math.exp(per_second / 3600.0)
    last = s[_LOG_PRICE]
    s[_MEAN] = last + h1 * (s[_MEAN] - last)
    s[_MEAN + 1] = last + h10 * (s[_MEAN + 1] - last)
    s[_MEAN + 2] = last + h60 * (s[_MEAN + 2] - last)
    s[_MEAN + 3] = last + h600 * (s[_MEAN + 3] - last)
    for base in (_SIGNED, _TOTAL):
        s[base] *= h5
        s[base + 1] *= h60
        s[base + 2] *= h600
    s[_RATE] *= h10
    s[_RATE + 1] *= h120
    s[_RATE + 2] *= h3600
    s[_VARIANCE] *= h30
    s[_VARIANCE + 1] *= h300
    s[_VARIANCE + 2] *= h3600
    for base in (_VWAP_PV, _VWAP_V):
        s[base] *= h60
        s[base + 1] *= h600
    for place in (_UP, _DOWN, _PERSIST_W, _PERSIST):
        s[place] *= h60
    for place in (_SIZE_W, _SIZE_1, _SIZE_2):
        s[place] *= h600


@njit(cache=True)
def _feed(s: Floats, x: float, move: float, qty: float, sign: float) -> float:
    """Adds the trade; the standardised size of it against those before, 0 where it has none."""
    for k in range(3):
        s[_SIGNED + k] += sign * qty
        s[_TOTAL + k] += qty
        s[_RATE + k] += 1.0
        s[_VARIANCE + k] += move * move
    for k in range(2):
        s[_VWAP_PV + k] += x * qty
        s[_VWAP_V + k] += qty
    if move > 0.0:
        s[_UP] += move
    else:
        s[_DOWN] -= move
    if sign != 0.0 and s[_SIGN] != 0.0:
        s[_PERSIST_W] += 1.0
        s[_PERSIST] += sign * s[_SIGN]
    if qty <= 0.0:
        return 0.0
    log_size = math.log(qty)
    if s[_SIZE_W] == 0.0 and s[_SIZE_ANCHOR] == 0.0:
        s[_SIZE_ANCHOR] = log_size
    y = log_size - s[_SIZE_ANCHOR]
    z = 0.0
    # Fewer than two trades' worth of memory says nothing about what is usual.
    if s[_SIZE_W] > 2.0:
        mean = s[_SIZE_1] / s[_SIZE_W]
        variance = s[_SIZE_2] / s[_SIZE_W] - mean * mean
        if variance > 1e-9:
            z = min(_CLIP_Z, max(-_CLIP_Z, (y - mean) / math.sqrt(variance)))
    s[_SIZE_W] += 1.0
    s[_SIZE_1] += y
    s[_SIZE_2] += y * y
    return z


@njit(cache=True)
def _write(s: Floats, x: float, size: float, second_of_day: float, row: Floats) -> None:
    for k in range(4):
        row[k] = x - s[_MEAN + k]
    for k in range(3):
        row[4 + k] = s[_SIGNED + k] / s[_TOTAL + k] if s[_TOTAL + k] > _TINY else 0.0
    # A decayed count over its half-life is a rate: count * ln 2 / half-life.
    slow = s[_RATE + 2] / 3600.0
    row[7] = math.log(s[_RATE] / 10.0 / slow)
    row[8] = math.log(s[_RATE + 1] / 120.0 / slow)
    row[9] = math.sqrt(s[_VARIANCE] * _LN2 / 30.0)
    row[10] = math.sqrt(s[_VARIANCE + 1] * _LN2 / 300.0)
    row[11] = math.sqrt(s[_VARIANCE + 2] * _LN2 / 3600.0)
    row[12] = math.log((row[9] + _TINY) / (row[11] + _TINY))
    for k in range(2):
        row[13 + k] = x - s[_VWAP_PV + k] / s[_VWAP_V + k] if s[_VWAP_V + k] > _TINY else 0.0
    moves = s[_UP] + s[_DOWN]
    row[15] = (s[_UP] - s[_DOWN]) / moves if moves > _TINY else 0.0
    row[16] = size
    row[17] = s[_PERSIST] / s[_PERSIST_W] if s[_PERSIST_W] > _TINY else 0.0
    angle = 2.0 * math.pi * second_of_day / _DAY
    row[18] = math.sin(angle)
    row[19] = math.cos(angle)
