"""Skill of a forecast against the forecast of zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def against_zero(forecast: NDArray[np.float64], outcome: NDArray[np.float64]) -> float:
    """1 - MSE(forecast) / MSE(0): above 0 is better than saying nothing; 0 for no rows or outcomes all zero.

    Out-of-sample R2 against zero: Gu, Kelly, Xiu (2020), "Empirical Asset Pricing via Machine Learning", eq. 19.
    """
    square = float(np.sum(outcome * outcome))
    return 1.0 - float(np.sum((outcome - forecast) ** 2)) / square if square > 0 else 0.0
