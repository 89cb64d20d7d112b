"""The levels of order books, by whole-number price, compiled.

Near the touch a level is a place in an array (the window), elsewhere a row of a list sorted from the best price on
(the far list). Every price can stand in either, so the book is exact wherever the window lies: moving it is a
matter of speed alone. A book holds `far` levels a side outside its window; what falls off the end is remembered.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events

Integers = NDArray[np.int64]

# Columns of `head`, a row a book.
INSTRUMENT, STATUS, SEQ, TS_EVENT, TS_RECV, MODE, PENDING, PACKETS, GAPS, BASE, UNIT = range(11)
BEST, COUNT, FAR, KNOWN = 11, 13, 15, 17  # two each: bid, ask
WIDTH = 19

NOTHING = -1
NO_LIMIT = np.iinfo(np.int64).max


class BookArrays(NamedTuple):
    """The memory of several books; kernels take it whole."""

    head: Integers      # (books, WIDTH)
    window: Integers    # (books, 2, places): quantities
    far_key: Integers   # (books, 2, far): price, negated for bids, ascending: the best first
    far_qty: Integers   # (books, 2, far)
    pending: Events     # (books, records): deltas that wait for a snapshot
    slots: Integers     # book of each instrument id, -1 for none


@njit(cache=True)
def key_of(side: int, price: int) -> int:
    """The price so that a better one is smaller; side 0 is the bid."""
    return -price if side == 0 else price


@njit(cache=True)
def clear(books: BookArrays, slot: int) -> None:
    """Empties both sides."""
    head = books.head[slot]
    for side in range(2):
        window = books.window[slot, side]
        for place in range(len(window)):
            window[place] = 0
        head[BEST + side] = NOTHING
        head[COUNT + side] = 0
        head[FAR + side] = 0
        head[KNOWN + side] = NO_LIMIT


@njit(cache=True)
def set_level(books: BookArrays, slot: int, side: int, price: int, qty: int) -> None:
    """The level's new total; 0 removes it."""
    head, window = books.head[slot], books.window[slot]
    place = place_of(head, window.shape[1], price)
    if place >= 0:
        set_near(head, window, side, place, qty)
    else:
        set_far(head, books.far_key[slot], books.far_qty[slot], side, key_of(side, price), qty)


@njit(cache=True, error_model="numpy")
def place_of(head: Integers, places: int, price: int) -> int:
    """The price's place in the window, NOTHING when it is outside or off the grid."""
    offset = price - head[BASE]
    unit = head[UNIT]
    if offset < 0 or offset >= places * unit:
        return NOTHING
    if unit == 1:
        return int(offset)
    place = offset // unit
    on_grid: bool = place * unit == offset
    return int(place) if on_grid else NOTHING


@njit(cache=True)
def set_near(head: Integers, window: Integers, side: int, place: int, qty: int) -> None:
    """Sets a place of the window."""
    old = window[side, place]
    window[side, place] = qty
    best = head[BEST + side]
    if qty > 0:
        if old == 0:
            head[COUNT + side] += 1
        if best == NOTHING or (place > best if side == 0 else place < best):
            head[BEST + side] = place
    elif old > 0:
        head[COUNT + side] -= 1
        if place == best:
            step = -1 if side == 0 else 1
            if head[COUNT + side] == 0:
                best = NOTHING
            else:
                while window[side, best] == 0:
                    best += step
            head[BEST + side] = best


@njit(cache=True)
def set_far(head: Integers, keys: Integers, quantities: Integers, side: int, key: int, qty: int) -> None:
    """Sets a row of the far list, which stays sorted."""
    count = head[FAR + side]
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if keys[side, middle] < key:
            low = middle + 1
        else:
            high = middle
    found = low < count and keys[side, low] == key
    if found and qty > 0:
        quantities[side, low] = qty
    elif found:
        for i in range(low, count - 1):
            keys[side, i] = keys[side, i + 1]
            quantities[side, i] = quantities[side, i + 1]
        head[FAR + side] = count - 1
    elif qty > 0:
        if count == keys.shape[1]:
            # The worst level goes: from there on the book is not complete.
            worst = max(key, keys[side, count - 1])
            head[KNOWN + side] = min(head[KNOWN + side], worst - 1)
            if low == count:
                return
            count -= 1
        for i in range(count, low, -1):
            keys[side, i] = keys[side, i - 1]
            quantities[side, i] = quantities[side, i - 1]
        keys[side, low] = key
        quantities[side, low] = qty
        head[FAR + side] = count + 1


@njit(cache=True)
def best_of(books: BookArrays, slot: int, side: int) -> tuple[int, int]:
    """Best price and its quantity; (0, 0) for an empty side."""
    head = books.head[slot]
    place = head[BEST + side]
    price, qty = 0, 0
    if place != NOTHING:
        price = head[BASE] + place * head[UNIT]
        qty = books.window[slot, side, place]
    if head[FAR + side] > 0:
        key = books.far_key[slot, side, 0]
        if place == NOTHING or key < key_of(side, price):
            price = key_of(side, key)
            qty = books.far_qty[slot, side, 0]
    return price, qty


@njit(cache=True)
def qty_at(books: BookArrays, slot: int, side: int, price: int) -> int:
    """The quantity that rests at one price."""
    head = books.head[slot]
    place = place_of(head, books.window.shape[2], price)
    if place >= 0:
        near: int = books.window[slot, side, place]
        return near
    key = key_of(side, price)
    for i in range(head[FAR + side]):
        if books.far_key[slot, side, i] == key:
            far: int = books.far_qty[slot, side, i]
            return far
    return 0


@njit(cache=True)
def levels(books: BookArrays, slot: int, side: int, prices: Integers, quantities: Integers) -> int:
    """Fills both arrays with levels from the best on; how many there were, at most the arrays' length."""
    head = books.head[slot]
    place, near = head[BEST + side], head[COUNT + side]
    step = -1 if side == 0 else 1
    far, far_count = 0, head[FAR + side]
    made = 0
    while made < len(prices) and (near > 0 or far < far_count):
        price = head[BASE] + place * head[UNIT]
        if near > 0 and (far >= far_count or key_of(side, price) < books.far_key[slot, side, far]):
            prices[made] = price
            quantities[made] = books.window[slot, side, place]
            near -= 1
            if near > 0:
                place += step
                while books.window[slot, side, place] == 0:
                    place += step
        else:
            prices[made] = key_of(side, books.far_key[slot, side, far])
            quantities[made] = books.far_qty[slot, side, far]
            far += 1
        made += 1
    return made


@njit(cache=True)
def recentre(books: BookArrays, slot: int, price: int) -> None:
    """Moves the window so that `price` is in its middle; no level changes."""
    head = books.head[slot]
    most = books.far_key.shape[2] + books.window.shape[2]
    prices, quantities = np.empty(2 * most, dtype=np.int64), np.empty(2 * most, dtype=np.int64)
    bids = levels(books, slot, 0, prices[:most], quantities[:most])
    total = bids + levels(books, slot, 1, prices[bids : bids + most], quantities[bids : bids + most])
    known_bid, known_ask = head[KNOWN], head[KNOWN + 1]
    clear(books, slot)
    head[KNOWN], head[KNOWN + 1] = known_bid, known_ask
    unit = head[UNIT]
    half = books.window.shape[2] // 2
    head[BASE] = max(0, (price // unit - half) * unit)
    for i in range(total):
        set_level(books, slot, 0 if i < bids else 1, prices[i], quantities[i])


@njit(cache=True)
def keep_centred(books: BookArrays, slot: int, bid: int, ask: int) -> None:
    """Moves the window when the touch has left its middle half."""
    if bid == 0 and ask == 0:
        return
    middle = (bid + ask) // 2 if bid > 0 and ask > 0 else max(bid, ask)
    head = books.head[slot]
    quarter = books.window.shape[2] * head[UNIT] // 4
    offset = middle - head[BASE]
    # At the bottom of the price range the window cannot be lower: there is nothing to gain.
    if offset >= 3 * quarter or (offset < quarter and head[BASE] > 0):
        recentre(books, slot, middle)
