"""A strategy in a loop must not flood the venue."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal once `max_order_rate` orders went out in the last second."""
    sent, limit = context.orders_last_second, context.limits.portfolio.max_order_rate
    if sent is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="orders_last_second", instrument=order.instrument)
    if sent >= limit:
        return deny(DenyCode.ORDER_RATE_LIMIT, orders_last_second=sent, limit=limit)
    return None
