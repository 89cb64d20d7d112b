"""Drawdown of a compounded return series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from risk.returns import Floats, series


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Positive fractions of the peak; indices into the returns, the peak at -1 being the start itself."""

    maximum: float
    current: float
    peak: int
    trough: int
    recovered: int | None  # None while still under water
    path: Floats           # after each return, 0 at a new high


def drawdown(returns: ArrayLike) -> Drawdown:
    """The deepest fall below the highest value so far, the start included. One row is enough."""
    values = series(returns, least=1)
    wealth = np.concatenate(([1.0], np.cumprod(1.0 + values)))
    path = 1.0 - wealth / np.maximum.accumulate(wealth)
    trough = int(path.argmax())
    peak = int(wealth[: trough + 1].argmax())
    after = np.flatnonzero(wealth[trough:] >= wealth[peak])
    recovered = trough + int(after[0]) - 1 if after.size and trough > peak else None
    return Drawdown(float(path[trough]), float(path[-1]), peak - 1, trough - 1, recovered, path[1:])
