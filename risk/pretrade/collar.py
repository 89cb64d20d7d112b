"""Fat finger: an order's price stays near the market."""

from __future__ import annotations

from ledger.intent import Intent
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode
from risk.units import PPM


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal of a limit price farther than `price_collar` from the mid.

    Reducing orders are judged too, but only by a fresh quote: without one they must not be locked in.
    """
    limits, mid, price = context.instrument_limits, context.mid, order.price
    if limits is None:
        return deny(DenyCode.ORDER_CONTEXT_MISSING, missing="instrument_limits")
    if not price:
        return None  # a market order has no price to be wrong; it needs a fresh quote like any other
    if context.reducing and (mid <= 0 or context.quote_age_ns is None or context.quote_age_ns > limits.max_quote_age):
        return None
    if abs(price - mid) * PPM > limits.price_collar * mid:
        return deny(DenyCode.ORDER_PRICE_COLLAR, price=price, mid=mid, collar_ppm=limits.price_collar)
    return None
