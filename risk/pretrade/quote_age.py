"""New risk needs a fresh price."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal without a mid, or with one older than `max_quote_age` or from the future."""
    limits, age = context.instrument_limits, context.quote_age_ns
    if limits is None or age is None or context.mid <= 0:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="quote", instrument=order.instrument)
    if not 0 <= age <= limits.max_quote_age:
        return deny(DenyCode.ORDER_QUOTE_STALE, age_ns=age, max_quote_age_ns=limits.max_quote_age)
    return None
