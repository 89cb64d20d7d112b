"""Account events as the user data streams write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.engine.types import (
    LINEAR,
    SPOT,
    AccountEvent,
    BalanceUpdate,
    Event,
    ExecType,
    OrderUpdate,
    PositionUpdate,
    SymbolSpec,
)
from sandbox.server.numbers import text
from sandbox.server.order_json import (
    Json,
    algo_status,
    average_price,
    millis,
    money_text,
    price_text,
    qty_text,
    shown_type,
    waits,
)
from sandbox.server.users import Door

Specs = dict[tuple[str, str], SymbolSpec]
_REASONS = {"FUNDING_FEE": "FUNDING_FEE", "DEPOSIT": "DEPOSIT"}


def execution_report(event: OrderUpdate, spec: SymbolSpec) -> Json:
    """Spot's executionReport."""
    order = event.order
    cancelled = event.exec_type in {ExecType.CANCELED, ExecType.REPLACED}
    own_id = order.cancel_client_id if cancelled and order.cancel_client_id else order.client_id
    at = millis(event.ts_ns)
    return {
        "e": "executionReport",
        "E": at,
        "s": order.symbol,
        "c": own_id,
        "S": order.side,
        "o": order.type,
        "f": order.tif,
        "q": qty_text(spec, order.qty),
        "p": price_text(spec, order.price),
        "P": price_text(spec, order.stop_price),
        "F": qty_text(spec, 0),
        "g": -1,
        "C": order.client_id if own_id != order.client_id else "",
        "x": event.exec_type,
        "X": order.status,
        "r": event.reason,
        "i": order.id,
        "l": qty_text(spec, event.last_qty),
        "z": qty_text(spec, order.filled),
        "L": price_text(spec, event.last_price),
        "n": money_text(event.fee),
        "N": event.fee_asset or None,
        "T": at,
        "t": event.trade_id,
        "I": order.id,
        "w": order.working,
        "m": event.maker,
        "M": event.exec_type is ExecType.TRADE,
        "O": millis(order.created_ns),
        "Z": money_text(order.quote_filled),
        "Y": money_text(event.last_quote),
        "Q": money_text(order.quote_qty),
        "W": millis(order.created_ns),
        "V": "EXPIRE_TAKER",
    }


def order_trade_update(event: OrderUpdate, spec: SymbolSpec) -> Json:
    """Futures' ORDER_TRADE_UPDATE."""
    order = event.order
    at = millis(event.ts_ns)
    body: Json = {
        "s": order.symbol,
        "c": order.client_id,
        "S": order.side,
        "o": shown_type(order),
        "f": order.tif,
        "q": qty_text(spec, order.qty),
        "p": price_text(spec, order.price),
        "ap": average_price(order, spec),
        "sp": price_text(spec, order.stop_price),
        "x": "EXPIRED" if event.exec_type is ExecType.TRADE_PREVENTION else event.exec_type,
        "X": order.status,
        "i": order.id,
        "l": qty_text(spec, event.last_qty),
        "z": qty_text(spec, order.filled),
        "L": price_text(spec, event.last_price),
        "T": at,
        "t": max(0, event.trade_id),
        "b": "0",
        "a": "0",
        "m": event.maker,
        "R": order.reduce_only,
        "wt": "MARK_PRICE" if order.on_mark else "CONTRACT_PRICE",
        "ot": order.type,
        "ps": "BOTH",
        "cp": order.close_position,
        "rp": money_text(event.realized),
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_TAKER",
        "pm": "NONE",
        "gtd": 0,
    }
    if event.exec_type in {ExecType.TRADE, ExecType.LIQUIDATION}:
        body |= {"N": event.fee_asset, "n": money_text(event.fee)}
    return {"e": "ORDER_TRADE_UPDATE", "E": at, "T": at, "o": body}


def algo_update(event: OrderUpdate, spec: SymbolSpec) -> Json:
    """Futures' ALGO_UPDATE: what happens to a conditional order as such."""
    order = event.order
    at = millis(event.ts_ns)
    return {
        "e": "ALGO_UPDATE",
        "E": at,
        "T": at,
        "o": {
            "caid": order.client_id,
            "aid": order.id,
            "at": "CONDITIONAL",
            "o": order.type,
            "s": order.symbol,
            "S": order.side,
            "ps": "BOTH",
            "f": order.tif,
            "q": qty_text(spec, order.qty),
            "X": algo_status(order),
            "ai": str(order.id) if order.triggered else "",
            "ap": average_price(order, spec),
            "aq": qty_text(spec, order.filled),
            "act": shown_type(order) if order.triggered else "0",
            "tp": price_text(spec, order.stop_price),
            "p": price_text(spec, order.price),
            "V": "EXPIRE_TAKER",
            "wt": "MARK_PRICE" if order.on_mark else "CONTRACT_PRICE",
            "pm": "NONE",
            "cp": order.close_position,
            "pP": False,
            "R": order.reduce_only,
            "tt": at if order.triggered else 0,
            "gtd": 0,
            "rm": "" if event.reason == "NONE" else event.reason,
        },
    }


def _order_messages(event: OrderUpdate, spec: SymbolSpec) -> Iterator[Json]:
    """A conditional futures order is told as such until its price is reached, then as the order it has become."""
    order = event.order
    if event.market == SPOT:
        yield execution_report(event, spec)
        return
    if waits(order):
        yield algo_update(event, spec)
        return
    starts, ends = event.exec_type is ExecType.NEW, not order.is_open
    if order.stop_price and starts:
        yield algo_update(event, spec)
    yield order_trade_update(event, spec)
    if order.stop_price and ends:
        yield algo_update(event, spec)


def _spot_balances(event: BalanceUpdate) -> Iterator[Json]:
    at = millis(event.ts_ns)
    if event.reason == "DEPOSIT":
        for balance, delta in zip(event.balances, event.deltas, strict=True):
            yield {"e": "balanceUpdate", "E": at, "a": balance.asset, "d": money_text(delta), "T": at}
    yield {
        "e": "outboundAccountPosition",
        "E": at,
        "u": at,
        "B": [{"a": item.asset, "f": money_text(item.free), "l": money_text(item.locked)} for item in event.balances],
    }


def _account_update(balance: BalanceUpdate | None, positions: Sequence[PositionUpdate], specs: Specs) -> Json:
    """Futures' ACCOUNT_UPDATE of one moment."""
    first = balance or positions[0]
    at = millis(first.ts_ns)
    balances: list[Json] = []
    if balance is not None:
        deltas = balance.deltas or (0,) * len(balance.balances)
        for item, delta in zip(balance.balances, deltas, strict=True):
            wallet = money_text(item.free)
            # "bc" leaves out what trades changed, as Binance has it.
            balances.append({"a": item.asset, "wb": wallet, "cw": wallet, "bc": money_text(delta)})
    return {
        "e": "ACCOUNT_UPDATE",
        "E": at,
        "T": at,
        "a": {
            "m": _REASONS.get(first.reason, "ORDER"),
            "B": balances,
            "P": [_position(update, specs[LINEAR, update.position.symbol]) for update in positions],
        },
    }


def _position(update: PositionUpdate, spec: SymbolSpec) -> Json:
    position = update.position
    entry = text(position.entry(spec), 8)
    return {
        "s": position.symbol,
        "pa": qty_text(spec, position.qty),
        "ep": entry,
        "bep": entry,
        "cr": "0",
        "up": money_text(position.unrealized),
        "mt": "cross",
        "iw": "0",
        "ps": "BOTH",
    }


def user_messages(events: Sequence[Event], specs: Specs) -> Iterator[tuple[Door, Json]]:
    """What the account events among these say, door by door and in order.

    On futures a balance and the positions that follow it in the same moment are one message.
    """
    pending: BalanceUpdate | None = None
    positions: list[PositionUpdate] = []

    def settle() -> Iterator[tuple[Door, Json]]:
        nonlocal pending
        if pending is not None or positions:
            account = (pending or positions[0]).account
            yield Door(account, LINEAR), _account_update(pending, positions, specs)
        pending = None
        positions.clear()

    for event in events:
        if isinstance(event, PositionUpdate):
            if not _together(pending, positions, event):
                yield from settle()
            positions.append(event)
            continue
        if not isinstance(event, AccountEvent):
            continue
        yield from settle()
        if isinstance(event, BalanceUpdate):
            if event.market == LINEAR:
                pending = event
            else:
                for message in _spot_balances(event):
                    yield Door(event.account, SPOT), message
        else:
            spec = specs[event.market, event.order.symbol]
            for message in _order_messages(event, spec):
                yield Door(event.account, event.market), message
    yield from settle()


def _together(pending: BalanceUpdate | None, positions: Sequence[PositionUpdate], event: PositionUpdate) -> bool:
    first = pending or (positions[0] if positions else None)
    return first is None or (first.account == event.account and first.ts_ns == event.ts_ns)
