from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.gateways.port import Verdict
from execution.messages import CashKind
from execution.paper.engine import PaperVenue
from execution.paper.funding import PaperFunding
from execution.reconcile import Seen, VenueFill, VenueStatus
from ledger.intent import OrderType, TimeInForce
from ledger.order import Liquidity
from market.book import Books
from market.events import EVENT, Events, Flag, Kind, Side
from tests.execution.kit import BTC, RULES, intent


def snapshot(bids: dict[int, int], asks: dict[int, int], seq: int = 1) -> Events:
    rows = [(Side.BUY, p, q) for p, q in bids.items()] + [(Side.SELL, p, q) for p, q in asks.items()]
    out = np.zeros(len(rows), dtype=EVENT)
    for at, (side, price, qty) in enumerate(rows):
        out[at] = (1, 1, price, qty, seq, 0, 1, Kind.BOOK_SNAPSHOT, side, 0)
    out["flags"][0] |= Flag.SNAPSHOT_START
    out["flags"][-1] |= Flag.LAST
    return out


def delta(seq: int, side: Side, price: int, qty: int) -> Events:
    return np.array([(seq, seq, price, qty, seq, seq, 1, Kind.BOOK_DELTA, side, Flag.LAST)], dtype=EVENT)


def trade(price: int, qty: int, aggressor: Side, ts: int = 9) -> Events:
    return np.array([(ts, ts, price, qty, ts, 0, 1, Kind.TRADE, aggressor, 0)], dtype=EVENT)


class Desk:
    """A paper venue with a book, and all that it said."""

    def __init__(self) -> None:
        self.fills: list[VenueFill] = []
        self.sightings: list[tuple[str, Seen]] = []
        self.venue = PaperVenue(
            [BTC], {1: RULES}, Books([1]), self.fills.append, lambda ours, seen: self.sightings.append((ours, seen))
        )
        self.feed(snapshot({999: 10, 998: 20}, {1001: 5, 1002: 7, 1003: 9}))

    def feed(self, *events: Events) -> None:
        self.venue.on_events(np.concatenate(events))

    def traded(self) -> list[tuple[int, int]]:
        return [(fill.price, fill.qty) for fill in self.fills]

    def status(self) -> VenueStatus:
        return self.sightings[-1][1].status


def test_taking_walks_the_book_and_pays_the_taker_s_fee() -> None:
    desk = Desk()
    answer = desk.venue.place(intent(1, qty=10, price=1002, tif=TimeInForce.IOC), 0, 5)
    assert answer.verdict is Verdict.TAKEN
    assert desk.traded() == [(1001, 5), (1002, 5)]
    assert {fill.liquidity for fill in desk.fills} == {Liquidity.TAKER}
    # 5 * 0.001 BTC at 100.1: 0.5005 USDT, 500 parts per million of it
    assert desk.fills[0].fee == 25_025
    assert desk.fills[0].trade_id != desk.fills[1].trade_id


def test_what_cannot_trade_at_once_expires_or_rests() -> None:
    desk = Desk()
    desk.venue.place(intent(1, qty=10, price=1001, tif=TimeInForce.IOC), 0, 5)
    assert (desk.traded(), desk.status()) == ([(1001, 5)], VenueStatus.EXPIRED)
    desk.venue.place(intent(2, qty=10, price=1002), 0, 5)
    assert desk.traded() == [(1001, 5), (1002, 7)]
    assert desk.venue.resting[intent(2).order_id].leaves == 3


def test_a_level_is_taken_once_until_it_changes() -> None:
    desk = Desk()
    for seq in (1, 2):
        desk.venue.place(intent(seq, qty=5, price=1001, tif=TimeInForce.IOC), 0, 5)
    assert desk.traded() == [(1001, 5)]
    desk.feed(delta(2, Side.SELL, 1001, 6))
    desk.venue.place(intent(3, qty=5, price=1001, tif=TimeInForce.IOC), 0, 5)
    assert desk.traded() == [(1001, 5), (1001, 5)]


def test_refusals() -> None:
    desk = Desk()
    cases = [
        (intent(1, price=1001, post_only=True), 0, "WOULD_TAKE"),
        (intent(2, price=1, reduce_only=True), 5, "REDUCE_ONLY_REJECTED"),
        (intent(3, Side.SELL, qty=6, price=2000, reduce_only=True), 5, "REDUCE_ONLY_REJECTED"),
        (intent(4, qty=22, price=1003, tif=TimeInForce.FOK), 0, "NOTHING_TO_TRADE"),
        (intent(5, instrument=9), 0, "INTENT_INVALID"),
    ]
    for sent, position, code in cases:
        answer = desk.venue.place(sent, position, 5)
        assert (answer.verdict, answer.code) == (Verdict.REFUSED, code)
    desk.venue.books.invalidate(1)
    assert desk.venue.place(intent(6), 0, 5).code == "NO_MARKET"
    assert desk.fills == []


def test_a_market_order_and_an_all_or_nothing_one() -> None:
    desk = Desk()
    desk.venue.place(intent(1, qty=12, price=0, type_=OrderType.MARKET, tif=TimeInForce.IOC), 0, 5)
    assert desk.traded() == [(1001, 5), (1002, 7)]
    desk.venue.place(intent(2, qty=9, price=1003, tif=TimeInForce.FOK), 0, 5)
    assert desk.traded()[2:] == [(1003, 9)]


def test_a_resting_order_waits_behind_what_was_displayed() -> None:
    desk = Desk()
    desk.venue.place(intent(1, qty=4, price=999, post_only=True), 0, 5)
    desk.feed(trade(999, 6, Side.SELL))
    assert desk.traded() == []
    desk.feed(trade(999, 5, Side.SELL))
    assert desk.traded() == [(999, 1)]
    desk.feed(trade(999, 5, Side.BUY), trade(1000, 9, Side.SELL))
    assert desk.traded() == [(999, 1)], "a buyer, or a seller above us, does not reach us"
    desk.feed(trade(999, 9, Side.SELL))
    assert desk.traded() == [(999, 1), (999, 3)]
    assert desk.fills[0].liquidity is Liquidity.MAKER
    assert desk.venue.resting == {}


def test_the_queue_shrinks_with_the_display() -> None:
    desk = Desk()
    desk.venue.place(intent(1, qty=4, price=999), 0, 5)
    desk.feed(delta(2, Side.BUY, 999, 3))
    desk.feed(delta(3, Side.BUY, 999, 30))
    desk.feed(trade(999, 4, Side.SELL))
    assert desk.traded() == [(999, 1)]


def test_a_trade_beyond_our_price_fills_at_our_price() -> None:
    desk = Desk()
    desk.venue.place(intent(1, qty=4, price=999), 0, 5)
    desk.feed(trade(998, 3, Side.SELL))
    assert desk.traded() == [(999, 3)]


def test_a_book_that_crosses_fills_at_our_price() -> None:
    desk = Desk()
    desk.venue.place(intent(1, qty=4, price=1000), 0, 5)
    desk.feed(delta(2, Side.SELL, 1000, 3))
    assert desk.traded() == [(1000, 3)]
    assert desk.fills[0].liquidity is Liquidity.MAKER


def test_cancelling() -> None:
    desk = Desk()
    sent = intent(1, qty=4, price=999)
    desk.venue.place(sent, 0, 5)
    assert desk.venue.look_up(sent.order_id) is not None
    assert desk.venue.cancel(sent.order_id, 6).verdict is Verdict.TAKEN
    assert desk.status() is VenueStatus.CANCELLED
    assert desk.venue.cancel(sent.order_id, 6).verdict is Verdict.REFUSED
    assert desk.venue.look_up(sent.order_id) is None


orders = st.tuples(
    st.sampled_from([Side.BUY, Side.SELL]), st.integers(990, 1010), st.integers(1, 20), st.booleans()
)
packets = st.one_of(
    st.tuples(st.just("trade"), st.integers(990, 1010), st.integers(1, 20), st.sampled_from([Side.BUY, Side.SELL])),
    st.tuples(st.just("bid"), st.integers(985, 1000), st.integers(0, 20), st.just(Side.BUY)),
    st.tuples(st.just("ask"), st.integers(1001, 1015), st.integers(0, 20), st.just(Side.SELL)),
)


@settings(max_examples=40)
@given(st.lists(orders, min_size=1, max_size=4), st.lists(packets, max_size=25), st.data())
def test_fills_do_not_depend_on_how_the_feed_is_cut(
    sent: list[tuple[Side, int, int, bool]], rows: list[tuple[str, int, int, Side]], data: st.DataObject
) -> None:
    feed = [
        trade(price, qty, side, at) if kind == "trade" else delta(at, side, price, qty)
        for at, (kind, price, qty, side) in enumerate(rows, start=2)
    ]
    cuts = data.draw(st.lists(st.booleans(), min_size=len(feed), max_size=len(feed)))
    results = []
    for whole in (True, False):
        desk = Desk()
        for seq, (side, price, qty, resting) in enumerate(sent, start=1):
            tif = TimeInForce.GTC if resting else TimeInForce.IOC
            desk.venue.place(intent(seq, side, qty, price, tif=tif), 0, 1)
        batch: list[Events] = []
        for event, cut in zip(feed, cuts, strict=True):
            batch.append(event)
            if cut and not whole:
                desk.feed(*batch)
                batch = []
        if batch:
            desk.feed(*batch)
        results.append(desk.fills)
        for order, made in ((intent(n, *row[:1]), row) for n, row in enumerate(sent, start=1)):
            ours = [fill for fill in desk.fills if fill.client_order_id == order.order_id]
            assert sum(fill.qty for fill in ours) <= made[2]
            assert all(fill.price <= made[1] if made[0] == Side.BUY else fill.price >= made[1] for fill in ours)
    assert results[0] == results[1]


def test_funding_is_paid_when_its_time_has_passed() -> None:
    def mark(price: int, rate: int, at: int) -> Events:
        out = np.zeros(2, dtype=EVENT)
        out[0] = (1, 1, price, 0, 0, 0, 1, Kind.MARK, 0, 0)
        out[1] = (1, 1, rate, 0, 0, at, 1, Kind.FUNDING, 0, 0)
        return out

    paying = PaperFunding([BTC])
    assert paying.on_events(mark(600_000, 10**8, 1000), {1: 2_000}) == []
    assert paying.on_events(mark(600_000, 10**8, 1000), {1: 2_000}) == []
    (move,) = paying.on_events(mark(600_000, 0, 2000), {1: 2_000})   # 2 BTC, 120,000 USDT, 0.01 %
    assert (move.kind, move.amount, move.asset, move.ts_event) == (CashKind.FUNDING, -12 * 10**8, "USDT", 1000)
    paying.on_events(mark(600_000, 10**8, 3000), {})
    (move,) = paying.on_events(mark(600_000, 0, 4000), {1: -2_000})
    assert move.amount == 12 * 10**8, "a short receives what a long pays"
