"""Cornish-Fisher: the normal quantile bent by the sample's skewness and excess kurtosis."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from risk.returns import Floats, series
from risk.var.figure import TailFigure, tail

REACH = 4.0  # one normal value in 16,000 lies beyond


def figure(returns: ArrayLike, confidence: float, horizon_days: int) -> TailFigure:
    """Modified VaR (Favre and Galeano 2002) and the mean of its quantiles beyond it (Maillard 2012, eq. 12).

    Moments are the population's, as in PerformanceAnalytics; over h independent days skewness shrinks with sqrt(h)
    and excess kurtosis with h. Not reliable where the expansion falls. No variance: minus the mean.
    """
    alpha = tail(confidence, horizon_days)
    skewness, kurtosis, mean, deviation = _moments(series(returns))
    skewness, kurtosis = skewness / horizon_days**0.5, kurtosis / horizon_days
    mean, deviation = mean * horizon_days, deviation * horizon_days**0.5
    normal = NormalDist()
    z = normal.inv_cdf(alpha)
    # Integral of `quantile` from -infinity to z, term by term: the Hermite polynomials integrate to the one below.
    beyond = (
        1.0 + z * skewness / 6.0 + (z * z - 1.0) * kurtosis / 24.0 - (2.0 * z * z - 1.0) * skewness**2 / 36.0
    ) * -normal.pdf(z)
    return TailFigure(
        "cornish_fisher",
        confidence,
        horizon_days,
        -(mean + quantile(z, skewness, kurtosis) * deviation),
        -(mean + beyond / alpha * deviation),
        reliable=monotone(skewness, kurtosis),
    )


def quantile(z: float, skewness: float, kurtosis: float) -> float:
    """The expansion at the normal quantile `z`; kurtosis is the excess over 3."""
    return (
        z
        + (z * z - 1.0) * skewness / 6.0
        + (z**3 - 3.0 * z) * kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * skewness**2 / 36.0
    )


def monotone(skewness: float, kurtosis: float) -> bool:
    """Whether the expansion rises for every |z| <= REACH, so that it is a quantile function there."""
    a, b = kurtosis / 8.0 - skewness**2 / 6.0, skewness / 3.0
    c = 1.0 - kurtosis / 8.0 + 5.0 * skewness**2 / 36.0
    places = [-REACH, REACH]
    if a > 0.0 and abs(b) < 2.0 * a * REACH:
        places.append(-b / (2.0 * a))  # the slope's own minimum
    return all(a * z * z + b * z + c > 0.0 for z in places)


def _moments(values: Floats) -> tuple[float, float, float, float]:
    mean, deviation = float(values.mean()), float(values.std())
    # Rounding leaves a constant series with a deviation near 1e-18.
    if deviation <= 1e-14 * max(1.0, float(np.abs(values).max())):
        return 0.0, 0.0, mean, 0.0
    standard = (values - mean) / deviation
    return float((standard**3).mean()), float((standard**4).mean()) - 3.0, mean, deviation
