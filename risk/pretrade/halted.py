"""Kill switch: while trading is halted nothing goes out, not even a reducing order."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode
from risk.level import Level


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal while halted."""
    if context.halted:
        return deny(DenyCode.ORDER_HALTED, Level.CRITICAL, order_id=order.order_id)
    return None
