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


@njit(cache=True)
def on_bar(s: Floats, bar: Any, row: Floats) -> bool:
    """One bar: feeds the state and writes the row; False where the bar is not taken."""
    seconds = float(bar.ts_event // _BILLION)
    count = int(s[_COUNT])
    if bar.low <= 0 or bar.high <= 0 or bar.close <= 0 or (count > 0 and seconds <= s[_SECONDS]):
        return False
    high, low, close, volume = float(bar.high), float(bar.low), float(bar.close), float(max(0, bar.volume))
    typical = (high + low + close) / 3.0
    before = s[_CLOSE + (count - 1) % _W_CLOSE] if count > 0 else close
    move = math.log(close / before)
    turnover = volume * s[_UNIT] if s[_INVERSE] > 0.0 else typical * volume * s[_UNIT]
    _put(s, _CLOSE, _W_CLOSE, count, close)
    _put(s, _VOLUME, _W_SHORT, count, volume)
    _put(s, _VALUE, _W_SHORT, count, typical * volume)
    top = _highest(s, count, close)
    _put(s, _FALL, _W_FALL, count, close / top - 1.0)
    if count > 0:
        _put(s, _RETURN, _W_RETURN, count - 1, move)
        _put(s, _ILLIQUID, _W_SHORT, count - 1, abs(move) / turnover * _MILLION if turnover > 0.0 else math.nan)
        gain, loss = max(move, 0.0), max(-move, 0.0)
        if count == 1:
            s[_UP], s[_DOWN] = gain, loss
        else:
            s[_UP] += (gain - s[_UP]) / 14.0
            s[_DOWN] += (loss - s[_DOWN]) / 14.0
    s[_COUNT] = count + 1
    s[_SECONDS] = seconds
    _write(s, count, high, low, close, volume, row)
    return True


@njit(cache=True)
def _put(s: Floats, base: int, width: int, number: int, value: float) -> None:
    place = base + number % width
    s[place] = value
    s[place + width] = value


@njit(cache=True)
def _newest(s: Floats, base: int, width: int, number: int, n: int) -> Floats:
    """The `n` values up to the one with this number, oldest first."""
    end = base + number % width + width + 1
    return s[end - n : end]


@njit(cache=True)
def _highest(s: Floats, count: int, close: float) -> float:
    top = close
    for value in _newest(s, _CLOSE, _W_CLOSE, count, min(count + 1, _W_FALL)):
        top = max(top, value)
    return top


@njit(cache=True)
def _write(s: Floats, count: int, high: float, low: float, close: float, volume: float, row: Floats) -> None:
    row[:] = math.nan
    row[9] = math.log(high / low)
    returns = count  # a bar more than returns
    for place, n in ((0, 1), (1, 5), (2, 20), (3, 60)):
        if returns >= n:
            row[place] = math.log(close / _newest(s, _CLOSE, _W_CLOSE, count, n + 1)[0])
    if returns >= 20:
        _moments(_newest(s, _RETURN, _W_RETURN, count - 1, 20), row)
        row[13] = _mean_known(_newest(s, _ILLIQUID, _W_SHORT, count - 1, 20))
    if returns >= 60:
        row[5] = _deviation(_newest(s, _RETURN, _W_RETURN, count - 1, 60))
    if returns >= 14:
        moves = s[_UP] + s[_DOWN]
        row[6] = 100.0 * s[_UP] / moves if moves > 0.0 else 50.0
    if count + 1 >= 30:
        closes = _newest(s, _CLOSE, _W_CLOSE, count, 30)
        ten, twenty = _sum(closes[20:]), _sum(closes[:20])
        row[7] = math.log(ten / 10.0 / ((ten + twenty) / 30.0))
    if count + 1 >= 20:
        total = _sum(_newest(s, _VOLUME, _W_SHORT, count, 20))
        if total > 0.0:
            row[8] = volume / (total / 20.0)
            row[10] = math.log(close / (_sum(_newest(s, _VALUE, _W_SHORT, count, 20)) / total))
    if count + 1 >= 60:
        worst = 0.0
        for fall in _newest(s, _FALL, _W_FALL, count, 60):
            worst = min(worst, fall)
        row[12] = worst


@njit(cache=True)
def _sum(values: Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@njit(cache=True)
def _deviation(values: Floats) -> float:
    mean = _sum(values) / len(values)
    squares = 0.0
    for value in values:
        squares += (value - mean) * (value - mean)
    return math.sqrt(squares / (len(values) - 1))


@njit(cache=True)
def _moments(values: Floats, row: Floats) -> None:
    n = len(values)
    mean = _sum(values) / n
    squares = cubes = 0.0
    for value in values:
        off = value - mean
        squares += off * off
        cubes += off * off * off
    row[4] = math.sqrt(squares / (n - 1))
    variance = squares / n
    if variance > _STILL:
        row[11] = cubes / n / (variance * math.sqrt(variance))


@njit(cache=True)
def _mean_known(values: Floats) -> float:
    total, known = 0.0, 0
    for value in values:
        if not math.isnan(value):
            total += value
            known += 1
    return total / known if known > 0 else math.nan
