"""Conditional futures orders: Binance keeps them behind endpoints of their own until their price is reached."""

from __future__ import annotations

from sandbox.engine.types import LINEAR, Order
from sandbox.errors import ExchangeError
from sandbox.server.order_json import algo_order, waits
from sandbox.server.order_request import new_order
from sandbox.server.params import Call
from sandbox.server.trade_rest import span_ns, which
from sandbox.server.venue import Venue


def place(venue: Venue, call: Call) -> object:
    """POST algoOrder: a conditional futures order."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    if call.text("algoType") != "CONDITIONAL":
        raise ExchangeError(-1102, "Mandatory parameter 'algoType' was not sent, was empty/null, or malformed.")
    order, _ = venue.submit(call.account, LINEAR, new_order(call, spec, algo=True))
    return algo_order(order, spec)


def _find(venue: Venue, call: Call) -> Order:
    """A conditional order, which is asked for without its symbol."""
    order_id, name = which(call, "algoId", "clientAlgoId")
    venue.sync()
    for symbol in venue.symbols(LINEAR):
        try:
            found = venue.exchange.order(call.account, LINEAR, symbol, order_id=order_id, client_id=name)
        except ExchangeError as error:
            if error.code != -2013:
                raise
            continue
        if found.stop_price:
            return found
    raise ExchangeError(-2013, "Order does not exist.")


def query(venue: Venue, call: Call) -> object:
    """GET algoOrder."""
    order = _find(venue, call)
    return algo_order(order, venue.spec(LINEAR, order.symbol))


def cancel(venue: Venue, call: Call) -> object:
    """DELETE algoOrder."""
    order = _find(venue, call)
    done = venue.cancel(call.account, LINEAR, order.symbol, order.id, None)
    return {"algoId": done.id, "clientAlgoId": done.client_id, "code": "200", "msg": "success"}


def open_orders(venue: Venue, call: Call) -> object:
    """GET openAlgoOrders: conditional orders that wait."""
    symbol = call.optional("symbol")
    venue.sync()
    found = venue.exchange.open_orders(call.account, LINEAR, symbol)
    return [algo_order(order, venue.spec(LINEAR, order.symbol)) for order in found if waits(order)]


def all_orders(venue: Venue, call: Call) -> object:
    """GET allAlgoOrders."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    start, end = span_ns(call)
    venue.sync()
    found = venue.exchange.orders(
        call.account,
        LINEAR,
        spec.symbol,
        from_id=call.integer("algoId"),
        start_ns=start,
        end_ns=end,
        limit=call.limit(500, 1000),
    )
    return [algo_order(order, spec) for order in found if order.stop_price]


def cancel_all(venue: Venue, call: Call) -> object:
    """DELETE algoOpenOrders: conditional orders only."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    venue.sync()
    for order in list(venue.exchange.open_orders(call.account, LINEAR, spec.symbol)):
        if waits(order):
            venue.cancel(call.account, LINEAR, spec.symbol, order.id, None)
    return {"code": "200", "msg": "The operation of cancel all open order is done."}
