"""What the track step does to every event of a wake-up, compiled. A slot is an instrument's place in the shard."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events, Kind, Side

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.uint8]

_TRADE, _QUOTE = int(Kind.TRADE), int(Kind.QUOTE)
_BUY = int(Side.BUY)
BID, ASK, TS = 0, 1, 2                # columns of `best`
ID, NEWEST, NUMBER, END = 0, 1, 2, 3  # columns of `heads`


@njit(cache=True)
def take(
    events: Events, slots: Integers, last: Integers, closed: Flags, index: Integers, best: Integers, touched: Flags
) -> tuple[int, bool]:
    """Number of trades to use, their places in `events` stand in `index`; and whether a trade was left for later.

    A trade id that is not above the last one is a repeat and left out; one that leaves a hole closes the slot,
    and nothing more is taken of it until the hole is filled. Quotes go to `best`, their slots are `touched`,
    and so is the place behind the last slot.
    """
    taken = 0
    held = False
    for i in range(len(events)):
        event = events[i]
        if event.instrument >= len(slots):
            continue
        slot = slots[event.instrument]
        if slot < 0:
            continue
        if event.kind == _TRADE:
            if event.seq <= last[slot]:
                continue
            if closed[slot] or (last[slot] > 0 and event.seq > last[slot] + 1):
                closed[slot] = 1
                held = True
                continue
            last[slot] = event.seq
            index[taken] = i
            taken += 1
        elif event.kind == _QUOTE:
            best[slot, BID if event.side == _BUY else ASK] = event.price
            best[slot, TS] = event.ts_recv
            touched[slot] = 1
            touched[-1] = 1
    return taken, held


@njit(cache=True)
def newest(
    trades: Events, index: Integers, count: int, slots: Integers, rows: Floats, calm: Integers,
    last: Integers, last_ts: Integers, order: Integers, heads: Integers, picked: Floats, volatility: Floats,
) -> int:
    """Number of instruments among the first `count` rows; row i belongs to `trades[index[i]]`.

    Afterwards `order[:count]` are the trades' places by instrument, oldest first, and for each instrument `heads`
    has its id, the newest trade's time and number and where its part of `order` ends, `picked` that trade's row and
    `volatility` the largest of the columns `calm`. The newest trade is also noted as its slot's last.
    """
    order[0] = 0
    if count > 1:
        lives = np.empty(count, dtype=np.int64)
        for i in range(count):
            lives[i] = trades[index[i]].instrument
        order[:count] = np.argsort(lives, kind="mergesort")  # a stable one
    groups = 0
    for i in range(count):
        row = order[i]
        order[i] = index[row]
        trade = trades[order[i]]
        if i == 0 or heads[groups - 1, ID] != trade.instrument:
            heads[groups, ID] = trade.instrument
            groups += 1
        at = groups - 1
        heads[at, NEWEST] = trade.ts_event
        heads[at, NUMBER] = trade.seq
        heads[at, END] = i + 1
        for k in range(rows.shape[1]):
            picked[at, k] = rows[row, k]
        volatility[at] = rows[row, calm[0]]
        for k in calm[1:]:
            volatility[at] = max(volatility[at], rows[row, k])
        slot = slots[trade.instrument]
        last[slot] = trade.seq
        last_ts[slot] = trade.ts_event
    return groups


@njit(cache=True)
def unlike(status: Integers, live: int, proved: Flags, asked: Flags) -> bool:
    """Whether a book's proof came or went, or one without proof has not been asked for."""
    for slot in range(len(status)):
        right = status[slot] == live
        if right != (proved[slot] != 0) or (not right and asked[slot] == 0):
            return True
    return False
