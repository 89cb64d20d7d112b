"""The event record: one fixed 56-byte layout from the codec to the disk.

A batch of events is a numpy array of `EVENT`. Prices and quantities are int64 in 10^-scale of the
instrument's life; times are UTC nanoseconds. A quote is two records, bid first, the ask carrying `LAST`.
A packet of book deltas ends with `LAST`; one without levels is a single record of side NONE, so that its
update ids are not lost.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype(
    [
        ("ts_event", np.int64),    # when it happened at the venue, ns; 0 where the venue gives none
        ("ts_recv", np.int64),     # when its bytes reached us, ns; for history: when it was known
        ("price", np.int64),       # 10^-price_scale
        ("qty", np.int64),         # 10^-qty_scale; for a book delta the level's new total, 0 removes it
        ("seq", np.int64),         # the venue's sequence or trade id
        ("aux", np.int64),         # one more number: see Kind
        ("instrument", np.uint32), # id of the instrument's life
        ("kind", np.uint8),        # Kind
        ("side", np.uint8),        # Side: aggressor of a trade, side of a book level
        ("flags", np.uint16),      # Flag
    ],
    align=True,
)
assert EVENT.itemsize == 56  # noqa: S101 - the layout is on disk: a change is a new version

Events = NDArray[np.void]


class Kind(IntEnum):
    """What a record says; the comment tells what `price`, `qty`, `seq` and `aux` hold where it is not plain."""

    TRADE = 1           # seq: trade id; side: aggressor
    BOOK_DELTA = 2      # seq: last update id of the packet; aux: first id it covers, the last of the packet before + 1
    BOOK_SNAPSHOT = 3   # seq: update id of the snapshot; SNAPSHOT_START on the first record
    QUOTE = 4           # one side's best price; seq: update id
    BAR = 5             # reserved for bar streams; bars themselves travel as market.bars.BAR arrays
    FUNDING = 6         # price: rate in 10^-12; aux: time of the next funding, ns
    MARK = 7            # price: mark price, rounded to the scale as venues compute it finer; aux: the same in 10^-8
    INDEX = 8           # price: index price; aux: the same in 10^-8
    OPEN_INTEREST = 9   # qty: contracts
    LIQUIDATION = 10    # price, qty, side of the liquidation order
    STATUS = 11         # aux: market.instrument.Status


class Side(IntEnum):
    """The aggressor of a trade, the side of a level or of an order."""

    NONE = 0
    BUY = 1
    SELL = 2


class Flag(IntFlag):
    """Bits of `flags`."""

    SNAPSHOT_START = 1  # first record of a snapshot: clear the book
    LAST = 2            # last record of a packet: the book is consistent after it
    AGGREGATE = 4       # the trade is the venue's aggregate of several
    CATCH_UP = 8        # fetched by REST after the fact, not heard live


_WHOLE = np.dtype((np.void, EVENT.itemsize))  # numpy moves records field by field, unless they look like this


def picked(events: Events, places: slice | NDArray[np.int64]) -> Events:
    """A copy of the events at these places: 0.7 us where plain indexing and copying takes 1.7."""
    whole = events.view(_WHOLE)[places]
    return (whole.copy() if isinstance(places, slice) else whole).view(EVENT)


def empty(count: int) -> Events:
    """Zeroed event array of `count` records."""
    return np.zeros(count, dtype=EVENT)
