"""A reduce-only order really reduces: it never opens a position and never turns one round."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal of a reduce-only order larger than what is open after the orders already working on that side."""
    if order.reduce_only and not context.reducing:
        return deny(
            DenyCode.ORDER_REDUCE_ONLY,
            position=context.position,
            qty=order.qty,
            working_buy=context.working_buy,
            working_sell=context.working_sell,
        )
    return None
