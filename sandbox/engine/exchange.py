"""The whole venue in process; told the time, never asking for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sandbox.engine.background import LIFE_NS
from sandbox.engine.desk import Desk
from sandbox.engine.matcher import Matcher
from sandbox.engine.runner import Runner
from sandbox.engine.types import (
    LINEAR,
    SPOT,
    AccountView,
    BalanceUpdate,
    BookTicker,
    Depth,
    Event,
    Fill,
    Income,
    IncomeKind,
    Mark,
    NewOrder,
    Order,
    Side,
    SymbolSpec,
)
from sandbox.engine.venue import Venue
from sandbox.errors import Code, ExchangeError
from sandbox.market.calendar import NS_PER_MS, NS_PER_SECOND
from sandbox.market.noise import generator
from sandbox.market.script import Script

Rows = NDArray[np.void]


class Exchange:
    """Script, books and accounts. Commands happen at `now_ns`; the same commands at the same times give the same state.

    A refused command raises ExchangeError and changes nothing. `quote_rate` is how often a second of market time the
    best levels are quoted anew between trades, at most 1,000; 0 leaves it at once in some seconds.
    """

    def __init__(self, script: Script, specs: Sequence[SymbolSpec], start_ns: int, quote_rate: float = 0.0) -> None:
        self.script = script
        self.specs = {spec.key: spec for spec in specs}
        self.venue = Venue(script, specs, start_ns, _quote_ns(quote_rate))
        self._matcher = Matcher(self.venue)
        self._desk = Desk(self.venue, self._matcher)
        self._runner = Runner(self.venue, self._matcher)

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self.venue.now_ns

    # -- time

    def advance(self, now_ns: int) -> list[Event]:
        """Run the market up to and including `now_ns`; what happened, in order of time."""
        self._runner.advance(now_ns)
        return self.venue.drain()

    def fast_forward(self, now_ns: int) -> None:
        """Reach the state that `advance` would, without events and quickly: for replaying a command log."""
        self._runner.advance(now_ns, silent=True)

    # -- accounts

    def deposit(self, account: str, market: str, asset: str, amount: int) -> list[Event]:
        """Add 10^-8 of an asset to an account, which is opened when new; a negative amount withdraws."""
        if market == SPOT:
            self.venue.spot.deposit(account, asset, amount)
            balances = self.venue.spot.some(account, (asset,))
        else:
            self.venue.linear.deposit(account, amount)
            self.venue.earn(account, "", IncomeKind.TRANSFER, amount)
            balances = self.venue.linear.some(account)
        reason = "DEPOSIT" if amount >= 0 else "WITHDRAW"
        self.venue.events.append(BalanceUpdate(account, market, self.now_ns, reason, balances, (amount,)))
        return self.venue.drain()

    def account(self, account: str, market: str) -> AccountView:
        """Balances and positions now."""
        return self.venue.accounts(market).view(account, self.now_ns)

    def set_leverage(self, account: str, symbol: str, leverage: int) -> int:
        """Set a perpetual's leverage; the largest notional it allows, 10^-8 USDT."""
        spec = self.venue.floor(LINEAR, symbol).spec
        if not 1 <= leverage <= spec.max_leverage:
            raise ExchangeError(Code.BAD_LEVERAGE, f"Leverage {leverage} is not valid")
        self.venue.linear.set_leverage(account, spec, leverage)
        return 100_000_000 * 10**8 // leverage

    def income(self, account: str, *, symbol: str | None = None, kind: IncomeKind | None = None, start_ns: int = 0,
               end_ns: int | None = None, limit: int = 1000) -> list[Income]:
        """Why a linear wallet changed, oldest first, at most `limit` from `start_ns`."""
        found = [income for income in self.venue.incomes.get(account, ())
                 if (symbol is None or income.symbol == symbol) and (kind is None or income.kind is kind)
                 and _within(income.ts_ns, start_ns, end_ns)]
        return found[:limit]

    # -- orders

    def submit(self, account: str, market: str, order: NewOrder) -> tuple[Order, list[Event]]:
        """Send an order; how it stands after what it did at once."""
        placed = self._desk.submit(account, market, order)
        return placed, self.venue.drain()

    def check(self, account: str, market: str, order: NewOrder) -> None:
        """Refuse what `submit` would refuse now; change nothing."""
        self._desk.check(account, market, order)

    def cancel(self, account: str, market: str, symbol: str, *, order_id: int | None = None,
               client_id: str | None = None, cancel_client_id: str = "") -> tuple[Order, list[Event]]:
        """End an open order, named by venue id or client id."""
        order = self._desk.cancel(account, market, symbol, order_id, client_id, cancel_client_id)
        return order, self.venue.drain()

    def cancel_all(self, account: str, market: str, symbol: str) -> tuple[list[Order], list[Event]]:
        """End all open orders in a symbol."""
        orders = self._desk.cancel_all(account, market, symbol)
        return orders, self.venue.drain()

    def replace(self, account: str, symbol: str, order: NewOrder, *, order_id: int | None = None,
                client_id: str | None = None, cancel_client_id: str = "", stop_on_failure: bool = True,
                ) -> tuple[Order | ExchangeError, Order | ExchangeError | None, list[Event]]:
        """Spot cancel-replace: outcome of the cancel, outcome of the new order (None: not tried), events."""
        cancelled: Order | ExchangeError
        placed: Order | ExchangeError | None = None
        try:
            cancelled = self._desk.cancel(account, SPOT, symbol, order_id, client_id, cancel_client_id)
        except ExchangeError as refusal:
            cancelled = refusal
        if not (stop_on_failure and isinstance(cancelled, ExchangeError)):
            try:
                placed = self._desk.submit(account, SPOT, order)
            except ExchangeError as refusal:
                placed = refusal
        return cancelled, placed, self.venue.drain()

    def modify(self, account: str, symbol: str, *, side: Side, qty: int, price: int, order_id: int | None = None,
               client_id: str | None = None) -> tuple[Order, list[Event]]:
        """Amend a resting linear limit order."""
        order = self._desk.modify(account, symbol, side, qty, price, order_id, client_id)
        return order, self.venue.drain()

    def order(self, account: str, market: str, symbol: str, *, order_id: int | None = None,
              client_id: str | None = None) -> Order:
        """One order; of several with the same client id the latest."""
        self.venue.floor(market, symbol)
        order = self.venue.registries[market].find(account, symbol, order_id, client_id)
        if order is None:
            raise ExchangeError(Code.NO_SUCH_ORDER, "Order does not exist.")
        return order

    def open_orders(self, account: str, market: str, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        if symbol is not None:
            self.venue.floor(market, symbol)
        return self.venue.registries[market].open_of(account, symbol)

    def orders(self, account: str, market: str, symbol: str, *, from_id: int | None = None,
               start_ns: int | None = None, end_ns: int | None = None, limit: int = 500) -> list[Order]:
        """Orders, oldest first; the latest `limit` unless told where to start."""
        self.venue.floor(market, symbol)
        found = [order for order in self.venue.registries[market].all_of(account, symbol)
                 if (from_id is None or order.id >= from_id) and _within(order.created_ns, start_ns, end_ns)]
        return found[-limit:] if from_id is None and start_ns is None else found[:limit]

    def fills(self, account: str, market: str, symbol: str | None = None, *, order_id: int | None = None,
              from_id: int | None = None, start_ns: int | None = None, end_ns: int | None = None,
              limit: int = 500) -> list[Fill]:
        """Own trades, oldest first; the latest `limit` unless told where to start."""
        if symbol is not None:
            self.venue.floor(market, symbol)
        found = [fill for fill in self.venue.registries[market].fills_of(account, symbol)
                 if (order_id is None or fill.order_id == order_id) and (from_id is None or fill.trade_id >= from_id)
                 and _within(fill.ts_ns, start_ns, end_ns)]
        return found[-limit:] if from_id is None and start_ns is None else found[:limit]

    # -- market data

    def depth(self, market: str, symbol: str, limit: int = 100) -> Depth:
        """The book now, best first."""
        self.venue.floor(market, symbol)
        return self._runner.feed(market, symbol).snapshot(self.now_ns, limit)

    def book_ticker(self, market: str, symbol: str) -> BookTicker:
        """Best prices now."""
        self.venue.floor(market, symbol)
        return self._runner.feed(market, symbol).ticker(self.now_ns)

    def last_price(self, market: str, symbol: str) -> int:
        """The last printed price."""
        return self.venue.floor(market, symbol).last

    def mark(self, symbol: str, at_ns: int | None = None) -> Mark:
        """Mark, index and coming funding of a perpetual, now unless told when."""
        return self._runner.mark(symbol, at_ns)

    def bars(self, market: str, symbol: str, start_ns: int, end_ns: int) -> Rows:
        """Minute bars (BAR) that open in [start, end), users' trades in them, the one of now as it stands."""
        return self.venue.floor(market, symbol).prints.bars(start_ns, end_ns, self.now_ns)

    def trades(self, market: str, symbol: str, start_ns: int, end_ns: int) -> Rows:
        """The tape (TRADE) in [start, end), users' trades in it, none after now."""
        return self.venue.floor(market, symbol).prints.rows(start_ns, end_ns)

    def trades_from(self, market: str, symbol: str, first_id: int, limit: int) -> Rows:
        """Up to `limit` prints from an id on."""
        return self.venue.floor(market, symbol).prints.from_id(first_id, limit)

    def last_trades(self, market: str, symbol: str, limit: int) -> Rows:
        """The latest `limit` prints, oldest first."""
        prints = self.venue.floor(market, symbol).prints
        return prints.from_id(prints.cursor + prints.shift - limit, limit)

    def funding(self, symbol: str, start_ns: int, end_ns: int) -> Rows:
        """Funding (FUNDING) settled in [start, end), none after now."""
        return self.script.funding(symbol, start_ns, min(end_ns, self.now_ns + 1))

    def open_interest(self, symbol: str, at_ns: int | None = None) -> int:
        """Open contracts in 10^-qty_scale: a slow seeded level and, now, what our users hold.

        Of an earlier time the level alone, so that history reads the same whenever it is asked for.
        """
        spec = self.venue.floor(LINEAR, symbol).spec
        level = spec.level_notional * 5_000 * (1 + 0.1 * self._slow(symbol, "interest", at_ns))
        users = sum(abs(holding.qty) for _, name, holding in self.venue.linear.exposed() if name == symbol)
        base = round(max(level, spec.level_notional) / spec.price * spec.qty_unit)
        return base + users if at_ns is None else base

    def long_share(self, symbol: str, at_ns: int) -> int:
        """Share of accounts that are long, in 10^-4: it wanders between a third and two thirds."""
        self.venue.floor(LINEAR, symbol)
        return round(5_000 + 1_600 * math.tanh(self._slow(symbol, "crowd", at_ns)))

    def _slow(self, symbol: str, what: str, at_ns: int | None) -> float:
        """A seeded level that goes from one day's draw to the next one's, hour by hour."""
        hour = (self.now_ns if at_ns is None else at_ns) // (3_600 * 10**9)
        here, there = (float(generator(self.script.seed, f"{symbol}:{what}", at).standard_normal())
                       for at in (hour // 24, hour // 24 + 1))
        return here + (there - here) * (hour % 24) / 24


def _quote_ns(rate: float) -> int:
    """How long a best level keeps its size."""
    return max(NS_PER_MS, min(LIFE_NS, round(NS_PER_SECOND / rate))) if rate > 0 else LIFE_NS


def _within(ts_ns: int, start_ns: int | None, end_ns: int | None) -> bool:
    """Whether a time lies in [start, end]."""
    return (start_ns is None or ts_ns >= start_ns) and (end_ns is None or ts_ns <= end_ns)
