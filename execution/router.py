"""From the position a portfolio wants to the orders that lead there: pure, one instrument at a time.

One thing at a time: while an order of the instrument works, nothing new is sent; a resting one that no longer
leads to the wanted position is cancelled first. So a late fill can never add to a second order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from execution import order_id
from execution.oms import Oms
from ledger.allot import allot
from ledger.intent import Intent, OrderType, Share, TimeInForce
from ledger.order import IN_FLIGHT
from market.events import Side
from market.instrument import TradingRules
from market.rounding import notional, round_price, round_qty

_PPM = 1_000_000


class Style(Enum):
    """How to trade."""

    TAKE = "take"  # at once, no further than the collar from the far side
    JOIN = "join"  # rest at the near side, post-only


class Wanted(msgspec.Struct, frozen=True):
    """The position wanted in one instrument."""

    instrument: int
    qty: int                               # signed
    shares: tuple[tuple[str, float], ...]  # by strategy, in any unit; they tell who owns how much of `qty`
    cause: str = ""


class Plan(msgspec.Struct, frozen=True):
    """What to do now; both empty where the position is as wanted or an order is under way."""

    intents: tuple[Intent, ...] = ()
    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Router:
    """The rules by which one portfolio's orders are made; holds no state."""

    account: str
    portfolio: str
    style: Style = Style.TAKE
    collar_ppm: int = 1_000
    ttl_ns: int = 2_000_000_000

    def plan(
        self, oms: Oms, wanted: Wanted, rules: TradingRules, bid: int, ask: int, now_ns: int, decision_seq: int
    ) -> Plan:
        """Intents and cancels for one instrument; a turn through zero is a reducing order and an opening one."""
        instrument = wanted.instrument
        position, working = oms.position(instrument), oms.working(instrument)
        resting = list(oms.open_orders(instrument))
        if resting:
            if position + working == wanted.qty:
                return Plan()
            return Plan(cancels=tuple(o.intent.order_id for o in resting if o.state not in IN_FLIGHT))
        delta = wanted.qty - position
        if delta == 0 or bid <= 0 or ask <= 0:
            return Plan()
        deltas = self._deltas(oms, wanted, delta)
        if position * wanted.qty >= 0:
            reducing = abs(wanted.qty) < abs(position)
            only = self._intent(wanted, rules, bid, ask, now_ns, decision_seq, 0, delta, deltas, reducing)
            return Plan((only,)) if only is not None else Plan()
        steps = [-position, wanted.qty]
        intents: list[Intent] = []
        for child, step in enumerate(steps):
            shares = _scaled(deltas, step)
            deltas = [Share(a.strategy, a.qty - b.qty) for a, b in zip(deltas, shares, strict=True)]
            intent = self._intent(wanted, rules, bid, ask, now_ns, decision_seq, child, step, shares, child == 0)
            if intent is not None:
                intents.append(intent)
        return Plan(tuple(intents))

    def _intent(
        self, wanted: Wanted, rules: TradingRules, bid: int, ask: int, now_ns: int, decision_seq: int,
        child: int, step: int, shares: Sequence[Share], reducing: bool,
    ) -> Intent | None:
        qty = round_qty(step, rules.lot)
        if rules.max_qty and abs(qty) > rules.max_qty:
            qty = round_qty(rules.max_qty if qty > 0 else -rules.max_qty, rules.lot)
        side = Side.BUY if step > 0 else Side.SELL
        price = self._price(side, bid, ask, rules.tick)
        # A venue takes a reducing order below its smallest notional: dust can always be closed.
        small = abs(notional(price, qty)) < rules.min_notional and not reducing
        if qty == 0 or abs(qty) < rules.min_qty or small or price <= 0:
            return None
        if qty != step:
            shares = _scaled(shares, qty)
        shares = [share for share in shares if share.qty]
        take = self.style is Style.TAKE
        return Intent(
            order_id=order_id.make(self.portfolio, wanted.instrument, decision_seq, child),
            account=self.account, portfolio=self.portfolio, instrument=wanted.instrument,
            strategy=shares[0].strategy if len(shares) == 1 else "", side=side, type=OrderType.LIMIT,
            tif=TimeInForce.IOC if take else TimeInForce.GTC, price=price, qty=abs(qty), reduce_only=reducing,
            post_only=not take, ts_decision=now_ns, ttl_ns=self.ttl_ns, decision_seq=decision_seq, child=child,
            cause=wanted.cause, shares=tuple(shares) if len(shares) > 1 else (),
        )

    def _price(self, side: Side, bid: int, ask: int, tick: int) -> int:
        if self.style is Style.JOIN:
            return bid if side == Side.BUY else ask
        sign = 1 if side == Side.BUY else -1
        far = ask if side == Side.BUY else bid
        return round_price(far + sign * (far * self.collar_ppm // _PPM), tick, side)

    def _deltas(self, oms: Oms, wanted: Wanted, delta: int) -> list[Share]:
        """What each strategy adds to its sub-book, in order of name; sums to `delta`."""
        held = {name: sub.qty for name, sub in oms.ledger.strategies(wanted.instrument) if sub.qty}
        if len(wanted.shares) == 1:
            (name, weight), = wanted.shares
            if held.keys() <= {name} and (abs(weight) > 1e-9 or not wanted.qty):  # the usual case: all is one's own
                return [Share(name, delta)]
        weights = {name: round(weight * 1e9) for name, weight in wanted.shares}
        if sum(weights.values()) == 0:
            weights = {}
        targets = dict(zip(weights, allot(wanted.qty, list(weights.values())), strict=True)) if weights else {}
        names = sorted(held.keys() | targets.keys())
        deltas = [Share(name, targets.get(name, 0) - held.get(name, 0)) for name in names]
        if sum(share.qty for share in deltas) != delta:  # nobody claims the wanted quantity
            deltas.append(Share("", delta - sum(share.qty for share in deltas)))
        return deltas


def _scaled(shares: Sequence[Share], qty: int) -> list[Share]:
    """The shares cut down to `qty`, by largest remainder."""
    weights = [share.qty for share in shares]
    if sum(weights) == qty:
        return list(shares)
    if sum(weights) == 0:
        return [Share(shares[0].strategy, qty), *(Share(share.strategy, 0) for share in shares[1:])]
    parts = allot(qty, weights)
    return [Share(share.strategy, part) for share, part in zip(shares, parts, strict=True)]
