"""Feature group "daily": fourteen well-known factors of daily bars, a row a bar.

Windows count bars, not days: a day without a bar is not there. Returns are in natural logarithms, nothing is
annualised. A number whose window has not filled, or that is not defined (no volume, no movement), is NaN. Every
window is summed afresh for each bar, so a row does not drift with the length of the history before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.bars import Bars
from market.instrument import Instrument, InstrumentKind

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NAMES = (
    "ret_1",          # log return over 1, 5, 20, 60 bars
    "ret_5",
    "ret_20",
    "ret_60",
    "vol_20",         # sample deviation of one-bar returns over 20, 60 bars
    "vol_60",
    "rsi_14",         # Wilder's, [0, 100]: averages of gains and losses that keep 13/14 a bar; 50 where both are 0
    "ma_ratio_10_30",  # log of the mean close of 10 bars over that of 30
    "volume_ratio_20",  # volume over its mean of 20 bars, this one included
    "range",          # log of high over low
    "vwap_dist_20",   # log of the close over the mean typical price (high, low, close) of 20 bars weighted by volume
    "skew_20",        # third moment of one-bar returns over 20 bars, by the deviation cubed (biased)
    "drawdown_60",    # worst of 60 bars' closes against the highest close of the 60 bars up to each, <= 0
    "amihud_20",      # mean |return| by a million of quote currency traded, over the 20 bars' bars with volume
)

# Places in the state. A ring is written twice, W apart, so that its newest n values always lie side by side.
_COUNT, _SECONDS, _UNIT, _INVERSE, _UP, _DOWN = range(6)
_W_CLOSE, _W_RETURN, _W_SHORT, _W_FALL = 61, 60, 20, 60
_CLOSE = 6
_RETURN = _CLOSE + 2 * _W_CLOSE
_VOLUME = _RETURN + 2 * _W_RETURN
_VALUE = _VOLUME + 2 * _W_SHORT      # typical price times volume
_ILLIQUID = _VALUE + 2 * _W_SHORT
_FALL = _ILLIQUID + 2 * _W_SHORT
STATE_SIZE = _FALL + 2 * _W_FALL

_BILLION = 1_000_000_000
_MILLION = 1e6
_STILL = 1e-24  # a variance below it is rounding

# Only the two entrances are kept on disk: what they call is compiled into them, and writing each apart takes time.


@dataclass(frozen=True, slots=True)
class DailyGroup:
    """The group as the registry knows it."""

    name: str = "daily"
    version: int = 1
    names: tuple[str, ...] = NAMES
    interval_s: int = 86_400

    def state(self, life: Instrument) -> Floats:
        """Nothing seen, and what a unit of price times volume is worth in the quote currency."""
        state = np.zeros(STATE_SIZE)
        inverse = life.kind is InstrumentKind.INVERSE  # its contracts are counted in the quote currency
        places = life.qty_scale if inverse else life.qty_scale + life.price_scale
        state[_UNIT] = life.contract_size * 1e-8 / 10.0**places
        state[_INVERSE] = inverse
        return state

    def update(self, state: Floats, bars: Bars, rows: Floats, index: Integers) -> int:
        """A row for each bar later than the last one with positive prices; other bars change nothing."""
        return int(update(state, bars, rows, index))

    def update_many(self, states: Floats, slots: Integers, bars: Bars, rows: Floats, index: Integers) -> int:
        """As `update`, the state chosen by instrument; instruments without a slot are skipped."""
        return int(update_many(states, slots, bars, rows, index))


@njit(cache=True)
def update(state: Floats, bars: Bars, rows: Floats, index: Integers) -> int:
    """Number of rows; see DailyGroup."""
    made = 0
    for i in range(len(bars)):
        if on_bar(state, bars[i], rows[made]):
            index[made] = i
            made += 1
    return made


@njit(cache=True)
def update_many(states: Floats, slots: Integers, bars: Bars, rows: Floats, index: Integers) -> int:
    """Number of rows; see DailyGroup."""
    made = 0
    for i in range(len(bars)):
        instrument = bars[i].instrument
        if instrument >= len(slots) or slots[instrument] < 0:
            continue
        if on_bar(states[slots[instrument]], bars[i], rows[made]):
            index[made] = i
            made += 1
    return made


@njit(cache=False)
def on_bar(s: Floats, bar: Any, row: Floats) -> bool:
    """One bar: feeds the state and writes the row; False where the bar is not taken."""
    seconds = float(bar.ts_event // _BILLION)
    count = int(s[_COUNT])
    if bar.low <= 0 or bar.high <= 0 or bar.close <= 0 or (count > 0 and seconds <= s[_SECONDS]):
        return False
    high, low, close, volume = float(bar.high), float(bar.low), float(bar.close), float(max(0, bar.volume))
    typical = (high + low + close) / 3.0
    _put(s, _CLOSE, _W_CLOSE, count, close)
    _put(s, _VOLUME, _W_SHORT, count, volume)
    _put(s, _VALUE, _W_SHORT, count, typical * volume)
    end = _end(_CLOSE, _W_CLOSE, count)
    top = close
    for k in range(end - min(count + 1, 60), end):
        top = max(top, s[k])
    _put(s, _FALL, _W_FALL, count, close / top - 1.0)
    if count > 0:
        move = math.log(close / s[end - 2])
        turnover = volume * s[_UNIT] if s[_INVERSE] > 0.0 else typical * volume * s[_UNIT]
        _put(s, _RETURN, _W_RETURN, count - 1, move)
        _put(s, _ILLIQUID, _W_SHORT, count - 1, abs(move) / turnover * _MILLION if turnover > 0.0 else -1.0)
        gain, loss = max(move, 0.0), max(-move, 0.0)
        share = 1.0 if count == 1 else 1.0 / 14.0
        s[_UP] += (gain - s[_UP]) * share
        s[_DOWN] += (loss - s[_DOWN]) * share
    s[_COUNT] = count + 1
    s[_SECONDS] = seconds
    for k in range(len(row)):
        row[k] = math.nan
    row[9] = math.log(high / low)
    _of_prices(s, count, close, volume, row)
    _of_returns(s, count, row)
    return True


@njit(cache=False)
def _put(s: Floats, base: int, width: int, number: int, value: float) -> None:
    place = base + number % width
    s[place] = value
    s[place + width] = value


@njit(cache=False)
def _end(base: int, width: int, number: int) -> int:
    """The place after the value with this number; the newest `width` values lie before it, oldest first."""
    return base + number % width + width + 1


@njit(cache=False)
def _of_prices(s: Floats, count: int, close: float, volume: float, row: Floats) -> None:
    end = _end(_CLOSE, _W_CLOSE, count)
    bars = count + 1
    if bars > 1:
        row[0] = math.log(close / s[end - 2])
    if bars > 5:
        row[1] = math.log(close / s[end - 6])
    if bars > 20:
        row[2] = math.log(close / s[end - 21])
    if bars > 60:
        row[3] = math.log(close / s[end - 61])
    if bars >= 30:
        ten = _sum(s, end - 10, end)
        row[7] = math.log(ten / 10.0 / ((_sum(s, end - 30, end - 10) + ten) / 30.0))
    if bars >= 20:
        end = _end(_VOLUME, _W_SHORT, count)
        total = _sum(s, end - 20, end)
        if total > 0.0:
            end = _end(_VALUE, _W_SHORT, count)
            row[8] = volume / (total / 20.0)
            row[10] = math.log(close / (_sum(s, end - 20, end) / total))
    if bars >= 60:
        end = _end(_FALL, _W_FALL, count)
        worst = 0.0
        for k in range(end - 60, end):
            worst = min(worst, s[k])
        row[12] = worst


@njit(cache=False)
def _of_returns(s: Floats, returns: int, row: Floats) -> None:
    """`returns` are one fewer than bars."""
    if returns >= 14:
        moves = s[_UP] + s[_DOWN]
        row[6] = 100.0 * s[_UP] / moves if moves > 0.0 else 50.0
    if returns < 20:
        return
    end = _end(_RETURN, _W_RETURN, returns - 1)
    mean = _sum(s, end - 20, end) / 20.0
    squares = cubes = 0.0
    for k in range(end - 20, end):
        off = s[k] - mean
        squares += off * off
        cubes += off * off * off
    row[4] = math.sqrt(squares / 19.0)
    variance = squares / 20.0
    if variance > _STILL:
        row[11] = cubes / 20.0 / (variance * math.sqrt(variance))
    if returns >= 60:
        mean = _sum(s, end - 60, end) / 60.0
        squares = 0.0
        for k in range(end - 60, end):
            squares += (s[k] - mean) * (s[k] - mean)
        row[5] = math.sqrt(squares / 59.0)
    end = _end(_ILLIQUID, _W_SHORT, returns - 1)
    total, known = 0.0, 0
    for k in range(end - 20, end):
        if s[k] >= 0.0:  # below zero stands a bar without volume
            total += s[k]
            known += 1
    if known > 0:
        row[13] = total / known


@njit(cache=False)
def _sum(s: Floats, start: int, end: int) -> float:
    total = 0.0
    for k in range(start, end):
        total += s[k]
    return total
