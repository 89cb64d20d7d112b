"""Pre-trade checks: every order passes all of them, in this order, or does not go out.

`ALWAYS` holds for each order. `NEW_RISK` holds for orders that are not reducing: reducing a position is always
allowed unless trading is halted outright, and never turns it round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ledger.intent import Intent
from market.events import Side
from risk.context import ALLOWED, RiskContext, Verdict
from risk.exposure import notional
from risk.pretrade import (
    collar,
    duplicate,
    exposure,
    feed,
    halted,
    leverage,
    loss_stop,
    order_notional,
    order_rate,
    position,
    quote_age,
    reduce_only,
    tradable,
    venue_rules,
)

Check = Callable[[Intent, RiskContext], Verdict | None]

ALWAYS: Mapping[str, Check] = MappingProxyType(
    {
        "halted": halted.check,
        "duplicate": duplicate.check,
        "tradable": tradable.check,
        "venue_rules": venue_rules.check,
        "reduce_only": reduce_only.check,
        "collar": collar.check,
    }
)
NEW_RISK: Mapping[str, Check] = MappingProxyType(
    {
        "feed": feed.check,
        "quote_age": quote_age.check,
        "loss_stop": loss_stop.check,
        "order_rate": order_rate.check,
        "order_notional": order_notional.check,
        "position": position.check,
        "exposure": exposure.check,
        "leverage": leverage.check,
    }
)
_ALWAYS, _NEW_RISK = tuple(ALWAYS.values()), tuple(NEW_RISK.values())


def check(order: Intent, context: RiskContext) -> Verdict:
    """ALLOWED, or the first refusal. Sets `context.reducing` and `context.order_value`."""
    held, instrument = context.position, context.instrument
    # An unknown position reduces nothing, so that the position check gets to refuse it.
    context.reducing = held is not None and reduces(
        order.side, order.qty, held, context.working_buy, context.working_sell
    )
    # A sell below the market fills at the market: the larger price is the prudent one.
    context.order_value = notional(instrument, max(order.price, context.mid), order.qty) if instrument else 0
    for one in _ALWAYS:
        refusal = one(order, context)
        if refusal is not None:
            return refusal
    if not context.reducing:
        for one in _NEW_RISK:
            refusal = one(order, context)
            if refusal is not None:
                return refusal
    return ALLOWED


def reduces(side: int, qty: int, held: int, working_buy: int, working_sell: int) -> bool:
    """True where the order, after all working orders of its side, still leaves the position on its own side or flat."""
    if held > 0:
        return side == Side.SELL and qty + working_sell <= held
    return held < 0 and side == Side.BUY and qty + working_buy <= -held
