"""One factor of the market: a path with unit daily volatility, anchored in blocks, days, minutes.

Blocks of 32 days revert slowly to the mean; days are a bridge inside their block, minutes a bridge inside
their day. So any minute of any year costs one day's work.
"""

from __future__ import annotations

import numpy as np

from sandbox.market.calendar import BLOCK_DAYS, BLOCKS, HORIZON_DAYS, MINUTES
from sandbox.market.noise import Floats, Recent, generator, wave

REVERSION = 0.90          # of a block's level kept into the next
JUMP_CHANCE = 0.20        # of a day having one
JUMP_SIZE = 0.45          # in units of a day's volatility
_SLOW = ((64, 0.22), (16, 0.20), (4, 0.18))          # days between knots, deviation of log volatility
_FAST = ((6, 0.22), (24, 0.22), (96, 0.20))          # knots a day, deviation
_SESSIONS = ((0.5, 1.2, 0.35), (8.0, 1.5, 0.30), (14.6, 2.0, 0.80), (20.0, 2.0, 0.20))  # UTC hour, width, height


def _daily_curve() -> Floats:
    """How volatility spreads over the UTC day: Asian morning, European open, the American hours; mean square 1."""
    hour = np.arange(MINUTES) / 60.0
    curve = 0.75 + sum(height * np.exp(-0.5 * ((hour - at) / width) ** 2) for at, width, height in _SESSIONS)
    return np.asarray(curve / np.sqrt(np.mean(curve**2)), dtype=np.float64)


class Factor:
    """The path of one factor in units of a day's volatility; `seed` and `name` say everything about it."""

    def __init__(self, seed: int, name: str) -> None:
        self._seed = seed
        self._name = name
        rng = generator(seed, name)
        log_vol = np.zeros(HORIZON_DAYS)
        for days, size in _SLOW:
            log_vol += wave(size * rng.standard_normal(HORIZON_DAYS // days + 1), HORIZON_DAYS)
        self._vol = np.exp(log_vol - np.mean(log_vol**2))
        self._jump = np.where(rng.random(HORIZON_DAYS) < JUMP_CHANCE,
                              JUMP_SIZE * rng.standard_normal(HORIZON_DAYS), 0.0)
        self._jump_minute = rng.integers(0, MINUTES, HORIZON_DAYS)
        self._levels = self._anchor(rng)
        self._curve = _daily_curve()
        self._fast_knots = Recent(self._draw_knots, 16)
        self.minute_vol = Recent(self._minute_vol, 16)   # (day) -> deviation of each of its minutes
        self.minutes = Recent(self._minutes, 16)         # (day) -> level at the start of each minute and at the end

    def _anchor(self, rng: np.random.Generator) -> Floats:
        """The level at every midnight."""
        variance = (self._vol**2).reshape(BLOCKS, BLOCK_DAYS)
        total = variance.sum(axis=1)
        shocks = np.sqrt(total) * rng.standard_normal(BLOCKS)
        block = np.zeros(BLOCKS + 1)
        for index in range(BLOCKS):
            block[index + 1] = REVERSION * block[index] + shocks[index]
        steps = np.sqrt(variance) * rng.standard_normal(variance.shape)
        steps += self._jump.reshape(variance.shape)
        steps += (np.diff(block) - steps.sum(axis=1))[:, None] * (variance / total[:, None])
        return np.concatenate([[0.0], np.cumsum(steps.ravel())])

    def _draw_knots(self, day: int) -> list[Floats]:
        rng = generator(self._seed, self._name + ":vol", day)
        return [size * rng.standard_normal(knots) for knots, size in _FAST]

    def _minute_vol(self, day: int) -> Floats:
        today, tomorrow = self._fast_knots(day), self._fast_knots(day + 1)
        log_vol = np.zeros(MINUTES)
        for here, there in zip(today, tomorrow, strict=True):
            log_vol += wave(np.append(here, there[0]), MINUTES)
        vol = self._curve * np.exp(log_vol)
        return np.asarray(vol * (self._vol[day] / np.sqrt(np.sum(vol**2))), dtype=np.float64)

    def _minutes(self, day: int) -> Floats:
        vol = self.minute_vol(day)
        steps = vol * generator(self._seed, self._name + ":path", day).standard_normal(MINUTES)
        variance = vol**2
        wanted = self._levels[day + 1] - self._levels[day] - self._jump[day]
        steps += (wanted - steps.sum()) * (variance / variance.sum())
        steps[self._jump_minute[day]] += self._jump[day]
        return np.asarray(self._levels[day] + np.concatenate([[0.0], np.cumsum(steps)]), dtype=np.float64)
