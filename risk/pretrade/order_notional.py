"""Size of a single order."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal of an order worth more than `max_order_notional`."""
    limits = context.instrument_limits
    if limits is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="instrument_limits", instrument=order.instrument)
    if context.order_value > limits.max_order_notional:
        return deny(DenyCode.ORDER_NOTIONAL_LIMIT, notional=context.order_value, limit=limits.max_order_notional)
    return None
