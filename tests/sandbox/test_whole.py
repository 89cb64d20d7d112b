"""Properties of the whole exchange under any commands: determinism, conservation, one truth on tape, bars and feed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.engine.exchange import Exchange
from sandbox.engine.types import LINEAR, SPOT, DepthDiff, Event, Fill, OrderUpdate, Side, Trade
from sandbox.market.calendar import NS_PER_MINUTE
from sandbox.market.tape import bars_of
from tests.sandbox.driver import SECOND, SPECS, START, UNIT, Command, commands, exchange, perform, script, state

plans = st.lists(commands(), max_size=30)


def run(venue: Exchange, plan: list[Command]) -> list[Event]:
    """Advance to each command and perform it; all events."""
    events: list[Event] = []
    for command in plan:
        events += venue.advance(venue.now_ns + command.wait_ns)
        events += perform(venue, command) or []
    return events


@settings(max_examples=25)
@given(plan=plans, cuts=st.lists(st.integers(1, 40 * SECOND), max_size=5))
def test_the_same_commands_give_the_same_state_however_time_was_cut(plan: list[Command], cuts: list[int]) -> None:
    whole, pieces, replayed = exchange(), exchange(), exchange()
    for command in plan:
        target = whole.now_ns + command.wait_ns
        whole.advance(target)
        for cut in cuts:
            pieces.advance(min(target, pieces.now_ns + cut))
        pieces.advance(target)
        _ask_everything(pieces)
        replayed.fast_forward(target)
        answers = [perform(venue, command) for venue in (whole, pieces, replayed)]
        assert answers[0] == answers[1] == answers[2] or _same(answers)
    end = START + 600 * SECOND   # past a funding
    whole.fast_forward(end)
    pieces.fast_forward(end - 1)
    pieces.fast_forward(end)
    replayed.advance(end)
    _ask_everything(pieces)
    for venue in (whole, replayed):
        _ask_everything(venue)
    assert state(whole) == state(pieces) == state(replayed)


def _ask_everything(venue: Exchange) -> None:
    """Questions, the last accounts and symbols first: they must not leave a trace."""
    for spec in reversed(SPECS):
        venue.depth(*spec.key)
        venue.last_trades(*spec.key, 10)
        for account in ("nobody", "cid", "bob", "ann"):
            venue.account(account, spec.market)
            venue.open_orders(account, *spec.key)


def _same(answers: list[list[Event] | None]) -> bool:
    """Orders in events compare by identity: compare what they print."""
    return str(answers[0]) == str(answers[1]) == str(answers[2])


@given(plan=plans)
def test_nothing_is_created_and_nothing_lost(plan: list[Command]) -> None:
    venue = exchange()
    for command in plan:
        venue.fast_forward(venue.now_ns + command.wait_ns)
        perform(venue, command)
    _check_conservation(venue)
    venue.fast_forward(START + 600 * SECOND)
    _check_conservation(venue)


def _check_conservation(venue: Exchange) -> None:
    inner = venue.venue
    deposits = {"USDT": 300_000 * UNIT, "BTC": 3 * UNIT, "XRP": 30_000 * UNIT}
    held = Counter(inner.spot.world)
    held.update(inner.spot.fees)
    locked: Counter[tuple[str, str]] = Counter()
    for account, balances in inner.spot.balances.items():
        for asset, (free, lock) in balances.items():
            assert free >= 0
            assert lock >= 0
            held[asset] += free + lock
            locked[account, asset] = lock
    assert {asset: held[asset] for asset in deposits} == deposits
    for account in inner.spot.balances:
        for order in venue.open_orders(account, SPOT):
            spec = venue.specs[SPOT, order.symbol]
            locked[account, spec.quote if order.side is Side.BUY else spec.base] -= order.locked
    assert not any(locked.values())

    cash = inner.linear.world + inner.linear.fees
    contracts = Counter(inner.linear.world_qty)
    for account, wallet in inner.linear.wallets.items():
        cash += wallet.balance
        for symbol, holding in wallet.holdings.items():
            cash -= holding.cost
            contracts[symbol] += holding.qty
            mine = venue.open_orders(account, LINEAR, symbol)
            assert holding.buying == sum(order.locked for order in mine if order.side is Side.BUY)
            assert holding.selling == sum(order.locked for order in mine if order.side is Side.SELL)
        assert wallet.balance == sum(income.amount for income in venue.income(account))
    assert cash == 300_000 * UNIT
    assert not any(contracts.values())


@settings(max_examples=30)
@given(plan=plans)
def test_live_tape_and_bars_are_one(plan: list[Command]) -> None:
    venue = exchange()
    events = run(venue, plan)
    events += venue.advance(venue.now_ns + 70 * SECOND)
    for spec in SPECS:
        live = [event for event in events if isinstance(event, Trade) and (event.market, event.symbol) == spec.key]
        rows = venue.trades(*spec.key, START, venue.now_ns + 1)
        assert [(t.id, t.ts_ns, t.price, t.qty, t.buyer_is_maker) for t in live] == rows.tolist()
        tape = venue.trades(*spec.key, START - 600 * SECOND, venue.now_ns + 1)
        assert np.array_equal(tape["id"], np.arange(tape["id"][0], tape["id"][0] + len(tape)))
        assert np.all(np.diff(tape["ts_ns"]) >= 0)
        bars = venue.bars(*spec.key, START - 600 * SECOND, venue.now_ns + 1)
        assert np.array_equal(bars, bars_of(tape, spec.notional_factor))
        assert np.array_equal(bars[3:5], venue.bars(*spec.key, *bars["open_ns"][[3, 5]].tolist()))
        for first, count in ((tape["id"][0], 5), (tape["id"][-5], 50), (tape["id"][len(tape) // 2], 40)):
            at = int(first - tape["id"][0])
            assert np.array_equal(venue.trades_from(*spec.key, int(first), count), tape[at:at + count])
        assert np.array_equal(venue.last_trades(*spec.key, 20), tape[-20:])
        # The script's quantity was printed, and users' own trades with the background on top of it.
        scripted = script().trades(*spec.key, START, venue.now_ns + 1)
        taken = sum(t.qty for t in live if t.buyer_order or t.seller_order)
        assert scripted["qty"].sum() <= rows["qty"].sum() <= scripted["qty"].sum() + taken


@settings(max_examples=30)
@given(plan=plans)
def test_fills_orders_and_tape_agree(plan: list[Command]) -> None:
    venue = exchange()
    events = run(venue, plan)
    events += venue.advance(venue.now_ns + 70 * SECOND)
    for market in (SPOT, LINEAR):
        fills: list[Fill] = [fill for account in ("ann", "bob", "cid")
                             for fill in venue.fills(account, market, limit=10**6)]
        told = [event for event in events
                if isinstance(event, OrderUpdate) and event.market == market and event.last_qty]
        assert Counter((fill.order_id, fill.trade_id, fill.price, fill.qty, fill.fee) for fill in fills) == Counter(
            (event.order.id, event.trade_id, event.last_price, event.last_qty, event.fee) for event in told)
        sides = Counter(fill.trade_id for fill in fills if fill.symbol == "BTCUSDT")
        assert all(count <= 2 for count in sides.values())
        for account in ("ann", "bob", "cid"):
            for symbol in ("BTCUSDT", "XRPUSDT"):
                spec = venue.specs[market, symbol]
                for order in venue.orders(account, market, symbol, limit=10**6):
                    mine = [fill for fill in fills if fill.order_id == order.id]
                    assert order.filled == sum(fill.qty for fill in mine) <= order.qty
                    assert order.quote_filled == sum(fill.price * fill.qty for fill in mine) * spec.notional_factor
                    if order.price:
                        sign = 1 if order.side is Side.BUY else -1
                        assert all(sign * fill.price <= sign * order.price for fill in mine)
                    assert order.is_open == any(each is order for each in venue.open_orders(account, market))


class Copy:
    """A book that a client keeps from a snapshot and the diffs after it, as Binance tells it to."""

    def __init__(self, venue: Exchange, key: tuple[str, str]) -> None:
        snapshot = venue.depth(*key, 1_000)
        self.sides = dict(snapshot.bids), dict(snapshot.asks)
        self.snapshot_id = snapshot.last_update_id
        self.last: int | None = None

    def hear(self, diff: DepthDiff) -> None:
        if diff.last_id <= self.snapshot_id:
            return
        assert diff.previous_id == diff.first_id - 1
        if self.last is None:
            assert diff.first_id <= self.snapshot_id + 1 <= diff.last_id
        else:
            assert diff.previous_id == self.last
        self.last = diff.last_id
        for side, changes in zip(self.sides, (diff.bids, diff.asks), strict=True):
            side.update(changes)


@settings(max_examples=25)
@given(plan=plans, pause=st.sampled_from([SECOND // 20, SECOND // 3, 5 * SECOND]))
def test_snapshots_and_diffs_rebuild_the_book(plan: list[Command], pause: int) -> None:
    venue = exchange()
    key = (SPOT, "BTCUSDT")
    copies = [Copy(venue, key)]

    def advance(target: int) -> int:
        """Let all copies hear what is told up to a time; the time of the last diff."""
        told = 0
        for event in venue.advance(target):
            if isinstance(event, DepthDiff) and (event.market, event.symbol) == key:
                told = event.ts_ns
                for each in copies:
                    each.hear(event)
        return told

    for command in plan:
        target = venue.now_ns + command.wait_ns
        while venue.now_ns < target:
            advance(min(target, venue.now_ns + pause))
        perform(venue, command)
        copies.append(Copy(venue, key))
    # Diffs lag by up to 100 ms: go on until one tells of just now.
    while advance(venue.now_ns + SECOND // 5) != venue.now_ns:
        pass
    book = venue.depth(*key, 1_000)
    for each in copies:
        assert {price: qty for price, qty in each.sides[0].items() if qty} == dict(book.bids)
        assert {price: qty for price, qty in each.sides[1].items() if qty} == dict(book.asks)
    assert max(dict(book.bids)) < min(dict(book.asks))


@pytest.mark.parametrize("step", [NS_PER_MINUTE, 7 * SECOND])
def test_events_come_in_order_of_time(step: int) -> None:
    venue = exchange()
    events = [event for _ in range(10) for event in venue.advance(venue.now_ns + step)]
    times = [event.ts_ns for event in events]
    assert times == sorted(times)
    assert sum(isinstance(event, Trade) for event in events) > 5
