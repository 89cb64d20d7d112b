"""Gross exposure on every level above the instrument."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal where portfolio, venue, asset class, sector or strategy has no room for the order."""
    nodes, value = context.nodes, context.order_value
    if not nodes:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="exposure", instrument=order.instrument)
    for node in nodes:
        if node.gross + value > node.max_gross:
            return deny(
                DenyCode.ORDER_EXPOSURE_LIMIT,
                level=node.level.value,
                name=node.name,
                gross=node.gross,
                order=value,
                limit=node.max_gross,
            )
    return None
