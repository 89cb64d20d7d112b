"""Rank information coefficient: Spearman's correlation between forecast and outcome, by blocks of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class RankIC:
    """Mean over the blocks, its t statistic (0 with fewer than two blocks or no spread), and the blocks."""

    mean: float
    t: float
    blocks: NDArray[np.float64]


def spearman(forecast: NDArray[np.float64], outcome: NDArray[np.float64]) -> float:
    """Spearman's rank correlation, ties at their mean rank; 0 where either side is constant or has one row."""
    if len(forecast) < 2:
        return 0.0
    left, right = _ranks(forecast), _ranks(outcome)
    left -= left.mean()
    right -= right.mean()
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / scale if scale > 0 else 0.0


def by_block(
    forecast: NDArray[np.float64],
    outcome: NDArray[np.float64],
    ts: NDArray[np.int64],
    block_ns: int = HOUR_NS,
    min_rows: int = 30,
) -> RankIC:
    """Rank IC of each block of `block_ns` with at least `min_rows` rows.

    Labels that overlap make neighbouring rows dependent; blocks much longer than the label's horizon are nearly
    independent, so the t statistic is honest where one over rows would be far too large.
    """
    if not len(ts):
        return RankIC(0.0, 0.0, np.zeros(0))
    order = np.argsort(ts, kind="stable")
    block = ts[order] // block_ns
    cuts = np.flatnonzero(np.diff(block)) + 1
    parts = [part for part in np.split(order, cuts) if len(part) >= min_rows]
    values = np.array([spearman(forecast[part], outcome[part]) for part in parts], dtype=np.float64)
    if not len(values):
        return RankIC(0.0, 0.0, values)
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    t = float(values.mean()) / (spread / np.sqrt(len(values))) if spread > 0 else 0.0
    return RankIC(float(values.mean()), float(t), values)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts).astype(np.float64)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=np.float64)
