"""Correlation between assets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from risk.returns import Floats, matrix


def correlation(returns: ArrayLike) -> Floats:
    """Pearson's matrix, a column an asset; nan off the diagonal for an asset that never moved."""
    values = matrix(returns, least=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = np.atleast_2d(np.corrcoef(values, rowvar=False))
    flat = values.std(axis=0) <= 1e-14 * np.maximum(1.0, np.abs(values).max(axis=0))
    result[flat, :] = np.nan
    result[:, flat] = np.nan
    np.fill_diagonal(result, 1.0)
    return np.clip(result, -1.0, 1.0)


def average(correlations: Floats) -> float:
    """Mean of the pairs that exist; nan for a single asset."""
    pairs = correlations[np.triu_indices_from(correlations, k=1)]
    return float(np.nanmean(pairs)) if np.isfinite(pairs).any() else float("nan")
