"""Orders by REST and by the websocket API, in both markets."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from sandbox.engine.types import LINEAR, SPOT, Order, Side, SymbolSpec
from sandbox.errors import ExchangeError
from sandbox.server.clock import NS_PER_MS
from sandbox.server.numbers import scaled
from sandbox.server.order_json import (
    Json,
    futures_fill,
    futures_order,
    spot_cancelled,
    spot_fill,
    spot_order,
    spot_placed,
    waits,
)
from sandbox.server.order_request import client_id, new_order
from sandbox.server.params import Call
from sandbox.server.venue import Venue

Handler = Callable[[Venue, Call], object]
_DETAILS = {"ACK", "RESULT", "FULL"}
_DAY_MS = 86_400_000


def order_json(order: Order, spec: SymbolSpec) -> Json:
    """An order as its market's GET answers it."""
    return spot_order(order, spec) if spec.market == SPOT else futures_order(order, spec)


def _detail(call: Call) -> str:
    default = "FULL" if call.params.get("type") in {"MARKET", "LIMIT"} else "ACK"
    detail = call.params.get("newOrderRespType", default)
    if detail not in _DETAILS:
        raise ExchangeError(-1100, "Illegal characters found in parameter 'newOrderRespType'.")
    return detail


def which(
    call: Call, id_name: str = "orderId", client_name: str = "origClientOrderId"
) -> tuple[int | None, str | None]:
    """The order a request means; the venue's id wins when both are given, as at Binance."""
    number = call.integer(id_name)
    name = call.optional(client_name)
    if number is None and name is None:
        raise ExchangeError(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
    return number, None if number is not None else name


def _cancel_id(call: Call) -> str:
    return client_id(call.optional("newClientOrderId"), "newClientOrderId") or secrets.token_hex(11)


def place(market: str) -> Handler:
    """POST order."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        order, events = venue.submit(call.account, market, new_order(call, spec))
        return spot_placed(order, spec, events, _detail(call)) if market == SPOT else futures_order(order, spec)

    return handle


def test_place(market: str) -> Handler:
    """POST order/test: everything but the order."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        venue.sync()
        venue.exchange.check(call.account, market, new_order(call, spec))
        return {}

    return handle


def query(market: str) -> Handler:
    """GET order (and futures GET openOrder)."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        order_id, name = which(call)
        venue.sync()
        found = venue.exchange.order(call.account, market, spec.symbol, order_id=order_id, client_id=name)
        if waits(found):
            raise ExchangeError(-2013, "Order does not exist.")
        return order_json(found, spec)

    return handle


def cancel(market: str) -> Handler:
    """DELETE order."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        order_id, name = which(call)
        if market == SPOT:
            done = venue.cancel(call.account, market, spec.symbol, order_id, name, _cancel_id(call))
            return spot_cancelled(done, spec)
        venue.sync()
        for order in venue.exchange.open_orders(call.account, market, spec.symbol):
            if waits(order) and (order.id == order_id or order.client_id == name):
                raise ExchangeError(-2011, "Unknown order sent.")
        return futures_order(venue.cancel(call.account, market, spec.symbol, order_id, name), spec)

    return handle


def spot_cancel_all(venue: Venue, call: Call) -> object:
    """DELETE openOrders on spot: -2011 when there are none."""
    spec = venue.spec(SPOT, call.text("symbol"))
    return [spot_cancelled(order, spec) for order in venue.cancel_all(call.account, SPOT, spec.symbol)]


def futures_cancel_all(venue: Venue, call: Call) -> object:
    """DELETE allOpenOrders."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    venue.cancel_all(call.account, LINEAR, spec.symbol)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def cancel_replace(venue: Venue, call: Call) -> object:
    """POST order/cancelReplace on spot."""
    spec = venue.spec(SPOT, call.text("symbol"))
    mode = call.text("cancelReplaceMode")
    if mode not in {"STOP_ON_FAILURE", "ALLOW_FAILURE"}:
        raise ExchangeError(-1100, "Illegal characters found in parameter 'cancelReplaceMode'.")
    number = call.integer("cancelOrderId")
    name = call.optional("cancelOrigClientOrderId")
    if number is None and name is None:
        raise ExchangeError(
            -1102, "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, but both were empty/null!"
        )
    own_id = client_id(call.optional("cancelNewClientOrderId"), "cancelNewClientOrderId") or secrets.token_hex(11)
    order = new_order(call, spec)
    result = venue.replace(
        call.account,
        spec.symbol,
        order,
        number,
        None if number is not None else name,
        own_id,
        mode == "STOP_ON_FAILURE",
    )
    cancelled, created = result.cancelled, result.created
    answer = {
        "cancelResult": _outcome(cancelled),
        "newOrderResult": _outcome(created),
        "cancelResponse": spot_cancelled(cancelled, spec) if isinstance(cancelled, Order) else _error(cancelled),
        "newOrderResponse": (
            spot_placed(created, spec, result.events, _detail(call)) if isinstance(created, Order) else
            None if created is None else _error(created)
        ),
    }  # fmt: skip
    if isinstance(cancelled, Order) and isinstance(created, Order):
        return answer
    half = isinstance(cancelled, Order) or isinstance(created, Order)
    raise CancelReplaceError(-2021 if half else -2022, answer)


class CancelReplaceError(ExchangeError):
    """A cancel-replace that went half way or nowhere: the refusal carries both answers."""

    def __init__(self, code: int, data: Json) -> None:
        msg = "Order cancel-replace partially failed." if code == -2021 else "Order cancel-replace failed."
        super().__init__(code, msg, 409 if code == -2021 else 400)
        self.data = data


def _outcome(result: Order | ExchangeError | None) -> str:
    if result is None:
        return "NOT_ATTEMPTED"
    return "SUCCESS" if isinstance(result, Order) else "FAILURE"


def _error(error: ExchangeError) -> Json:
    return {"code": error.code, "msg": error.msg}


def modify(venue: Venue, call: Call) -> object:
    """PUT order on futures: a limit order's new price and quantity."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    order_id, name = which(call)
    order = venue.modify(
        call.account,
        spec.symbol,
        call.choice("side", Side, -1117, "side"),
        scaled(call.text("quantity"), spec.qty_scale, "quantity"),
        scaled(call.text("price"), spec.price_scale, "price"),
        order_id,
        name,
    )
    return futures_order(order, spec)


def batch(work: Handler) -> Handler:
    """batchOrders: each order on its own, an error in its place where it is refused."""

    def handle(venue: Venue, call: Call) -> object:
        try:
            orders = msgspec.json.decode(call.text("batchOrders"), type=list[dict[str, object]])
        except msgspec.DecodeError:
            raise ExchangeError(-1100, "Illegal characters found in parameter 'batchOrders'.") from None
        if not 1 <= len(orders) <= 5:
            raise ExchangeError(-4082, "Invalid number of batch place orders.")
        answers: list[object] = []
        for fields in orders:
            texts = {
                key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in fields.items()
            }
            try:
                answers.append(work(venue, Call(texts, call.account)))
            except ExchangeError as error:
                answers.append(_error(error))
        return answers

    return handle


def batch_cancel(venue: Venue, call: Call) -> object:
    """DELETE batchOrders."""
    raw, name = call.params.get("orderIdList"), "orderId"
    if not raw:
        raw, name = call.text("origClientOrderIdList"), "origClientOrderId"
    try:
        ids = msgspec.json.decode(raw, type=list[int | str])
    except msgspec.DecodeError:
        raise ExchangeError(-1100, "Illegal characters found in parameter 'orderIdList'.") from None
    answers: list[object] = []
    for item in ids[:10]:
        try:
            one = Call({"symbol": call.text("symbol"), name: str(item)}, call.account)
            answers.append(cancel(LINEAR)(venue, one))
        except ExchangeError as error:
            answers.append(_error(error))
    return answers


def open_orders(market: str) -> Handler:
    """GET openOrders, of one symbol or of all."""

    def handle(venue: Venue, call: Call) -> object:
        symbol = call.optional("symbol")
        if symbol is not None:
            venue.spec(market, symbol)
        venue.sync()
        found = venue.exchange.open_orders(call.account, market, symbol)
        return [order_json(order, venue.spec(market, order.symbol)) for order in found if not waits(order)]

    return handle


def span_ns(call: Call) -> tuple[int | None, int | None]:
    """startTime and endTime in ns, both within; the end is the last ns of its millisecond."""
    start, end = call.integer("startTime"), call.integer("endTime")
    return (
        None if start is None else start * NS_PER_MS,
        None if end is None else (end + 1) * NS_PER_MS - 1,
    )


def all_orders(market: str) -> Handler:
    """GET allOrders."""

    def handle(venue: Venue, call: Call) -> object:
        spec = venue.spec(market, call.text("symbol"))
        start, end = span_ns(call)
        venue.sync()
        found = venue.exchange.orders(
            call.account,
            market,
            spec.symbol,
            from_id=call.integer("orderId"),
            start_ns=start,
            end_ns=end,
            limit=call.limit(500, 1000),
        )
        return [order_json(order, spec) for order in found if not waits(order)]

    return handle


def fills(market: str) -> Handler:
    """GET myTrades (spot) and userTrades (futures)."""

    def handle(venue: Venue, call: Call) -> object:
        symbol = call.text("symbol") if market == SPOT else call.optional("symbol")
        if symbol is not None:
            venue.spec(market, symbol)
        start, end = span_ns(call)
        if (
            start is not None
            and end is not None
            and end - start > (1 if market == SPOT else 7) * _DAY_MS * NS_PER_MS + NS_PER_MS
        ):
            raise ExchangeError(-1127, "More than allowed between startTime and endTime.")
        venue.sync()
        found = venue.exchange.fills(
            call.account,
            market,
            symbol,
            order_id=call.integer("orderId"),
            from_id=call.integer("fromId"),
            start_ns=start,
            end_ns=end,
            limit=call.limit(500, 1000),
        )
        write = spot_fill if market == SPOT else futures_fill
        return [write(fill, venue.spec(market, fill.symbol)) for fill in found]

    return handle


def countdown(venue: Venue, call: Call) -> object:
    """POST countdownCancelAll: the futures dead-man's switch."""
    spec = venue.spec(LINEAR, call.text("symbol"))
    delay = call.integer("countdownTime")
    if delay is None or delay < 0:
        raise ExchangeError(-1102, "Mandatory parameter 'countdownTime' was not sent, was empty/null, or malformed.")
    venue.set_countdown(call.account, spec.symbol, delay)
    return {"symbol": spec.symbol, "countdownTime": str(delay)}
