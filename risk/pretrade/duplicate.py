"""No order id goes out twice: a venue may take a used id again once the first order is filled."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal of an id that was used before, or where the used ids are not known."""
    known = context.known_order_ids
    if known is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="known_order_ids")
    if not order.order_id or order.order_id in known:
        return deny(DenyCode.ORDER_DUPLICATE, order_id=order.order_id)
    return None
