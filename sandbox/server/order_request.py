"""New orders out of requests: what each market asks for by order type."""

from __future__ import annotations

import re

from sandbox.engine.types import LINEAR, SPOT, NewOrder, OrderType, Side, SymbolSpec, TimeInForce
from sandbox.errors import ExchangeError
from sandbox.server.numbers import scaled
from sandbox.server.params import Call

_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_NEEDS_PRICE = {
    SPOT: {OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT},
    LINEAR: {OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT},
}
_NEEDS_STOP = {
    SPOT: {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    },
    LINEAR: {OrderType.STOP, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET},
}
_TYPES = {
    SPOT: _NEEDS_PRICE[SPOT] | _NEEDS_STOP[SPOT] | {OrderType.MARKET},
    LINEAR: _NEEDS_PRICE[LINEAR] | _NEEDS_STOP[LINEAR] | {OrderType.MARKET},
}
_HAS_TIF = {
    SPOT: {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT},
    LINEAR: {OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT},
}
_MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


def client_id(raw: str | None, name: str) -> str:
    """A client order id as sent ('' when absent); -1100 unless Binance would take it."""
    if raw is None:
        return ""
    if _CLIENT_ID.fullmatch(raw) is None:
        raise ExchangeError(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'."
        )
    return raw


def _number(call: Call, name: str, scale: int, needed: bool) -> int:
    raw = call.text(name) if needed else call.optional(name)
    return 0 if raw is None else scaled(raw, scale, name)


def new_order(call: Call, spec: SymbolSpec, *, algo: bool = False) -> NewOrder:
    """The order that a request describes; filters, balances and margins are the core's to check.

    `algo`: it came to futures' algo endpoint, which names two fields in its own way and takes conditional orders only,
    as the ordinary one takes none (-4120).
    """
    id_name, stop_name = ("clientAlgoId", "triggerPrice") if algo else ("newClientOrderId", "stopPrice")
    market = spec.market
    side = call.choice("side", Side, -1117, "side")
    kind = call.choice("type", OrderType, -1116, "orderType")
    if kind not in _TYPES[market]:
        raise ExchangeError(-1116, "Invalid orderType.")
    if market == LINEAR and (kind in _NEEDS_STOP[LINEAR]) is not algo:
        raise ExchangeError(
            -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        )
    if market == LINEAR and call.params.get("positionSide", "BOTH") != "BOTH":
        raise ExchangeError(-4061, "Order's position side does not match user's setting.")
    close_position = market == LINEAR and call.flag("closePosition")
    by_quote = market == SPOT and kind is OrderType.MARKET and "quoteOrderQty" in call.params
    if close_position and ("quantity" in call.params or call.flag("reduceOnly")):
        raise ExchangeError(-1106, "Parameter 'quantity' or 'reduceOnly' sent when not required.")
    if by_quote and call.optional("quantity"):
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    needs_price = kind in _NEEDS_PRICE[market]
    if kind is OrderType.MARKET and call.optional("price") and market == SPOT:
        raise ExchangeError(-1106, "Parameter 'price' sent when not required.")
    return NewOrder(
        symbol=spec.symbol,
        side=side,
        type=kind,
        qty=_number(call, "quantity", spec.qty_scale, needed=not (by_quote or close_position)),
        price=_number(call, "price", spec.price_scale, needed=True) if needs_price else 0,
        stop_price=_number(call, stop_name, spec.price_scale, needed=True) if kind in _NEEDS_STOP[market] else 0,
        quote_qty=_number(call, "quoteOrderQty", 8, needed=True) if by_quote else 0,
        tif=_time_in_force(call, market, kind),
        client_id=client_id(call.optional(id_name), id_name),
        reduce_only=market == LINEAR and call.flag("reduceOnly"),
        close_position=close_position,
        on_mark=market == LINEAR and call.params.get("workingType") == "MARK_PRICE",
    )


def _time_in_force(call: Call, market: str, kind: OrderType) -> TimeInForce:
    raw = call.optional("timeInForce")
    if kind not in _HAS_TIF[market]:
        if raw is not None and market == SPOT:
            raise ExchangeError(-1106, "Parameter 'timeInForce' sent when not required.")
        return TimeInForce.GTC
    if raw is None:
        # Futures conditionals default to GTC; everything else must say.
        if market == LINEAR and kind is not OrderType.LIMIT:
            return TimeInForce.GTC
        raise ExchangeError(-1102, _MISSING.format("timeInForce"))
    tif = call.choice("timeInForce", TimeInForce, -1115, "timeInForce")
    if tif is TimeInForce.GTX and market == SPOT:
        raise ExchangeError(-1115, "Invalid timeInForce.")
    return tif
