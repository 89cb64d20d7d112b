"""Books against a slow, obvious one, and every branch of the rule that proves them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.book import Books, BookStatus
from market.events import Events, Flag, Kind, Side, empty

ME = 7
Level = tuple[Side, int, int]


def packet(kind: Kind, first: int, last: int, levels: list[Level], instrument: int = ME) -> Events:
    """One packet of deltas, or a snapshot."""
    out = empty(max(1, len(levels)))
    out["kind"], out["seq"], out["aux"], out["instrument"] = kind, last, first, instrument
    out["ts_event"] = last * 1000
    for at, (side, price, qty) in enumerate(levels):
        out[at]["side"], out[at]["price"], out[at]["qty"] = side, price, qty
    if kind is Kind.BOOK_SNAPSHOT:
        out["flags"][0] |= Flag.SNAPSHOT_START
    out["flags"][-1] |= Flag.LAST
    return out


def delta(first: int, last: int, *levels: Level) -> Events:
    return packet(Kind.BOOK_DELTA, first, last, list(levels))


def snapshot(last: int, *levels: Level) -> Events:
    return packet(Kind.BOOK_SNAPSHOT, 0, last, list(levels))


def bid(price: int, qty: int) -> Level:
    return Side.BUY, price, qty


def ask(price: int, qty: int) -> Level:
    return Side.SELL, price, qty


@dataclass
class Slow:
    """Two dictionaries and the rule in words."""

    sides: dict[Side, dict[int, int]] = field(default_factory=lambda: {Side.BUY: {}, Side.SELL: {}})

    def set(self, side: Side, price: int, qty: int) -> None:
        self.sides[side].pop(price, None)
        if qty:
            self.sides[side][price] = qty

    def depth(self, side: Side) -> list[list[int]]:
        return [[p, q] for p, q in sorted(self.sides[side].items(), reverse=side is Side.BUY)]


def small(units: int = 1) -> Books:
    """A book whose window is so small that most levels live outside and it moves often."""
    return Books([ME], [units], places=16, far=64, pending=32)


# Bids below 500, asks above: never crossed; a narrow band near the touch and a wide one far from it.
bids = st.builds(bid, st.one_of(st.integers(480, 499), st.integers(1, 499)), st.integers(0, 3))
asks = st.builds(ask, st.one_of(st.integers(501, 520), st.integers(501, 999)), st.integers(0, 3))
packets = st.lists(st.lists(st.one_of(bids, asks), max_size=6), max_size=25)


@given(packets, st.sampled_from([1, 2, 5]))
def test_the_book_is_the_obvious_one_at_every_price(parts: list[list[Level]], unit: int) -> None:
    books, slow = small(unit), Slow()
    books.apply(snapshot(10, bid(499, 5), ask(501, 5)))
    slow.set(*bid(499, 5))
    slow.set(*ask(501, 5))
    for number, levels in enumerate(parts):
        books.apply(delta(11 + number, 11 + number, *levels))
        for level in levels:
            slow.set(*level)
        for side in (Side.BUY, Side.SELL):
            assert books.depth(ME, side, 500).tolist() == slow.depth(side)
        best = books.best(ME)
        top = {side: (slow.depth(side) or [[0, 0]])[0] for side in (Side.BUY, Side.SELL)}
        assert [best.bid, best.bid_qty] == top[Side.BUY]
        assert [best.ask, best.ask_qty] == top[Side.SELL]
        assert best.proved
        for price in (499, 501, 3, 900):
            assert books.qty_at(ME, Side.BUY, price) == slow.sides[Side.BUY].get(price, 0)
            assert books.qty_at(ME, Side.SELL, price) == slow.sides[Side.SELL].get(price, 0)


@given(packets, st.lists(st.integers(0, 150), max_size=8), st.integers(0, 20))
def test_chunks_do_not_matter(parts: list[list[Level]], cuts: list[int], hole: int) -> None:
    stream = [snapshot(10, bid(499, 5), ask(501, 5))]
    for number, levels in enumerate(parts):
        shift = 1 if number >= hole else 0
        stream.append(delta(11 + number + shift, 11 + number + shift, *levels))
    stream.append(snapshot(10 + hole, bid(400, 1), ask(600, 1)))
    events = np.concatenate(stream)
    whole, chunked = small(), small()
    whole.apply(events)
    for part in np.split(events, sorted(min(cut, len(events)) for cut in cuts)):
        chunked.apply(part)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(whole.arrays, chunked.arrays, strict=True))


def test_deltas_wait_for_the_snapshot() -> None:
    books = small()
    books.apply(delta(8, 9, bid(100, 1)))    # older than the snapshot: dropped
    books.apply(delta(10, 12, bid(101, 2)))  # straddles it: used
    books.apply(delta(13, 13, ask(110, 4)))
    assert books.status(ME) is BookStatus.EMPTY
    assert books.unproved() == [ME]
    books.apply(snapshot(11, bid(99, 9), ask(120, 9)))
    assert books.status(ME) is BookStatus.LIVE
    assert books.depth(ME, Side.BUY).tolist() == [[101, 2], [99, 9]]
    assert books.depth(ME, Side.SELL).tolist() == [[110, 4], [120, 9]]
    assert books.seq(ME) == 13
    assert books.gaps(ME) == 0
    assert books.unproved() == []


def test_a_snapshot_older_than_what_waits_does_not_prove_the_book() -> None:
    books = small()
    books.apply(delta(20, 21, bid(101, 2)))
    books.apply(snapshot(11, bid(99, 9), ask(120, 9)))
    assert books.status(ME) is BookStatus.STALE
    assert not books.best(ME).proved
    books.apply(snapshot(20, bid(98, 1), ask(121, 1)))  # the delta still waits, and now it fits
    assert books.status(ME) is BookStatus.LIVE
    assert books.depth(ME, Side.BUY).tolist() == [[101, 2], [98, 1]]


def test_a_hole_makes_the_book_stale_until_a_new_snapshot() -> None:
    books = small()
    books.apply(snapshot(10, bid(99, 1), ask(101, 1)))
    books.apply(delta(11, 11, bid(98, 1)))
    books.apply(delta(13, 13, bid(97, 1)))
    assert books.status(ME) is BookStatus.STALE
    assert books.gaps(ME) == 1
    books.apply(delta(14, 14, bid(96, 1)))
    books.apply(snapshot(12, bid(99, 7), ask(101, 7)))
    assert books.status(ME) is BookStatus.LIVE
    assert books.depth(ME, Side.BUY).tolist() == [[99, 7], [97, 1], [96, 1]]


def test_old_packets_and_old_snapshots_change_nothing() -> None:
    books = small()
    books.apply(snapshot(10, bid(99, 1), ask(101, 1)))
    books.apply(delta(9, 10, bid(98, 1)))
    books.apply(snapshot(9, bid(50, 1)))
    assert books.depth(ME, Side.BUY).tolist() == [[99, 1]]
    assert books.status(ME) is BookStatus.LIVE
    books.apply(snapshot(12, bid(97, 1), ask(101, 1)))  # a newer one replaces the book
    assert books.depth(ME, Side.BUY).tolist() == [[97, 1]]
    assert books.status(ME) is BookStatus.LIVE


def test_a_packet_without_levels_keeps_the_chain() -> None:
    books = small()
    books.apply(snapshot(10, bid(99, 1), ask(101, 1)))
    books.apply(delta(11, 15))
    books.apply(delta(16, 16, bid(98, 1)))
    assert books.status(ME) is BookStatus.LIVE
    assert books.seq(ME) == 16


def test_a_crossed_book_is_not_believed() -> None:
    books = small()
    books.apply(snapshot(10, bid(99, 1), ask(101, 1)))
    books.apply(delta(11, 11, bid(102, 1), ask(101, 0), ask(103, 1)))  # crossed only inside the packet
    assert books.status(ME) is BookStatus.LIVE
    books.apply(delta(12, 12, bid(103, 1)))
    assert books.status(ME) is BookStatus.STALE


def test_a_lost_connection_makes_the_book_stale() -> None:
    books = small()
    books.apply(snapshot(10, bid(99, 1), ask(101, 1)))
    books.invalidate(ME)
    assert books.status(ME) is BookStatus.STALE
    assert books.unproved() == [ME]


def test_when_too_much_waits_the_oldest_goes_and_the_chain_starts_again() -> None:
    books = small()
    for number in range(40):
        books.apply(delta(20 + number, 20 + number, bid(90 + number % 5, 1)))
    books.apply(snapshot(30, bid(80, 1), ask(101, 1)))
    assert books.status(ME) is BookStatus.STALE  # what followed 30 is gone
    books.apply(snapshot(58, bid(80, 1), ask(101, 1)))
    assert books.status(ME) is BookStatus.LIVE
    assert books.seq(ME) == 59


def test_what_does_not_fit_is_remembered() -> None:
    books = Books([ME], places=16, far=4)
    books.apply(snapshot(10, *[bid(1000 - 50 * n, 1) for n in range(8)], ask(1001, 1)))
    known = books.complete_to(ME, Side.BUY)
    assert known is not None
    assert books.depth(ME, Side.BUY).tolist() == [[1000 - 50 * n, 1] for n in range(5)]
    assert 750 < known <= 800
    assert books.complete_to(ME, Side.SELL) == 1001
    assert Books([ME]).complete_to(ME, Side.SELL) is None


def test_the_books_of_a_universe_are_apart() -> None:
    books = Books([3, ME], places=16, far=16)
    books.apply(np.concatenate([
        packet(Kind.BOOK_SNAPSHOT, 0, 5, [bid(10, 1)], 3),
        packet(Kind.BOOK_SNAPSHOT, 0, 6, [bid(20, 1)], ME),
        packet(Kind.BOOK_SNAPSHOT, 0, 7, [bid(30, 1)], 1),      # not ours
        packet(Kind.BOOK_SNAPSHOT, 0, 7, [bid(30, 1)], 9_999),  # nor this
    ]))
    assert books.best(3).bid == 10
    assert books.best(ME).bid == 20


@pytest.mark.parametrize("price", [5, 10**15])
def test_prices_anywhere(price: int) -> None:
    books = small()
    books.apply(snapshot(10, bid(price, 1), ask(price + 3, 1)))
    books.apply(delta(11, 11, bid(price - 2, 4)))
    assert books.depth(ME, Side.BUY).tolist() == [[price, 1], [price - 2, 4]]
