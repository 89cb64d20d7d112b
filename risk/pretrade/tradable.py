"""The instrument is known, the context speaks of it, and the venue takes orders in it."""

from __future__ import annotations

from ledger.intent import Intent
from market.instrument import Status
from risk.context import RiskContext, Verdict, deny
from risk.errors import DenyCode


def check(order: Intent, context: RiskContext) -> Verdict | None:
    """Refusal of an instrument that is unknown, another one, or closed."""
    instrument, rules = context.instrument, context.rules
    if instrument is None or rules is None or not instrument.id == rules.instrument == order.instrument:
        return deny(DenyCode.ORDER_INSTRUMENT_UNKNOWN, instrument=order.instrument)
    if rules.status is not Status.TRADING:
        return deny(DenyCode.ORDER_INSTRUMENT_CLOSED, instrument=order.instrument, status=rules.status.name)
    return None
