"""Stops: after the day's loss or the drawdown limit only reducing orders go out."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode
from risk.level import Level
from risk.units import PPM


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal at `max_daily_loss` or `max_drawdown`, both CRITICAL."""
    portfolio, pnl, equity, peak = context.limits.portfolio, context.day_pnl, context.equity, context.peak_equity
    if pnl is None or equity is None or peak is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="day_pnl", instrument=order.instrument)
    if -pnl >= portfolio.max_daily_loss:
        return deny(DenyCode.ORDER_LOSS_STOP, Level.CRITICAL, day_pnl=pnl, limit=portfolio.max_daily_loss)
    if (peak - equity) * PPM >= portfolio.max_drawdown * peak:
        return deny(
            DenyCode.ORDER_DRAWDOWN_STOP, Level.CRITICAL, equity=equity, peak=peak, limit_ppm=portfolio.max_drawdown
        )
    return None
