"""Level-2 order books of several instruments from event records, with the proof that they are right.

The rule for one book: a snapshot with update id L, then only packets that follow without a hole. A packet covers
the ids `aux` to `seq`. Those that end at or before L are old; the first that is used begins at or before L + 1; each
next one begins right after the one before. Deltas that come before the snapshot wait for it. A hole, or a bid at or
above an ask at the end of a packet, makes the book STALE: it says so until a new snapshot proves it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market import ladder
from market.events import EVENT, Events, Flag, Kind, Side
from market.ladder import (
    BASE,
    GAPS,
    INSTRUMENT,
    KNOWN,
    MODE,
    PACKETS,
    PENDING,
    SEQ,
    STATUS,
    TS_EVENT,
    TS_RECV,
    UNIT,
    BookArrays,
)

Integers = NDArray[np.int64]


class BookStatus(IntEnum):
    """Whether a book can be believed."""

    EMPTY = 0  # no snapshot yet
    STALE = 1  # a hole or a crossed book: a new snapshot is needed
    LIVE = 2   # proved right up to `seq`


@dataclass(frozen=True, slots=True)
class Best:
    """The touch; prices and quantities are 0 where a side is empty. `proved` is false while the book is not LIVE."""

    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    proved: bool
    ts_event: int  # of the last packet, ns
    ts_recv: int


# What becomes of the packet being read.
_BETWEEN, _APPLY, _IGNORE, _WAIT, _SNAPSHOT = range(5)
_EMPTY, _STALE, _LIVE = int(BookStatus.EMPTY), int(BookStatus.STALE), int(BookStatus.LIVE)
_DELTA, _SNAPSHOT_KIND = int(Kind.BOOK_DELTA), int(Kind.BOOK_SNAPSHOT)
_BUY, _NO_SIDE = int(Side.BUY), int(Side.NONE)
_LAST, _START = int(Flag.LAST), int(Flag.SNAPSHOT_START)


class Books:
    """The books of one universe. `arrays` may be given to other kernels; `apply` is `market.book.apply`."""

    def __init__(
        self, instruments: Sequence[int], units: Sequence[int] | None = None, places: int = 1 << 14, far: int = 4096,
        pending: int = 8192,
    ) -> None:
        """`units`: a book's price step (the tick) in 10^-price_scale, 1 where not given; it matters for speed only."""
        count = len(instruments)
        head = np.zeros((count, ladder.WIDTH), dtype=np.int64)
        head[:, INSTRUMENT] = instruments
        head[:, UNIT] = 1 if units is None else units
        slots = np.full(max(instruments, default=0) + 1, -1, dtype=np.int64)
        slots[list(instruments)] = np.arange(count)
        self.arrays = BookArrays(
            head,
            np.zeros((count, 2, places), dtype=np.int64),
            np.zeros((count, 2, far), dtype=np.int64),
            np.zeros((count, 2, far), dtype=np.int64),
            np.zeros((count, pending), dtype=EVENT),
            slots,
        )
        for slot in range(count):
            ladder.clear(self.arrays, slot)

    def apply(self, events: Events) -> None:
        """Feeds book deltas and snapshots; other events and unknown instruments pass by. Chunk-invariant."""
        apply(self.arrays, events)

    def best(self, instrument: int) -> Best:
        """The touch of one book."""
        slot = self._slot(instrument)
        head = self.arrays.head[slot]
        bid, bid_qty = ladder.best_of(self.arrays, slot, 0)
        ask, ask_qty = ladder.best_of(self.arrays, slot, 1)
        return Best(
            int(bid), int(bid_qty), int(ask), int(ask_qty), bool(head[STATUS] == _LIVE), int(head[TS_EVENT]),
            int(head[TS_RECV]),
        )

    def depth(self, instrument: int, side: Side, most: int = 20) -> Integers:
        """Levels from the best on, as rows (price, qty); fewer where there are no more."""
        out = np.empty((2, most), dtype=np.int64)
        count = ladder.levels(self.arrays, self._slot(instrument), int(side != Side.BUY), out[0], out[1])
        return out[:, :count].T.copy()

    def qty_at(self, instrument: int, side: Side, price: int) -> int:
        """What rests at one price, 0 for nothing."""
        return int(ladder.qty_at(self.arrays, self._slot(instrument), int(side != Side.BUY), price))

    def status(self, instrument: int) -> BookStatus:
        """Whether the book can be believed."""
        return BookStatus(int(self.arrays.head[self._slot(instrument), STATUS]))

    def seq(self, instrument: int) -> int:
        """The last update id in the book."""
        return int(self.arrays.head[self._slot(instrument), SEQ])

    def gaps(self, instrument: int) -> int:
        """How often the book went stale."""
        return int(self.arrays.head[self._slot(instrument), GAPS])

    def complete_to(self, instrument: int, side: Side) -> int | None:
        """The worst price down (or up) to which the side is known to be complete; None for without limit."""
        index = int(side != Side.BUY)
        key = int(self.arrays.head[self._slot(instrument), KNOWN + index])
        return None if key == ladder.NO_LIMIT else int(ladder.key_of(index, key))

    def unproved(self) -> list[int]:
        """Instruments whose books need a snapshot."""
        head = self.arrays.head
        return [int(instrument) for instrument in head[head[:, STATUS] != _LIVE, INSTRUMENT]]

    def invalidate(self, instrument: int) -> None:
        """Declares the book stale, for instance when its connection was lost."""
        invalidate(self.arrays, self._slot(instrument))

    def _slot(self, instrument: int) -> int:
        return int(self.arrays.slots[instrument])


@njit(cache=True)
def invalidate(books: BookArrays, slot: int) -> None:
    """A live book becomes stale and waits for a snapshot."""
    head = books.head[slot]
    if head[STATUS] == _LIVE:
        head[STATUS] = _STALE
        head[GAPS] += 1
    head[MODE] = _BETWEEN
    head[PENDING] = 0


@njit(cache=True)
def apply(books: BookArrays, events: Events) -> None:
    """Feeds events to the books they belong to."""
    i = 0
    while i < len(events):
        event = events[i]
        known = event.kind in (_DELTA, _SNAPSHOT_KIND) and event.instrument < len(books.slots)
        slot = books.slots[event.instrument] if known else -1
        if slot < 0:
            i += 1
            continue
        end = _run_end(events, i, len(events))
        if _feed(books, slot, events, i, end):
            # A hole turns the book stale in here; what follows then waits again, further to the front.
            waiting = books.head[slot, PENDING]
            books.head[slot, PENDING] = 0
            k = 0
            while k < waiting:
                stop = _run_end(books.pending[slot], k, waiting)
                _feed(books, slot, books.pending[slot], k, stop)
                k = stop
        i = end


@njit(cache=True)
def _run_end(events: Events, start: int, end: int) -> int:
    """The place after the records of one packet that begin at `start`; a packet may go on in the next batch."""
    kind, instrument = events[start].kind, events[start].instrument
    place = start
    while not events[place].flags & _LAST:
        place += 1
        if place == end:
            return place
        event = events[place]
        if event.kind != kind or event.instrument != instrument or event.flags & _START:
            return place
    return place + 1


@njit(cache=True)
def _feed(books: BookArrays, slot: int, events: Events, start: int, end: int) -> bool:
    """Feeds (a part of) one packet; whether it ended a snapshot, after which what waited is to be fed again."""
    event = events[start]
    head = books.head[slot]
    snapshot = event.kind == _SNAPSHOT_KIND
    if snapshot and event.flags & _START:
        _begin_snapshot(books, slot, event.seq, event.price)
    elif snapshot and head[MODE] != _SNAPSHOT:
        return False
    elif head[MODE] == _BETWEEN:
        head[MODE] = _judge(head, event.aux, event.seq)
    mode = head[MODE]
    used = mode in (_APPLY, _SNAPSHOT)
    if used:
        _set_levels(head, books.window[slot], books.far_key[slot], books.far_qty[slot], events, start, end)
    elif mode == _WAIT:
        for k in range(start, end):
            _wait(books, slot, events[k])
    event = events[end - 1]
    if not event.flags & _LAST:
        return False
    head[MODE] = _BETWEEN
    if used:
        head[SEQ] = event.seq
        head[TS_EVENT] = event.ts_event
        head[TS_RECV] = event.ts_recv
        head[PACKETS] += 1
        if mode == _SNAPSHOT:
            head[STATUS] = _LIVE
            _limit_to_snapshot(books, slot)
        _settle(books, slot)
    return bool(mode == _SNAPSHOT and head[STATUS] == _LIVE)


@njit(cache=True)
def _set_levels(
    head: Integers, window: Integers, far_key: Integers, far_qty: Integers, events: Events, start: int, end: int
) -> None:
    places = window.shape[1]
    for k in range(start, end):
        event = events[k]
        if event.side == _NO_SIDE:
            continue
        side = 0 if event.side == _BUY else 1
        place = ladder.place_of(head, places, event.price)
        if place >= 0:
            ladder.set_near(head, window, side, place, event.qty)
        else:
            ladder.set_far(head, far_key, far_qty, side, ladder.key_of(side, event.price), event.qty)


@njit(cache=True)
def _wait(books: BookArrays, slot: int, event: Any) -> None:
    head = books.head[slot]
    if head[MODE] == _WAIT and head[PENDING] < books.pending.shape[1]:
        books.pending[slot, head[PENDING]] = event
        head[PENDING] += 1
    elif head[MODE] == _WAIT:
        # Nothing that begins before this packet ends can be used any more.
        head[PENDING] = 0
        head[MODE] = _IGNORE


@njit(cache=True)
def _judge(head: Integers, first: int, last: int) -> int:
    """What to do with a packet of deltas that covers these update ids."""
    if head[STATUS] != _LIVE:
        return _WAIT
    if last <= head[SEQ]:
        return _IGNORE
    if first <= head[SEQ] + 1:
        return _APPLY
    head[STATUS] = _STALE
    head[GAPS] += 1
    head[PENDING] = 0
    return _WAIT


@njit(cache=True)
def _settle(books: BookArrays, slot: int) -> None:
    """The end of a packet: the book must not be crossed, the window follows the touch."""
    head = books.head[slot]
    bid, _ = ladder.best_of(books, slot, 0)
    ask, _ = ladder.best_of(books, slot, 1)
    if bid > 0 and ask > 0 and bid >= ask and head[STATUS] == _LIVE:
        head[STATUS] = _STALE
        head[GAPS] += 1
        head[PENDING] = 0
    ladder.keep_centred(books, slot, bid, ask)


@njit(cache=True)
def _begin_snapshot(books: BookArrays, slot: int, seq: int, price: int) -> None:
    head = books.head[slot]
    if head[STATUS] == _LIVE and seq < head[SEQ]:
        head[MODE] = _IGNORE  # the book is ahead of it already
        return
    head[MODE] = _SNAPSHOT
    head[STATUS] = _EMPTY if head[STATUS] == _EMPTY else _STALE
    ladder.clear(books, slot)
    half = books.window.shape[2] // 2
    head[BASE] = max(0, (price // head[UNIT] - half) * head[UNIT])


@njit(cache=True)
def _limit_to_snapshot(books: BookArrays, slot: int) -> None:
    """The venue cuts its snapshots: what lies beyond the worst level of this one is not known."""
    head = books.head[slot]
    most = books.far_key.shape[2] + books.window.shape[2]
    prices, quantities = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    for side in range(2):
        count = ladder.levels(books, slot, side, prices, quantities)
        if count > 0:
            head[KNOWN + side] = min(head[KNOWN + side], ladder.key_of(side, prices[count - 1]))
