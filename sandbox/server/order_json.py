"""Orders and fills as the REST interfaces write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.engine.types import LINEAR, SPOT, Event, ExecType, Fill, Order, OrderType, OrderUpdate, Status, SymbolSpec
from sandbox.server.clock import NS_PER_MS
from sandbox.server.numbers import text

Json = dict[str, Any]

SPOT_DIGITS = 8
_STP = {SPOT: "EXPIRE_TAKER", LINEAR: "EXPIRE_TAKER"}
_WITH_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT})


def millis(ns: int) -> int:
    """Milliseconds of nanoseconds."""
    return ns // NS_PER_MS


def price_text(spec: SymbolSpec, value: int) -> str:
    """A price as its market writes it: 8 places on spot, the symbol's own on futures."""
    return text(value, spec.price_scale, SPOT_DIGITS if spec.market == SPOT else None)


def qty_text(spec: SymbolSpec, value: int) -> str:
    """A quantity as its market writes it."""
    return text(value, spec.qty_scale, SPOT_DIGITS if spec.market == SPOT else None)


def money_text(value: int) -> str:
    """An amount in 10^-8."""
    return text(value, 8)


def average_price(order: Order, spec: SymbolSpec) -> str:
    """Mean price of what has traded, with two places more than the price; 0 before the first fill."""
    digits = spec.price_scale + 2
    if not order.filled:
        return text(0, digits)
    # quote_filled is in 10^-8 and filled in 10^-qty_scale.
    return text(order.quote_filled * 10 ** (digits + spec.qty_scale) // (order.filled * 10**8), digits)


def waits(order: Order) -> bool:
    """Whether a futures order is conditional and its price was never reached: then only the algo endpoints know it."""
    return order.market == LINEAR and bool(order.stop_price) and not order.triggered


def algo_status(order: Order) -> str:
    """Where a conditional order stands for the algo endpoints."""
    if waits(order):
        return order.status
    return "TRIGGERED" if order.is_open else "FINISHED"


def shown_type(order: Order) -> str:
    """The type a futures order shows: a triggered stop has become the order it was waiting to be."""
    if order.market == LINEAR and order.triggered:
        return "LIMIT" if order.type in _WITH_LIMIT else "MARKET"
    return order.type


def spot_order(order: Order, spec: SymbolSpec) -> Json:
    """A spot order as GET answers it."""
    return _spot_core(order, spec) | {
        "stopPrice": price_text(spec, order.stop_price),
        "icebergQty": qty_text(spec, 0),
        "time": millis(order.created_ns),
        "updateTime": millis(order.updated_ns),
        "isWorking": order.working or not order.is_open,
        "workingTime": millis(order.created_ns),
    }


def _spot_core(order: Order, spec: SymbolSpec) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": price_text(spec, order.price),
        "origQty": qty_text(spec, order.qty),
        "executedQty": qty_text(spec, order.filled),
        "origQuoteOrderQty": money_text(order.quote_qty),
        "cummulativeQuoteQty": money_text(order.quote_filled),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.type,
        "side": order.side,
        "selfTradePreventionMode": _STP[SPOT],
    }


def spot_placed(order: Order, spec: SymbolSpec, events: Iterable[Event], detail: str) -> Json:
    """The answer to a new spot order; `detail` is ACK, RESULT or FULL."""
    ack: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": millis(order.updated_ns),
    }
    if detail == "ACK":
        return ack
    answer = ack | _spot_core(order, spec) | {"workingTime": millis(order.created_ns)}
    if order.stop_price:
        answer["stopPrice"] = price_text(spec, order.stop_price)
    if detail == "FULL":
        answer["fills"] = [
            {
                "price": price_text(spec, event.last_price),
                "qty": qty_text(spec, event.last_qty),
                "commission": money_text(event.fee),
                "commissionAsset": event.fee_asset,
                "tradeId": event.trade_id,
            }
            for event in events
            if isinstance(event, OrderUpdate)
            and event.order.id == order.id
            and event.exec_type is ExecType.TRADE
            and event.market == SPOT
        ]
    return answer


def spot_cancelled(order: Order, spec: SymbolSpec) -> Json:
    """The answer to a spot cancel: the cancel has an id of its own, the order's comes as the original one."""
    return _spot_core(order, spec) | {
        "origClientOrderId": order.client_id,
        "clientOrderId": order.cancel_client_id or order.client_id,
        "transactTime": millis(order.updated_ns),
    }


def futures_order(order: Order, spec: SymbolSpec) -> Json:
    """A futures order, whatever the request."""
    return {
        "orderId": order.id,
        "symbol": order.symbol,
        "status": "EXPIRED" if order.status is Status.EXPIRED_IN_MATCH else order.status,
        "clientOrderId": order.client_id,
        "price": price_text(spec, order.price),
        "avgPrice": average_price(order, spec),
        "origQty": qty_text(spec, order.qty),
        "executedQty": qty_text(spec, order.filled),
        "cumQty": qty_text(spec, order.filled),
        "cumQuote": money_text(order.quote_filled),
        "timeInForce": order.tif,
        "type": shown_type(order),
        "origType": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": "BOTH",
        "stopPrice": price_text(spec, order.stop_price),
        "workingType": "MARK_PRICE" if order.on_mark else "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": _STP[LINEAR],
        "goodTillDate": 0,
        "time": millis(order.created_ns),
        "updateTime": millis(order.updated_ns),
    }


def algo_order(order: Order, spec: SymbolSpec) -> Json:
    """A conditional futures order as the algo endpoints write it; it keeps one id for its whole life."""
    return {
        "algoId": order.id,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": order.type,
        "symbol": order.symbol,
        "side": order.side,
        "positionSide": "BOTH",
        "timeInForce": order.tif,
        "quantity": qty_text(spec, order.qty),
        "algoStatus": algo_status(order),
        "actualOrderId": str(order.id) if order.triggered else "",
        "actualPrice": average_price(order, spec),
        "triggerPrice": price_text(spec, order.stop_price),
        "price": price_text(spec, order.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": _STP[LINEAR],
        "workingType": "MARK_PRICE" if order.on_mark else "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "createTime": millis(order.created_ns),
        "updateTime": millis(order.updated_ns),
        "triggerTime": millis(order.updated_ns) if order.triggered else 0,
        "goodTillDate": 0,
    }


def spot_fill(fill: Fill, spec: SymbolSpec) -> Json:
    """One of the account's spot trades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": price_text(spec, fill.price),
        "qty": qty_text(spec, fill.qty),
        "quoteQty": money_text(fill.quote),
        "commission": money_text(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": millis(fill.ts_ns),
        "isBuyer": fill.side == "BUY",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def futures_fill(fill: Fill, spec: SymbolSpec) -> Json:
    """One of the account's futures trades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": price_text(spec, fill.price),
        "qty": qty_text(spec, fill.qty),
        "quoteQty": money_text(fill.quote),
        "realizedPnl": money_text(fill.realized),
        "commission": money_text(fill.fee),
        "commissionAsset": fill.fee_asset,
        "positionSide": "BOTH",
        "time": millis(fill.ts_ns),
        "buyer": fill.side == "BUY",
        "maker": fill.maker,
        "marginAsset": spec.quote,
    }
