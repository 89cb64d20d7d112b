"""Who trades with whom: users' orders, the background and the scripted flow, in price-time priority.

At one price users' orders go before the background. A scripted trade meets users' orders at its price or
better; when the background has moved through a resting order, it takes that order first.
"""

from __future__ import annotations

import msgspec

from sandbox.engine.filters import at_market, triggered
from sandbox.engine.floor import Floor, opposite
from sandbox.engine.types import (
    LINEAR,
    SPOT,
    ExecType,
    Fill,
    IncomeKind,
    Order,
    OrderUpdate,
    Side,
    Status,
    SymbolSpec,
    TimeInForce,
    Trade,
)
from sandbox.engine.venue import Venue
from sandbox.errors import ExchangeError


class Matcher:
    """Everything that makes a trade."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    # -- the scripted flow

    def scripted(self, floor: Floor, price: int, qty: int, buyer_is_maker: bool, bid: int) -> Trade | None:
        """Run the scripted trade at the floor's cursor; what of it prints as scripted."""
        floor.background.bid = bid
        prints = floor.prints
        left = qty
        if floor.book:
            side = Side.SELL if buyer_is_maker else Side.BUY
            if floor.book.against(side).reaches(price):
                left -= self._hit(floor, side, price, qty)
                if left < qty:
                    prints.script_left(left)
        trade = None
        if left:
            spec = floor.spec
            trade_id = prints.cursor + prints.shift
            trade = Trade(spec.market, spec.symbol, self._venue.now_ns, trade_id, price, left, buyer_is_maker)
            floor.saw(price)
            self._venue.events.append(trade)
        prints.cursor += 1
        if floor.book:
            self._sweep(floor, Side.SELL)
            self._sweep(floor, Side.BUY)
        if floor.stops:
            self.fire_stops(floor)
        else:
            floor.low = floor.high = floor.last
        return trade

    def _hit(self, floor: Floor, side: Side, limit: int, qty: int) -> int:
        """The world comes with an order of this side: what users' resting orders gave it."""
        ladder = floor.book.against(side)
        left = qty
        while left and ladder.reaches(limit):
            resting = ladder.head()
            if resting is None:
                break
            part = min(left, self._allowed(resting, floor.spec))
            if not part:
                self.expire(resting)
                continue
            self._trade(floor, None, resting, side, resting.price, part)
            left -= part
        return qty - left

    def _sweep(self, floor: Floor, side: Side) -> None:
        """Background levels of this side that have come up to users' resting orders trade with them."""
        background, ladder, now_ns = floor.background, floor.book.against(side), self._venue.now_ns
        if not ladder.reaches(background.ask if side is Side.SELL else background.bid):
            return
        for price, size in background.levels(side, now_ns):
            if not ladder.reaches(price):
                break
            met = self._hit(floor, side, price, size)
            if met:
                background.take(side, price, met, now_ns)

    # -- users' orders

    def take(self, floor: Floor, order: Order) -> None:
        """Trade an incoming order as far as it goes; then it rests, or expires."""
        now_ns, spec = self._venue.now_ns, floor.spec
        market = at_market(spec.market, order.type)
        if (order.tif is TimeInForce.FOK and not market
                and floor.reachable(order.side, order.price, now_ns) < order.left):
            self.expire(order)
            return
        self._walk(floor, order, 0 if market else order.price)
        if not order.is_open:
            return
        if market or order.tif in (TimeInForce.IOC, TimeInForce.FOK) or not self._allowed(order, spec):
            self.expire(order)
        else:
            order.working = True
            floor.book.side(order.side).add(order)

    def _walk(self, floor: Floor, order: Order, limit: int) -> None:
        """Meet resting orders and background levels, best price first."""
        spec, now_ns, side = floor.spec, self._venue.now_ns, order.side
        against, ladder = opposite(side), floor.book.against(side)
        levels = floor.offered(against, now_ns)
        levels.reverse()
        sign = 1 if side is Side.BUY else -1
        while order.is_open:
            resting = ladder.head()
            if resting is not None and (not levels or sign * resting.price <= sign * levels[-1][0]):
                price, size = resting.price, self._allowed(resting, spec)
            elif levels:
                resting = None
                price, size = levels[-1]
            else:
                return
            if limit and sign * price > sign * limit:
                return
            if resting is not None and resting.account == order.account:
                self._prevent_self_trade(order, spec)
                return
            if resting is not None and not size:
                self.expire(resting)
                continue
            part = min(size, self._allowed(order, spec))
            if not part:
                return
            if resting is None:
                floor.background.take(against, price, part, now_ns)
                levels.pop()
                if part < size:
                    levels.append((price, size - part))
            self._trade(floor, order, resting, side, price, part)

    def _allowed(self, order: Order, spec: SymbolSpec) -> int:
        """What is left of an order, of a reducing one no more than there is to reduce."""
        if not (order.reduce_only or order.close_position):
            return order.left
        held = self._venue.linear.holding(order.account, spec.symbol).qty
        return min(order.left, max(0, held if order.side is Side.SELL else -held))

    def fire_stops(self, floor: Floor) -> None:
        """Send in the stops that prints have reached, until no more are."""
        while floor.stops:
            low, high = floor.low, floor.high
            floor.low = floor.high = floor.last
            due = [order for order in floor.stops.values()
                   if not order.on_mark and triggered(order.type, order.side, order.stop_price, low, high)]
            if not due:
                return
            for order in due:
                if order.id in floor.stops:
                    self.fire(floor, order)

    def fire(self, floor: Floor, order: Order) -> None:
        """A stop was reached: it becomes the order it stood for."""
        spec, venue = floor.spec, self._venue
        del floor.stops[order.id]
        order.triggered = True
        order.updated_ns = venue.now_ns
        reducing = order.reduce_only or order.close_position
        if order.close_position:
            order.qty = abs(venue.linear.holding(order.account, spec.symbol).qty)
        if not (self._allowed(order, spec) if reducing else order.left):
            self.expire(order)
            return
        self.tell(order, ExecType.NEW)
        if not reducing and not order.locked:
            needed = self.price_of(floor, order)
            try:
                venue.accounts(spec.market).require(order, spec, needed)
            except ExchangeError:
                # At the time of asking it could be paid; now it cannot, and there is nobody to refuse.
                self.expire(order)
                return
            venue.accounts(spec.market).reserve(order, spec, needed)
        if order.tif is TimeInForce.GTX and floor.crosses(order.side, order.price, venue.now_ns):
            self.expire(order)
            return
        self.take(floor, order)

    def price_of(self, floor: Floor, order: Order) -> int:
        """What an order ties up: of the paying asset (spot), or as notional (linear)."""
        spec = floor.spec
        if spec.market == SPOT and order.side is Side.SELL:
            return order.qty * spec.qty_factor
        if order.quote_qty:
            return order.quote_qty
        if at_market(spec.market, order.type):
            if spec.market == LINEAR:
                # The whole order counts, also what the book could not give it.
                return abs(self._venue.linear.notional(spec.symbol, order.qty))
            return floor.cost(order.side, order.qty, self._venue.now_ns)
        return order.left * order.price * spec.notional_factor

    # -- what a trade does

    def _trade(self, floor: Floor, taker: Order | None, maker: Order | None, side: Side, price: int, qty: int) -> None:
        """One print with a user on at least one side; `side` is the taker's."""
        venue, spec = self._venue, floor.spec
        quote = price * qty * spec.notional_factor
        buyer_is_maker = side is Side.SELL
        trade_id = floor.prints.insert(venue.now_ns, price, qty, buyer_is_maker)
        floor.saw(price)
        buyer, seller = (maker, taker) if buyer_is_maker else (taker, maker)
        venue.events.append(Trade(spec.market, spec.symbol, venue.now_ns, trade_id, price, qty, buyer_is_maker,
                                  buyer.id if buyer else 0, seller.id if seller else 0))
        for order, order_side in ((taker, side), (maker, opposite(side))):
            if order is None:
                venue.accounts(spec.market).settle_world(order_side, spec, qty, quote)
            else:
                self.fill(floor, order, price, qty, trade_id, maker=order is maker)

    def fill(self, floor: Floor, order: Order, price: int, qty: int, trade_id: int, *, maker: bool,
             exec_type: ExecType = ExecType.TRADE) -> None:
        """Book one side of a trade and tell its owner."""
        venue, spec = self._venue, floor.spec
        quote = price * qty * spec.notional_factor
        accounts = venue.accounts(spec.market)
        fee, asset, realized = accounts.settle(order, spec, qty, quote, spec.maker_ppm if maker else spec.taker_ppm)
        order.filled += qty
        order.quote_filled += quote
        order.updated_ns = venue.now_ns
        order.status = Status.PARTIALLY_FILLED
        if order.filled == order.qty:
            order.status = Status.FILLED
            self._finish(order, spec)
        elif order.locked and not at_market(spec.market, order.type):
            selling = spec.market == SPOT and order.side is Side.SELL
            keep = order.left * (spec.qty_factor if selling else order.price * spec.notional_factor)
            accounts.release(order, spec, keep)
        if spec.market == LINEAR:
            venue.linear.holding(order.account, spec.symbol).updated_ns = venue.now_ns
            venue.earn(order.account, spec.symbol, IncomeKind.REALIZED_PNL, realized, trade_id)
            venue.earn(order.account, spec.symbol, IncomeKind.COMMISSION, -fee, trade_id)
        venue.registries[spec.market].add_fill(Fill(
            trade_id, order.id, order.client_id, order.account, spec.market, spec.symbol, order.side, price, qty, quote,
            fee, asset, maker, realized, venue.now_ns))
        venue.events.append(OrderUpdate(
            venue.now_ns, exec_type, msgspec.structs.replace(order), price, qty, quote, fee, asset, trade_id, maker,
            realized))
        venue.tell_balance(order.account, spec)
        if spec.market == LINEAR and not venue.linear.holding(order.account, spec.symbol).qty:
            self._expire_reducing(order, spec)

    def _expire_reducing(self, by: Order, spec: SymbolSpec) -> None:
        """A position is closed: resting orders that could only reduce it have nothing left to do."""
        for order in self._venue.registries[LINEAR].open_of(by.account, spec.symbol):
            if order.reduce_only and order.working and order is not by:
                self.expire(order)

    def _finish(self, order: Order, spec: SymbolSpec) -> None:
        """Out of the book and of the open orders, and what it held goes back."""
        floor = self._venue.floors[spec.key]
        if order.working:
            floor.book.side(order.side).remove(order)
            order.working = False
        floor.stops.pop(order.id, None)
        if order.locked:
            self._venue.accounts(spec.market).release(order, spec)
        self._venue.registries[spec.market].close(order)

    def end(self, order: Order, status: Status, exec_type: ExecType, original_client_id: str = "") -> None:
        """An open order ends without (further) trade."""
        spec = self._venue.floors[order.market, order.symbol].spec
        held = order.locked
        self._finish(order, spec)
        order.status = status
        order.updated_ns = self._venue.now_ns
        self.tell(order, exec_type, original_client_id)
        if held and spec.market == SPOT:
            self._venue.tell_balance(order.account, spec)

    def expire(self, order: Order) -> None:
        """The exchange ends an order."""
        self.end(order, Status.EXPIRED, ExecType.EXPIRED)

    def _prevent_self_trade(self, order: Order, spec: SymbolSpec) -> None:
        linear = spec.market == LINEAR
        self.end(order, Status.EXPIRED_IN_MATCH, ExecType.EXPIRED if linear else ExecType.TRADE_PREVENTION)

    def tell(self, order: Order, exec_type: ExecType, original_client_id: str = "") -> None:
        """Tell an order's owner how it stands."""
        self._venue.events.append(OrderUpdate(self._venue.now_ns, exec_type, msgspec.structs.replace(order),
                                              original_client_id=original_client_id))
