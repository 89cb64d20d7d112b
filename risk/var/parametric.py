"""Variance-covariance: normal returns with the sample's mean and deviation."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from risk.returns import series
from risk.var.figure import TailFigure, tail


def figure(returns: ArrayLike, confidence: float, horizon_days: int) -> TailFigure:
    """VaR = -(mean + z x deviation), ES = -mean + deviation x density(z) / tail; independent days for longer horizons.

    Deviation with n - 1 (McNeil, Frey, Embrechts, Quantitative Risk Management, 2.2.2). No variance: minus the mean.
    """
    alpha = tail(confidence, horizon_days)
    values = series(returns)
    normal = NormalDist()
    z = normal.inv_cdf(alpha)
    mean = float(values.mean()) * horizon_days
    deviation = float(values.std(ddof=1)) * float(np.sqrt(horizon_days))
    return TailFigure(
        "parametric",
        confidence,
        horizon_days,
        -(mean + z * deviation),
        -mean + deviation * normal.pdf(z) / alpha,
    )
