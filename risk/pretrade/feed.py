"""New risk needs a feed that is up and a book that is proved right."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal while the feed is down or resynchronising."""
    if not context.feed_healthy:
        return deny(DenyCode.ORDER_FEED_UNHEALTHY, instrument=order.instrument)
    return None
