"""Position of one instrument, as large as it can get with all working orders of the side filled."""

from __future__ import annotations

from ledger.intent import Intent
from market.events import Side
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode
from risk.exposure import notional


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal where position, working orders and this one together could exceed `max_position`."""
    limits, instrument, position = context.instrument_limits, context.instrument, context.position
    if limits is None or instrument is None or position is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="position", instrument=order.instrument)
    if order.side == Side.BUY:
        reach = position + context.working_buy + order.qty
    else:
        reach = context.working_sell + order.qty - position
    value = notional(instrument, max(order.price, context.mid), reach)
    if value > limits.max_position:
        return deny(DenyCode.ORDER_POSITION_LIMIT, value=value, limit=limits.max_position)
    return None
