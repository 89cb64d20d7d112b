"""A small exchange for tests, commands drawn at random for it, and its whole state as plain values."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from sandbox.engine.exchange import Exchange
from sandbox.engine.filters import LOSS_TYPES
from sandbox.engine.types import LINEAR, SPOT, Event, NewOrder, OrderType, Side, TimeInForce
from sandbox.errors import ExchangeError
from sandbox.market.calendar import day_start
from sandbox.market.script import Script
from sandbox.market.specs import default_specs

SPECS = tuple(spec for spec in default_specs() if spec.symbol in ("BTCUSDT", "XRPUSDT"))
START = day_start(2_500) + 7 * 3_600 * 10**9 + 58 * 60 * 10**9   # funding is two minutes away
SECOND = 10**9
UNIT = 10**8


@cache
def script() -> Script:
    """One script for all tests: it has no state but caches."""
    return Script(7, SPECS)


def exchange(accounts: tuple[str, ...] = ("ann", "bob", "cid"), start_ns: int = START) -> Exchange:
    """A fresh exchange in which everybody has 100,000 USDT in both markets, 1 BTC and 10,000 XRP."""
    venue = Exchange(script(), SPECS, start_ns)
    for account in accounts:
        venue.deposit(account, SPOT, "USDT", 100_000 * UNIT)
        venue.deposit(account, SPOT, "BTC", UNIT)
        venue.deposit(account, SPOT, "XRP", 10_000 * UNIT)
        venue.deposit(account, LINEAR, "USDT", 100_000 * UNIT)
    return venue


class Command(msgspec.Struct, frozen=True):
    """One thing that happens: time going by and then, perhaps, an order or a cancel."""

    wait_ns: int
    account: str = ""
    market: str = ""
    symbol: str = ""
    action: str = "wait"       # order, cancel, cancel_all, modify, leverage
    side: Side = Side.BUY
    type: OrderType = OrderType.LIMIT
    tif: TimeInForce = TimeInForce.GTC
    offset: int = 0            # price from the background's best, in levels
    size: int = 0              # in hundredths of a typical level
    reduce_only: bool = False


_TYPES = {
    SPOT: (OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS,
           OrderType.STOP_LOSS_LIMIT),
    LINEAR: (OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_MARKET,
             OrderType.TAKE_PROFIT_MARKET),
}


@st.composite
def commands(draw: st.DrawFn, markets: tuple[str, ...] = (SPOT, LINEAR)) -> Command:
    """Any command; many will be refused."""
    market = draw(st.sampled_from(markets))
    kind = draw(st.sampled_from(_TYPES[market]))
    return Command(
        wait_ns=draw(st.sampled_from([0, 0, SECOND // 10, SECOND, 7 * SECOND, 40 * SECOND])),
        account=draw(st.sampled_from(["ann", "bob", "cid"])), market=market,
        symbol=draw(st.sampled_from(["BTCUSDT", "XRPUSDT"])),
        action=draw(st.sampled_from(["order"] * 8 + ["cancel", "cancel_all", "modify", "leverage"])),
        side=draw(st.sampled_from(Side)), type=kind,
        tif=draw(st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])),
        offset=draw(st.sampled_from([-3, -2, -1, 0, 0, 0, 0, 1, 2])), size=draw(st.integers(1, 200)),
        reduce_only=draw(st.sampled_from([False, False, False, True])))


def new_order(venue: Exchange, command: Command) -> NewOrder:
    """The order a command means, priced around the book as it stands."""
    spec = venue.specs[command.market, command.symbol]
    book = venue.venue.floors[spec.key].background
    best = book.bid if command.side is Side.BUY else book.ask
    price = best + command.offset * spec.level_step * spec.tick
    typical = spec.level_notional / spec.price * 10**spec.qty_scale
    qty = max(int(typical * command.size / 100) // spec.lot * spec.lot, spec.lot)
    stop = command.type not in (OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER)
    marketable = command.type is OrderType.MARKET
    if stop:
        # Mostly on the side that is not reached yet.
        upward = (command.type in LOSS_TYPES) == (command.side is Side.BUY)
        price = best + (3 + command.offset) * spec.level_step * spec.tick * (1 if upward else -1)
    by_budget = marketable and command.market == SPOT and command.size % 3 == 0
    return NewOrder(
        symbol=command.symbol, side=command.side, type=command.type, tif=command.tif, qty=0 if by_budget else qty,
        quote_qty=qty * price * spec.notional_factor if by_budget else 0, price=0 if marketable else price,
        stop_price=price if stop else 0,
        reduce_only=command.reduce_only and command.market == LINEAR)


def perform(venue: Exchange, command: Command) -> list[Event] | None:
    """Do what a command says at the time reached; None when it was refused."""
    try:
        return _perform(venue, command)
    except ExchangeError:
        return None


def _perform(venue: Exchange, command: Command) -> list[Event]:
    market, account, symbol = command.market, command.account, command.symbol
    if command.action == "order":
        return venue.submit(account, market, new_order(venue, command))[1]
    if command.action == "cancel_all":
        return venue.cancel_all(account, market, symbol)[1]
    if command.action == "leverage":
        venue.set_leverage(account, symbol, 1 + command.size % 125)
        return []
    mine = venue.open_orders(account, market, symbol)
    if not mine or command.action == "wait":
        return []
    target = mine[command.size % len(mine)]
    if command.action == "cancel":
        return venue.cancel(account, market, symbol, order_id=target.id)[1]
    if market == SPOT:
        return []
    wanted = new_order(venue, command)
    return venue.modify(account, symbol, side=target.side, qty=wanted.qty, price=wanted.price or target.price,
                        order_id=target.id)[1]


def state(venue: Exchange) -> dict[str, Any]:
    """Everything that decides what happens next, and everything that users can ask."""
    inner = venue.venue
    return {
        "now": inner.now_ns,
        "floors": {
            key: (floor.prints.cursor, floor.prints.shift, list(floor.prints._inserted), list(floor.prints._met),
                  list(floor.prints._rest), floor.background.bid, floor.last, sorted(floor.stops),
                  [msgspec.to_builtins(order) for order in floor.book.bids.orders()],
                  [msgspec.to_builtins(order) for order in floor.book.asks.orders()],
                  floor.levels(Side.BUY, inner.now_ns), floor.levels(Side.SELL, inner.now_ns))
            for key, floor in inner.floors.items()},
        "spot": inner.spot.balances, "spot world": inner.spot.world, "spot fees": inner.spot.fees,
        "linear": {account: msgspec.to_builtins(wallet) for account, wallet in inner.linear.wallets.items()},
        "linear world": (inner.linear.world, inner.linear.world_qty, inner.linear.fees),
        "orders": {market: [msgspec.to_builtins(order) for order in registry._orders.values()]
                   for market, registry in inner.registries.items()},
        "fills": {market: {key: msgspec.to_builtins(fills) for key, fills in registry._fills.items()}
                  for market, registry in inner.registries.items()},
        "incomes": {account: msgspec.to_builtins(found) for account, found in inner.incomes.items()},
    }
