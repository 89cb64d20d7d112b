"""Funding and liquidation of perpetual positions, each minute at mark."""

from __future__ import annotations

from sandbox.engine.filters import triggered
from sandbox.engine.matcher import Matcher
from sandbox.engine.types import (
    LINEAR,
    BalanceUpdate,
    ExecType,
    IncomeKind,
    Order,
    OrderType,
    Side,
    Status,
    SymbolSpec,
    TimeInForce,
    Trade,
)
from sandbox.engine.venue import Venue
from sandbox.market.calendar import FUNDING_NS


class Margin:
    """What the exchange does to positions by itself."""

    def __init__(self, venue: Venue, matcher: Matcher) -> None:
        self._venue = venue
        self._matcher = matcher

    @property
    def idle(self) -> bool:
        """Whether no position is open and no stop waits for a mark price."""
        return next(self._venue.linear.exposed(), None) is None and not any(
            order.on_mark for floor in self._venue.floors.values() for order in floor.stops.values())

    def minute(self, now_ns: int) -> None:
        """A minute begins: funding when it is due, stops on mark, margin calls."""
        if now_ns % FUNDING_NS == 0:
            self._fund()
        self._fire_mark_stops()
        accounts = dict.fromkeys(account for account, _, _ in self._venue.linear.exposed())
        for account in accounts:
            if self._venue.linear.is_bankrupt(account):
                self._liquidate(account)

    def _fund(self) -> None:
        venue = self._venue
        for account, symbol, _ in list(venue.linear.exposed()):
            rate = venue.script.fair.rate(symbol, venue.now_ns)
            amount = venue.linear.fund(account, symbol, venue.mark(symbol), rate)
            venue.earn(account, symbol, IncomeKind.FUNDING_FEE, amount)
            venue.events.append(BalanceUpdate(
                account, LINEAR, venue.now_ns, "FUNDING_FEE", venue.linear.some(account), (amount,)))

    def _fire_mark_stops(self) -> None:
        for (market, symbol), floor in self._venue.floors.items():
            if market != LINEAR or not floor.stops:
                continue
            mark = self._venue.mark(symbol)
            for order in list(floor.stops.values()):
                if order.on_mark and triggered(order.type, order.side, order.stop_price, mark, mark):
                    self._matcher.fire(floor, order)
            self._matcher.fire_stops(floor)

    def _liquidate(self, account: str) -> None:
        """End the account's orders, close its positions at mark, let the insurance pay what is missing."""
        venue = self._venue
        for order in venue.registries[LINEAR].open_of(account):
            self._matcher.expire(order)
        for owner, symbol, holding in list(venue.linear.exposed()):
            if owner == account:
                self._close(account, venue.floors[LINEAR, symbol].spec, holding.qty)
        covered = venue.linear.cover(account)
        venue.earn(account, "", IncomeKind.INSURANCE_CLEAR, covered)
        if covered:
            venue.events.append(BalanceUpdate(
                account, LINEAR, venue.now_ns, "INSURANCE_CLEAR", venue.linear.some(account), (covered,)))

    def _close(self, account: str, spec: SymbolSpec, held: int) -> None:
        venue, registry = self._venue, self._venue.registries[LINEAR]
        floor = venue.floors[spec.key]
        side, qty, price = (Side.SELL if held > 0 else Side.BUY), abs(held), venue.mark(spec.symbol)
        order = Order(
            id=registry.next_id, client_id=f"autoclose-{registry.next_id}", account=account, market=LINEAR,
            symbol=spec.symbol, side=side, type=OrderType.MARKET, tif=TimeInForce.IOC, status=Status.NEW, qty=qty,
            price=0, stop_price=0, quote_qty=0, reduce_only=True, close_position=False, on_mark=False,
            created_ns=venue.now_ns, updated_ns=venue.now_ns)
        registry.add(order)
        trade_id = floor.prints.insert(venue.now_ns, price, qty, side is Side.SELL)
        floor.saw(price)
        sold, bought = (order.id, 0) if side is Side.SELL else (0, order.id)
        venue.events.append(Trade(
            LINEAR, spec.symbol, venue.now_ns, trade_id, price, qty, side is Side.SELL, bought, sold))
        world = Side.BUY if side is Side.SELL else Side.SELL
        venue.linear.settle_world(world, spec, qty, price * qty * spec.notional_factor)
        self._matcher.fill(floor, order, price, qty, trade_id, maker=False, exec_type=ExecType.LIQUIDATION)
        self._matcher.fire_stops(floor)
