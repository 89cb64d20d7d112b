"""Time-decayed volatility of trade prices, one state an instrument; chunk-invariant."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events

HALF_LIFE_S = 300.0
_TAU_NS = HALF_LIFE_S * 1e9 / math.log(2.0)
_PRICE, _TS, _SQUARES, _SECONDS = range(4)


def state() -> NDArray[np.float64]:
    """Fresh state: no trade seen."""
    return np.zeros(4)


@njit(cache=True)
def update(state: NDArray[np.float64], trades: Events) -> None:
    """Takes one instrument's trades in order. Squared log returns and elapsed time decay alike."""
    for i in range(trades.shape[0]):
        price = float(trades[i]["price"])
        ts = float(trades[i]["ts_event"])
        if price <= 0.0:
            continue
        if state[_PRICE] > 0.0:
            elapsed = max(ts - state[_TS], 0.0)
            keep = math.exp(-elapsed / _TAU_NS)
            change = math.log(price / state[_PRICE])
            state[_SQUARES] = state[_SQUARES] * keep + change * change
            state[_SECONDS] = state[_SECONDS] * keep + elapsed * 1e-9
        state[_PRICE] = price
        state[_TS] = max(ts, state[_TS])


def per_sqrt_second(state: NDArray[np.float64]) -> float:
    """Volatility of log returns per square root of a second; nan before ten decayed seconds are seen."""
    if state[_SECONDS] < 10.0 or state[_SQUARES] <= 0.0:
        return math.nan
    return math.sqrt(state[_SQUARES] / state[_SECONDS])
