"""The venue's rules: tick, lot, least and largest quantity, least value."""

from __future__ import annotations

from ledger.intent import Intent, OrderType
from market.events import Side
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal of a side, price or quantity that the venue would reject; closing orders need no least value."""
    rules = context.rules
    if rules is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="rules")
    qty, price = order.qty, order.price
    if order.side not in (Side.BUY, Side.SELL) or qty < rules.min_qty or qty <= 0 or qty % rules.lot:
        return deny(DenyCode.ORDER_QTY_INVALID, side=int(order.side), qty=qty, lot=rules.lot, min_qty=rules.min_qty)
    if 0 < rules.max_qty < qty:
        return deny(DenyCode.ORDER_QTY_INVALID, qty=qty, max_qty=rules.max_qty)
    # Only a limit order names a price, and it must name one.
    if price < 0 or price % rules.tick or (price > 0) is not (order.type == OrderType.LIMIT):
        return deny(DenyCode.ORDER_PRICE_INVALID, price=price, tick=rules.tick)
    if not context.reducing and qty * (price or context.mid) < rules.min_notional:
        return deny(DenyCode.ORDER_NOTIONAL_TOO_SMALL, notional=qty * price, min_notional=rules.min_notional)
    return None
