"""Historical simulation: the loss in the sorted past, by riskfolio-lib."""

from __future__ import annotations

from numpy.typing import ArrayLike

from risk.returns import compound
from risk.var.figure import TailFigure, tail


def figure(returns: ArrayLike, confidence: float, horizon_days: int) -> TailFigure:
    """VaR and ES of past days, several days as overlapping compounded windows.

    The order statistic is the one at ceil(tail x rows), without interpolation (Rockafellar and Uryasev 2002 for the
    ES at a jump). Not reliable where the tail holds less than one observation: then both are the worst day.
    """
    from riskfolio.src import RiskFunctions  # 8 s of imports

    alpha = tail(confidence, horizon_days)
    values = compound(returns, horizon_days)
    return TailFigure(
        "historical",
        confidence,
        horizon_days,
        float(RiskFunctions.VaR_Hist(values, alpha)),
        float(RiskFunctions.CVaR_Hist(values, alpha)),
        reliable=alpha * values.shape[0] >= 1.0,
    )
