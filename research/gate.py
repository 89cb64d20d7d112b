"""The gate a model passes before it serves: judged out of sample against zero and against the one that serves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from research.statistics import rank_ic, skill


@dataclass(frozen=True, slots=True)
class GateRules:
    """What is asked of a challenger."""

    min_rows: int = 2_000
    min_blocks: int = 12          # hours with enough rows
    min_t: float = 2.0            # of the hourly rank IC against zero
    min_skill: float = 0.0        # 1 - MSE / MSE of zero
    min_gain: float = 0.0         # in mean rank IC over the incumbent's, on the same rows


@dataclass(frozen=True, slots=True)
class Score:
    """A forecast's record on the test rows."""

    rows: int
    blocks: int
    rank_ic: float
    rank_ic_t: float
    skill: float
    prediction_std: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the challenger serves, and every reason why not."""

    promote: bool
    reasons: tuple[str, ...]
    challenger: Score
    incumbent: Score | None


def score(forecast: NDArray[np.float64], outcome: NDArray[np.float64], ts: NDArray[np.int64]) -> Score:
    """The forecast's record; rows that are not finite count as a forecast of zero."""
    clean = np.where(np.isfinite(forecast), forecast, 0.0)
    ic = rank_ic.by_block(clean, outcome, ts)
    spread = float(clean.std()) if len(clean) else 0.0
    return Score(len(clean), len(ic.blocks), ic.mean, ic.t, skill.against_zero(clean, outcome), spread)


def decide(challenger: Score, incumbent: Score | None, rules: GateRules | None = None) -> Decision:
    """Promotion, or all the reasons against it; without an incumbent only zero has to be beaten."""
    rules = rules or GateRules()
    reasons = []
    if challenger.rows < rules.min_rows:
        reasons.append(f"too few test rows: {challenger.rows} < {rules.min_rows}")
    if challenger.blocks < rules.min_blocks:
        reasons.append(f"too few test hours: {challenger.blocks} < {rules.min_blocks}")
    if challenger.rank_ic <= 0 or challenger.rank_ic_t < rules.min_t:
        reasons.append(
            f"rank IC not above zero: mean {challenger.rank_ic:.4f}, t {challenger.rank_ic_t:.2f} < {rules.min_t}"
        )
    if challenger.skill <= rules.min_skill:
        reasons.append(f"no skill against zero: {challenger.skill:.5f} <= {rules.min_skill}")
    if incumbent is not None and challenger.rank_ic - incumbent.rank_ic <= rules.min_gain:
        reasons.append(
            f"not better than the champion: rank IC {challenger.rank_ic:.4f} against {incumbent.rank_ic:.4f}"
        )
    return Decision(not reasons, tuple(reasons), challenger, incumbent)
