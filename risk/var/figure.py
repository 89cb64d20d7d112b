"""What every VaR method hands out, and the checks they share."""

from __future__ import annotations

from dataclasses import dataclass

from infra.errors import TickhouseError
from risk.errors import RiskCode


@dataclass(frozen=True, slots=True)
class TailFigure:
    """Losses as positive fractions of the portfolio's value; a negative one is a gain even in the tail."""

    method: str
    confidence: float            # 0.99: the loss is exceeded on one day in a hundred
    horizon_days: int
    value_at_risk: float
    expected_shortfall: float    # mean loss beyond the VaR
    reliable: bool = True        # False where the method is outside its own assumptions


def tail(confidence: float, horizon_days: int) -> float:
    """Probability beyond the VaR; RISK_PARAMETER_INVALID unless 0.5 <= confidence < 1 and the horizon is 1 or more."""
    if not 0.5 <= confidence < 1.0:
        raise TickhouseError(RiskCode.RISK_PARAMETER_INVALID, confidence=confidence, wanted="0.5 <= confidence < 1")
    if horizon_days < 1:
        raise TickhouseError(RiskCode.RISK_PARAMETER_INVALID, horizon_days=horizon_days, wanted="1 or more")
    # 1 - 0.95 is 0.050000000000000044, which would move an order statistic by one.
    return round(1.0 - confidence, 12)
