"""What an order must look like before it is considered; refused with Binance's numbers and words."""

from __future__ import annotations

from typing import NoReturn

from sandbox.engine.types import SPOT, NewOrder, OrderType, Side, SymbolSpec, TimeInForce
from sandbox.errors import Code, ExchangeError

MARKET_TYPES = frozenset({OrderType.MARKET, OrderType.STOP_LOSS, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})
STOP_TYPES = frozenset(OrderType) - {OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER}
LOSS_TYPES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.STOP, OrderType.STOP_MARKET})
_SPOT_TYPES = frozenset({
    OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT,
    OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
_LINEAR_TYPES = frozenset({
    OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_MARKET})


def at_market(market: str, kind: OrderType) -> bool:
    """Whether an order of this type trades without a limit price."""
    return kind in MARKET_TYPES or (market == SPOT and kind is OrderType.TAKE_PROFIT)


def _refuse(spec: SymbolSpec, name: str, code: Code, words: str) -> NoReturn:
    if spec.market == SPOT:
        raise ExchangeError(Code.FILTER_FAILURE, f"Filter failure: {name}")
    raise ExchangeError(code, words)


def check_shape(spec: SymbolSpec, new: NewOrder) -> None:
    """The combination of fields."""
    if new.type not in (_SPOT_TYPES if spec.market == SPOT else _LINEAR_TYPES):
        raise ExchangeError(Code.BAD_ORDER_TYPE, "Invalid orderType.")
    priced = not at_market(spec.market, new.type)
    if priced and new.price <= 0:
        raise ExchangeError(Code.MISSING_PARAMETER,
                            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.")
    if new.type in STOP_TYPES and new.stop_price <= 0:
        raise ExchangeError(Code.MISSING_PARAMETER,
                            "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed.")
    if new.quote_qty and (spec.market != SPOT or new.type is not OrderType.MARKET):
        raise ExchangeError(Code.UNREAD_PARAMETER, "Not all sent parameters were read; read fewer than were sent.")
    if new.qty <= 0 and not new.quote_qty and not new.close_position:
        raise ExchangeError(Code.MISSING_PARAMETER,
                            "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.")
    if new.tif is TimeInForce.GTX and (spec.market == SPOT or not priced):
        raise ExchangeError(Code.BAD_TIME_IN_FORCE, "Invalid timeInForce.")
    if (new.reduce_only or new.close_position) and spec.market == SPOT:
        raise ExchangeError(Code.UNREAD_PARAMETER, "Not all sent parameters were read; read fewer than were sent.")
    if new.close_position and new.type not in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET):
        raise ExchangeError(Code.BAD_COMBINATION, "Combination of optional parameters invalid.")


def check_price(spec: SymbolSpec, price: int, side: Side, reference: int) -> None:
    """PRICE_FILTER and PERCENT_PRICE; `reference` is the last price (spot) or the mark price (linear)."""
    if price % spec.tick:
        _refuse(spec, "PRICE_FILTER", Code.BAD_TICK, "Price not increased by tick size.")
    if not spec.min_price <= price <= spec.max_price:
        _refuse(spec, "PRICE_FILTER", Code.PRICE_TOO_HIGH, "Price is out of range.")
    high, low = reference * spec.band_up_ppm // 1_000_000, reference * spec.band_down_ppm // 1_000_000
    spot = spec.market == SPOT
    if price > high and (spot or side is Side.BUY):
        _refuse(spec, "PERCENT_PRICE_BY_SIDE", Code.PRICE_TOO_HIGH, f"Limit price can't be higher than {high}.")
    if price < low and (spot or side is Side.SELL):
        _refuse(spec, "PERCENT_PRICE_BY_SIDE", Code.PRICE_BELOW_BAND, f"Limit price can't be lower than {low}.")


def check_qty(spec: SymbolSpec, qty: int, *, market_order: bool) -> None:
    """LOT_SIZE and MARKET_LOT_SIZE."""
    most = spec.market_max_qty if market_order else spec.max_qty
    name = "MARKET_LOT_SIZE" if market_order and qty > most and qty <= spec.max_qty else "LOT_SIZE"
    if qty % spec.lot:
        _refuse(spec, name, Code.BAD_STEP, "Qty not increased by step size.")
    if qty < spec.min_qty:
        _refuse(spec, name, Code.QTY_TOO_SMALL, "Quantity less than or equal to zero.")
    if qty > most:
        _refuse(spec, name, Code.QTY_TOO_LARGE, "Quantity greater than max quantity.")


def check_notional(spec: SymbolSpec, notional: int, *, exempt: bool) -> None:
    """NOTIONAL; `exempt` for linear orders that only reduce."""
    if notional < spec.min_notional and not exempt:
        least = spec.min_notional // 10**8
        _refuse(spec, "NOTIONAL", Code.MIN_NOTIONAL,
                f"Order's notional must be no smaller than {least} (unless you choose reduce only).")


def check_count(spec: SymbolSpec, open_orders: int, open_stops: int, *, is_stop: bool) -> None:
    """MAX_NUM_ORDERS and MAX_NUM_ALGO_ORDERS."""
    if open_orders >= spec.max_orders:
        _refuse(spec, "MAX_NUM_ORDERS", Code.TOO_MANY_ORDERS, "Reach max open order limit.")
    if is_stop and open_stops >= spec.max_stop_orders:
        _refuse(spec, "MAX_NUM_ALGO_ORDERS", Code.TOO_MANY_STOPS, "Reach max stop order limit.")


def triggered(kind: OrderType, side: Side, stop_price: int, low: int, high: int) -> bool:
    """Whether prices between low and high reach a stop."""
    upward = (kind in LOSS_TYPES) == (side is Side.BUY)
    return high >= stop_price if upward else low <= stop_price

