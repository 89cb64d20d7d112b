"""The fair price of each symbol: factors put together, plus the drift that informed traders foresee."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sandbox.market.calendar import FUNDING_NS, MINUTES, NS_PER_DAY, NS_PER_MINUTE, day_of, day_start
from sandbox.market.factor import Factor
from sandbox.market.noise import Floats, Recent, generator, wave
from sandbox.market.specs import LINEAR, SymbolSpec

HALF_LIFE = 4.0      # minutes of the informed flow's memory
TAPS = 40            # minutes after which it is forgotten
FORESIGHT = 0.12     # share of a minute's deviation that the flow before it foretells
INTEREST = 1e-4      # of eight hours, as at Binance
FUNDING_CLAMP = 5e-4
_BASIS = ((3, 4.5e-4), (48, 0.6e-4))  # knots a day, deviation of log(perpetual / spot)


class Fair:
    """Log fair prices by minute; a pure function of the seed."""

    def __init__(self, seed: int, specs: Sequence[SymbolSpec]) -> None:
        self._seed = seed
        self._specs = {spec.symbol: spec for spec in specs}
        self._common = Factor(seed, "common")
        self._alt = Factor(seed, "alt")
        self._own = {symbol: Factor(seed, symbol) for symbol in self._specs}
        decay = 0.5 ** (1.0 / HALF_LIFE)
        kernel = decay ** np.arange(TAPS)
        self._kernel = kernel / np.sqrt(np.sum(kernel**2))
        days = 4 * max(len(specs), 1)
        self._surprises = Recent(self._draw_surprises, days)
        self._basis_knots = Recent(self._draw_basis, days)
        self.flow = Recent(self._flow, days)          # (symbol, day) -> the latent in each minute and the one before
        self.minute_vol = Recent(self._minute_vol, days)
        self._spot = Recent(self._spot_log, days)
        self.basis = Recent(self._basis, days)

    def _draw_surprises(self, symbol: str, day: int) -> Floats:
        return generator(self._seed, symbol + ":flow", day).standard_normal(MINUTES)

    def _draw_basis(self, symbol: str, day: int) -> list[Floats]:
        rng = generator(self._seed, symbol + ":basis", day)
        return [size * rng.standard_normal(knots) for knots, size in _BASIS]

    def _flow(self, symbol: str, day: int) -> Floats:
        """Informed flow, unit variance: entry i + 1 is minute i's, entry 0 the last minute's of the day before."""
        series = np.concatenate([self._surprises(symbol, day - 1)[-TAPS:], self._surprises(symbol, day)])
        return np.convolve(series, self._kernel, mode="valid")[-MINUTES - 1:]

    def _loads(self, spec: SymbolSpec) -> tuple[tuple[float, Factor], ...]:
        own = math.sqrt(max(0.0, 1.0 - spec.beta**2 - spec.alt**2))
        return (spec.beta, self._common), (spec.alt, self._alt), (own, self._own[spec.symbol])

    def _minute_vol(self, symbol: str, day: int) -> Floats:
        """Deviation of the log return of each minute of the day."""
        spec = self._specs[symbol]
        total = np.zeros(MINUTES)
        for load, factor in self._loads(spec):
            total += (load * factor.minute_vol(day)) ** 2
        return np.asarray(spec.daily_vol * np.sqrt(total), dtype=np.float64)

    def _spot_log(self, symbol: str, day: int) -> Floats:
        spec = self._specs[symbol]
        path = np.full(MINUTES + 1, math.log(spec.price))
        for load, factor in self._loads(spec):
            path += (spec.daily_vol * load) * factor.minutes(day)
        vol = self.minute_vol(symbol, day)
        drift = FORESIGHT * vol * self.flow(symbol, day)[:-1]
        # The day's end stays where the factors put it: the drift moves price within the day only.
        drift -= drift.sum() * (vol**2 / np.sum(vol**2))
        path[1:] += np.cumsum(drift)
        return path

    def _basis(self, symbol: str, day: int) -> Floats:
        """log(perpetual / spot) at each minute's start and the day's end."""
        today, tomorrow = self._basis_knots(symbol, day), self._basis_knots(symbol, day + 1)
        path = np.zeros(MINUTES + 1)
        for here, there in zip(today, tomorrow, strict=True):
            path[:-1] += wave(np.append(here, there[0]), MINUTES)
            path[-1] += there[0]
        return path

    def log_path(self, market: str, symbol: str, day: int) -> Floats:
        """Log fair price at the start of each minute of the day, and at its end."""
        spot = self._spot(symbol, day)
        return spot + self.basis(symbol, day) if market == LINEAR else spot

    def at(self, market: str, symbol: str, ts_ns: int) -> float:
        """Fair price at a time, in quote units."""
        day = day_of(ts_ns)
        minute, rest = divmod(ts_ns - day_start(day), NS_PER_MINUTE)
        spot = self._spot(symbol, day)
        share = rest / NS_PER_MINUTE
        value = spot[minute] + (spot[minute + 1] - spot[minute]) * share
        if market == LINEAR:
            basis = self.basis(symbol, day)
            value += basis[minute] + (basis[minute + 1] - basis[minute]) * share
        return math.exp(value)

    def rate(self, symbol: str, funding_ns: int, known_ns: int | None = None) -> int:
        """Funding rate settled at `funding_ns`, 10^-8: mean premium of the eight hours before, clamped.

        With `known_ns` the estimate then: the mean of what had passed of them.
        """
        start = funding_ns - FUNDING_NS
        day = day_of(start)
        first = (start - day_start(day)) // NS_PER_MINUTE
        minutes = FUNDING_NS // NS_PER_MINUTE
        if known_ns is not None:
            minutes = min(max((known_ns - start) // NS_PER_MINUTE, 1), minutes)
        premium = float(np.mean(self.basis(symbol, day)[first:first + minutes]))
        rate = premium + min(max(INTEREST - premium, -FUNDING_CLAMP), FUNDING_CLAMP)
        return round(min(max(rate, -0.003), 0.003) * 10**8)


def next_funding(ts_ns: int) -> int:
    """The first settlement after `ts_ns` (00, 08 and 16 hours UTC)."""
    day = ts_ns // NS_PER_DAY * NS_PER_DAY
    return day + ((ts_ns - day) // FUNDING_NS + 1) * FUNDING_NS
