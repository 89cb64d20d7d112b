"""Checked return series: every risk figure takes its input through here."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infra.errors import TickhouseError
from risk.errors import RiskCode

Floats = NDArray[np.float64]
MIN_ROWS = 20  # below this no tail figure means anything


def series(returns: ArrayLike, least: int = MIN_ROWS) -> Floats:
    """One-dimensional simple returns; RISK_RETURNS_INVALID where one is not finite or below -100 %."""
    values = np.asarray(returns, dtype=np.float64)
    _check(values, 1)
    if values.shape[0] < least:
        raise TickhouseError(RiskCode.RISK_TOO_FEW_RETURNS, rows=values.shape[0], wanted=least)
    return values


def matrix(returns: ArrayLike, least: int = MIN_ROWS) -> Floats:
    """Returns of several assets, a row a day and a column an asset; errors as `series`."""
    values = np.asarray(returns, dtype=np.float64)
    _check(values, 2)
    if values.shape[0] < least or values.shape[1] == 0:
        raise TickhouseError(RiskCode.RISK_TOO_FEW_RETURNS, rows=values.shape[0], assets=values.shape[1], wanted=least)
    return values


def compound(returns: ArrayLike, horizon: int, least: int = MIN_ROWS) -> Floats:
    """Overlapping `horizon`-day compounded returns: `rows - horizon + 1` of them, at least `least`."""
    values = series(returns, least + horizon - 1)
    if horizon == 1:
        return values
    windows = np.lib.stride_tricks.sliding_window_view(1.0 + values, horizon)
    return np.asarray(windows.prod(axis=1) - 1.0)


def _check(values: Floats, dimensions: int) -> None:
    if values.ndim != dimensions:
        raise TickhouseError(RiskCode.RISK_RETURNS_INVALID, shape=values.shape, wanted=f"{dimensions} dimension(s)")
    if not np.isfinite(values).all():
        raise TickhouseError(RiskCode.RISK_RETURNS_INVALID, not_finite=int((~np.isfinite(values)).sum()))
