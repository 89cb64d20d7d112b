"""Gross exposure over equity."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode
from risk.units import PPM


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal where leverage could exceed `max_leverage`; no equity, no new risk."""
    equity, nodes = context.equity, context.nodes
    if equity is None or not nodes:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="equity", instrument=order.instrument)
    gross, limit = nodes[0].gross + context.order_value, context.limits.portfolio.max_leverage
    if gross * PPM > limit * equity:
        return deny(DenyCode.ORDER_LEVERAGE_LIMIT, gross=gross, equity=equity, limit_ppm=limit)
    return None
