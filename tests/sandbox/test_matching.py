"""The matching engine against a slow one that sorts everything each time, with the scripted flow running through."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.exchange import Exchange
from sandbox.engine.types import SPOT, NewOrder, OrderType, Side, TimeInForce
from sandbox.errors import ExchangeError
from tests.sandbox.driver import exchange, script

KEY = (SPOT, "BTCUSDT")
SPEC = script().specs[KEY]
PER_DAY = SPEC.trades_per_day


@dataclass
class Resting:
    """An order of the slow book; the background's have no account."""

    account: str
    side: Side
    price: int
    qty: int
    arrived: int

    def rank(self) -> tuple[int, bool, int]:
        """Price, users before the background, time."""
        return (-self.price if self.side is Side.BUY else self.price, not self.account, self.arrived)


class SlowBook:
    """Price-time priority in the obvious way."""

    def __init__(self, venue: Exchange) -> None:
        self.venue = venue
        self.orders: list[Resting] = []
        self.trades: list[tuple[int, int, str, str]] = []  # price, qty, maker, taker
        self.arrivals = 0

    def _background(self, bid: int | None = None, *, crossing: bool = False) -> list[Resting]:
        background = copy.deepcopy(self.venue.venue.floors[KEY].background)
        if bid is not None:
            background.bid = bid
        now = self.venue.now_ns
        found = [Resting("", side, price, qty, 0) for side in Side for price, qty in background.levels(side, now)]
        best_bid = max((order.price for order in self.orders if order.side is Side.BUY), default=0)
        best_ask = min((order.price for order in self.orders if order.side is Side.SELL), default=1 << 60)
        return [order for order in found if crossing
                or (order.price > best_bid if order.side is Side.SELL else order.price < best_ask)]

    def _meet(self, taker: str, side: Side, limit: int, qty: int, others: list[Resting]) -> int:
        """Trade with the best of `others`, one after the other; what is left, or -1 when the taker met itself."""
        against = sorted((order for order in others if order.side is not side), key=Resting.rank)
        for order in against:
            if not qty or (order.price > limit if side is Side.BUY else order.price < limit):
                break
            if order.account == taker:
                return -1
            part = min(qty, order.qty)
            order.qty -= part
            qty -= part
            self.trades.append((order.price, part, order.account, taker))
        self.orders = [order for order in self.orders if order.qty]
        return qty

    def submit(self, account: str, new: NewOrder) -> None:
        others = self.orders + self._background()
        limit = new.price or (1 << 60 if new.side is Side.BUY else 0)
        if new.tif is TimeInForce.FOK and new.type is OrderType.LIMIT:
            reachable = sum(order.qty for order in others if order.side is not new.side
                            and (order.price <= limit if new.side is Side.BUY else order.price >= limit))
            if reachable < new.qty:
                return
        left = self._meet(account, new.side, limit, new.qty, others)
        if left > 0 and new.type in (OrderType.LIMIT, OrderType.LIMIT_MAKER) and new.tif is TimeInForce.GTC:
            self.arrivals += 1
            self.orders.append(Resting(account, new.side, new.price, left, self.arrivals))

    def scripted(self, price: int, qty: int, side: Side, bid: int) -> None:
        """A scripted trade meets users' orders; then the background sweeps those it has moved through."""
        self._meet("world", side, price, qty, self.orders)
        for sweeping in (Side.SELL, Side.BUY):
            levels = [order for order in self._background(bid, crossing=True) if order.side is sweeping]
            for level in levels:
                self._meet("world", sweeping, level.price, level.qty, self.orders)


steps = st.one_of(
    st.just("tick"),
    st.builds(
        lambda account, side, kind, tif, ticks, qty: (account, side, kind, tif, ticks, qty),
        st.sampled_from(["ann", "bob", "cid", "dan", "eve"]), st.sampled_from(Side),
        st.sampled_from([OrderType.LIMIT] * 4 + [OrderType.MARKET, OrderType.LIMIT_MAKER]),
        st.sampled_from([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK]),
        st.integers(-3, 3), st.integers(200, 30_000)))


@given(plan=st.lists(steps, max_size=40))
def test_price_time_priority(plan: list[str | tuple[str, Side, OrderType, TimeInForce, int, int]]) -> None:
    venue = exchange(("ann", "bob", "cid", "dan", "eve"))
    slow = SlowBook(venue)
    floor = venue.venue.floors[KEY]
    for step in plan:
        if isinstance(step, str):
            day, at = divmod(floor.prints.cursor, PER_DAY)
            tape = script().tape(*KEY, day)
            row = tape.trades[at]
            venue.advance(int(row["ts_ns"]) - 1)
            # The slow one reads the background as it is before the trade, at the time of the trade.
            venue.venue.now_ns += 1
            side = Side.SELL if row["buyer_is_maker"] else Side.BUY
            slow.scripted(int(row["price"]), int(row["qty"]), side, int(tape.bid[at]))
            venue.venue.now_ns -= 1
            venue.advance(int(row["ts_ns"]))
            assert floor.prints.cursor % PER_DAY == at + 1
        else:
            account, side, kind, tif, ticks, qty = step
            price = floor.background.bid + ticks
            new = NewOrder(symbol="BTCUSDT", side=side, type=kind, tif=tif, qty=qty,
                           price=0 if kind is OrderType.MARKET else price)
            try:
                venue.check(account, SPOT, new)
            except ExchangeError:
                continue
            slow.submit(account, new)
            venue.submit(account, SPOT, new)
        resting = [(order.account, order.side, order.price, order.left)
                   for ladder in (floor.book.bids, floor.book.asks) for order in ladder.orders()]
        wanted = [(order.account, order.side, order.price, order.qty) for side in Side
                  for order in sorted(slow.orders, key=Resting.rank) if order.side is side]
        assert resting == wanted
    assert _tape(venue) == slow.trades


def _tape(venue: Exchange) -> list[tuple[int, int, str, str]]:
    """Users' trades in the order in which they were printed."""
    fills = sorted((fill for account in ("ann", "bob", "cid", "dan", "eve")
                    for fill in venue.fills(account, SPOT, "BTCUSDT", limit=10**6)), key=lambda fill: fill.trade_id)
    trades: dict[int, list[str]] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for fill in fills:
        trades.setdefault(fill.trade_id, ["", ""])[0 if fill.maker else 1] = fill.account
        sizes[fill.trade_id] = (fill.price, fill.qty)
    return [(*sizes[trade_id], maker, taker or "world") for trade_id, (maker, taker) in trades.items()]
