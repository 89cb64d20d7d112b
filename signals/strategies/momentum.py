"""Momentum on ticks: the time-decayed return of the trade price over its expected standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events
from signals.strategies.protocol import View
from signals.target import Target

_PRICE, _TS, _RETURN, _SQUARES, _SECONDS, _SIDE, _SCORE = range(7)


@njit(cache=True)
def update(
    state: NDArray[np.float64], trades: Events, tau_s: float, enter: float, leave: float, warm_s: float
) -> None:
    """Takes one instrument's trades in order; chunk-invariant.

    The sum of log returns decayed by exp(-t/tau) of a random walk with volatility v has the standard
    deviation v * sqrt(tau / 2); the score is their ratio. Side goes to +-1 beyond `enter` and back to 0
    when the score falls below `leave` (Schmitt trigger, so that noise round one level does not churn).
    """
    slow_s = 10.0 * tau_s
    for i in range(trades.shape[0]):
        price = float(trades[i]["price"])
        ts = float(trades[i]["ts_event"])
        if price <= 0.0:
            continue
        if state[_PRICE] > 0.0:
            elapsed = max(ts - state[_TS], 0.0) * 1e-9
            change = math.log(price / state[_PRICE])
            keep = math.exp(-elapsed / slow_s)
            state[_RETURN] = state[_RETURN] * math.exp(-elapsed / tau_s) + change
            state[_SQUARES] = state[_SQUARES] * keep + change * change
            state[_SECONDS] = state[_SECONDS] * keep + elapsed
        state[_PRICE] = price
        state[_TS] = max(ts, state[_TS])
        if state[_SECONDS] < warm_s or state[_SQUARES] <= 0.0:
            continue
        score = state[_RETURN] / math.sqrt(state[_SQUARES] / state[_SECONDS] * tau_s * 0.5)
        state[_SCORE] = score
        if score >= enter:
            state[_SIDE] = 1.0
        elif score <= -enter:
            state[_SIDE] = -1.0
        elif score * state[_SIDE] < leave:
            state[_SIDE] = 0.0


@dataclass(slots=True)
class Momentum:
    """Long after a rise, short after a fall, flat between."""

    tau_s: float = 10.0     # decay of the return
    enter: float = 1.2      # standard deviations
    leave: float = 0.3
    warm_s: float = 20.0    # decayed seconds of trades before the first wish
    units: float = 0.5      # of the risk budget
    name: str = "momentum"
    _states: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    _asked: dict[int, float] = field(default_factory=dict)

    def decide(self, view: View) -> Target | None:
        """New target when the side changed."""
        state = self._states.get(view.instrument)
        if state is None:
            state = self._states[view.instrument] = np.zeros(7)
        update(state, view.trades, self.tau_s, self.enter, self.leave, self.warm_s)
        wish = float(state[_SIDE]) * self.units
        if wish == self._asked.get(view.instrument, 0.0):
            return None
        self._asked[view.instrument] = wish
        return Target(self.name, view.instrument, wish, view.ts, f"z={state[_SCORE]:.2f}")
