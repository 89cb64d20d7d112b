"""What users may ask: new orders, cancels, replacements, amendments. Refused ones change nothing."""

from __future__ import annotations

from sandbox.engine import filters
from sandbox.engine.floor import Floor
from sandbox.engine.matcher import Matcher
from sandbox.engine.types import LINEAR, SPOT, ExecType, NewOrder, Order, OrderType, Side, Status, TimeInForce
from sandbox.engine.venue import Venue
from sandbox.errors import Code, ExchangeError


class Desk:
    """Takes commands at the venue's time."""

    def __init__(self, venue: Venue, matcher: Matcher) -> None:
        self._venue = venue
        self._matcher = matcher

    def check(self, account: str, market: str, new: NewOrder) -> Order:
        """Every rule an order must meet now; the order as it would be."""
        floor = self._venue.floor(market, new.symbol)
        self._check_filters(floor, new)
        self._check_account(account, floor, new)
        order = self._order(account, floor, new)
        self._check_book(floor, order)
        reducing = order.reduce_only or order.close_position
        waits_free = order.type in filters.STOP_TYPES and not self._locks_while_waiting(order)
        if not reducing and not waits_free:
            self._venue.accounts(market).require(order, floor.spec, self._matcher.price_of(floor, order))
        return order

    def _check_filters(self, floor: Floor, new: NewOrder) -> None:
        spec = floor.spec
        filters.check_shape(spec, new)
        market_order = filters.at_market(spec.market, new.type)
        reference = floor.last if spec.market == SPOT else self._venue.mark(spec.symbol)
        if not market_order:
            filters.check_price(spec, new.price, new.side, reference)
        if new.stop_price and new.stop_price % spec.tick:
            filters.check_price(spec, new.stop_price, new.side, reference)
        if new.qty:
            filters.check_qty(spec, new.qty, market_order=market_order)
        price = reference if market_order else new.price
        notional = new.quote_qty or new.qty * price * spec.notional_factor
        filters.check_notional(spec, notional, exempt=new.reduce_only or new.close_position)

    def _check_account(self, account: str, floor: Floor, new: NewOrder) -> None:
        spec, registry = floor.spec, self._venue.registries[floor.spec.market]
        if new.client_id and registry.open_with_client(account, spec.symbol, new.client_id):
            if spec.market == SPOT:
                raise ExchangeError(Code.NEW_ORDER_REJECTED, "Duplicate order sent.")
            raise ExchangeError(Code.DUPLICATE_CLIENT_ID, "ClientOrderId is duplicated.")
        mine = registry.open_of(account, spec.symbol)
        stops = sum(order.id in floor.stops for order in mine)
        filters.check_count(spec, len(mine), stops, is_stop=new.type in filters.STOP_TYPES)
        if new.reduce_only and new.type not in filters.STOP_TYPES:
            held = self._venue.linear.holding(account, spec.symbol).qty
            if not held or (held > 0) == (new.side is Side.BUY):
                raise ExchangeError(Code.REDUCE_ONLY_REJECTED, "ReduceOnly Order is rejected.")

    def _check_book(self, floor: Floor, order: Order) -> None:
        """Post-only orders must not trade at once, stops must not be reached already."""
        now_ns, spot = self._venue.now_ns, floor.spec.market == SPOT
        if order.type in filters.STOP_TYPES:
            price = self._venue.mark(order.symbol) if order.on_mark else floor.last
            if filters.triggered(order.type, order.side, order.stop_price, price, price):
                if spot:
                    raise ExchangeError(Code.NEW_ORDER_REJECTED, "Stop price would trigger immediately.")
                raise ExchangeError(Code.WOULD_TRIGGER, "Order would immediately trigger.")
        elif order.type is OrderType.LIMIT_MAKER and floor.crosses(order.side, order.price, now_ns):
            raise ExchangeError(Code.NEW_ORDER_REJECTED, "Order would immediately match and take.")
        elif order.tif is TimeInForce.GTX and floor.crosses(order.side, order.price, now_ns):
            raise ExchangeError(
                Code.POST_ONLY,
                "Due to the order could not be executed as maker, the Post Only order will be rejected.")

    def _locks_while_waiting(self, order: Order) -> bool:
        """Whether a stop holds its money from the start: on spot, where the amount is known."""
        return order.market == SPOT and (order.side is Side.SELL or not filters.at_market(SPOT, order.type))

    def _order(self, account: str, floor: Floor, new: NewOrder) -> Order:
        now_ns, spec = self._venue.now_ns, floor.spec
        # A market order with a budget trades the quantity that the budget buys (or brings) now.
        qty = floor.quantity(new.side, new.quote_qty, now_ns) if new.quote_qty else new.qty
        order_id = self._venue.registries[spec.market].next_id
        return Order(
            id=order_id, client_id=new.client_id or f"auto{order_id}", account=account, market=spec.market,
            symbol=spec.symbol, side=new.side, type=new.type, tif=new.tif, status=Status.NEW, qty=qty,
            price=0 if filters.at_market(spec.market, new.type) else new.price, stop_price=new.stop_price,
            quote_qty=new.quote_qty, reduce_only=new.reduce_only, close_position=new.close_position,
            on_mark=new.on_mark, created_ns=now_ns, updated_ns=now_ns)

    def submit(self, account: str, market: str, new: NewOrder) -> Order:
        """Take an order in and trade it as far as it goes."""
        order = self.check(account, market, new)
        floor = self._venue.floors[market, order.symbol]
        accounts = self._venue.accounts(market)
        self._venue.registries[market].add(order)
        is_stop = order.type in filters.STOP_TYPES
        reserves = self._locks_while_waiting(order) if is_stop else self._reserves(order)
        if reserves:
            accounts.reserve(order, floor.spec, self._matcher.price_of(floor, order))
        self._matcher.tell(order, ExecType.NEW)
        if reserves and market == SPOT:
            self._venue.tell_balance(account, floor.spec)
        if is_stop:
            floor.stops[order.id] = order
        else:
            self._matcher.take(floor, order)
            self._matcher.fire_stops(floor)
        return order

    def _reserves(self, order: Order) -> bool:
        """Spot orders hold what they pay; linear ones count in the margin while they are open at a price."""
        return order.market == SPOT or not filters.at_market(LINEAR, order.type)

    def cancel(self, account: str, market: str, symbol: str, order_id: int | None, client_id: str | None,
               cancel_client_id: str = "") -> Order:
        """End an open order."""
        self._venue.floor(market, symbol)
        order = self._venue.registries[market].find(account, symbol, order_id, client_id)
        if order is None or not order.is_open:
            raise ExchangeError(Code.CANCEL_REJECTED, "Unknown order sent.")
        order.cancel_client_id = cancel_client_id
        self._matcher.end(order, Status.CANCELED, ExecType.CANCELED, order.client_id if cancel_client_id else "")
        return order

    def cancel_all(self, account: str, market: str, symbol: str) -> list[Order]:
        """End all open orders in a symbol."""
        self._venue.floor(market, symbol)
        orders = self._venue.registries[market].open_of(account, symbol)
        if not orders and market == SPOT:
            raise ExchangeError(Code.CANCEL_REJECTED, "Unknown order sent.")
        for order in orders:
            self._matcher.end(order, Status.CANCELED, ExecType.CANCELED)
        return orders

    def modify(self, account: str, symbol: str, side: Side, qty: int, price: int, order_id: int | None,
               client_id: str | None) -> Order:
        """Change quantity and price of a resting linear limit order; a smaller one keeps its place in the queue."""
        floor = self._venue.floor(LINEAR, symbol)
        order = self._venue.registries[LINEAR].find(account, symbol, order_id, client_id)
        if order is None or not order.is_open or order.type is not OrderType.LIMIT or order.side is not side:
            raise ExchangeError(Code.NO_SUCH_ORDER, "Order does not exist.")
        if (qty, price) == (order.qty, order.price):
            raise ExchangeError(Code.NO_AMENDMENT, "No need to modify the order.")
        filters.check_price(floor.spec, price, side, self._venue.mark(symbol))
        filters.check_qty(floor.spec, qty, market_order=False)
        filters.check_notional(floor.spec, qty * price * floor.spec.notional_factor, exempt=order.reduce_only)
        if order.tif is TimeInForce.GTX and floor.crosses(side, price, self._venue.now_ns):
            raise ExchangeError(
                Code.POST_ONLY,
                "Due to the order could not be executed as maker, the Post Only order will be rejected.")
        if qty <= order.filled:
            self._matcher.end(order, Status.CANCELED, ExecType.CANCELED)
            return order
        self._amend(floor, order, qty, price)
        return order

    def _amend(self, floor: Floor, order: Order, qty: int, price: int) -> None:
        needed = (qty - order.filled) * price * floor.spec.notional_factor
        linear = self._venue.linear
        if not order.reduce_only and needed > order.locked:
            linear.require(order, floor.spec, needed - order.locked)
        keeps_place = price == order.price and qty < order.qty
        if not keeps_place:
            floor.book.side(order.side).remove(order)
            order.working = False
        order.qty, order.price, order.updated_ns = qty, price, self._venue.now_ns
        linear.release(order, floor.spec, needed)
        self._matcher.tell(order, ExecType.AMENDMENT)
        if not keeps_place:
            self._matcher.take(floor, order)
            self._matcher.fire_stops(floor)
