"""The compiled decoder's kernel: one frame's bytes straight into event records.

It takes the plain form of five messages, keys in any order except that the symbol stands before the book levels and
bids before asks. For everything else it says DECLINED and the exact decoder decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events, Side
from venues.binance import fields, scan
from venues.binance.fields import DECLINED, NONE
from venues.binance.records import finish
from venues.binance.scan import CLOSE, COLON, COMMA, OPEN, QUOTE
from venues.binance.symbols import find

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_WRAPPER = np.frombuffer(b'{"stream":"', dtype=np.uint8)
_DATA = np.frombuffer(b',"data":', dtype=np.uint8)
_FOREIGN = -2
_BUY, _SELL = int(Side.BUY), int(Side.SELL)


@njit(cache=True)
def decode(frame: Bytes, start: int, end: int, ts_recv: int, table: NDArray[np.void], out: Events, at: int) -> int:
    """Events written to `out` from place `at` on; DECLINED otherwise (then what stands there means nothing)."""
    wrapped = scan.matches(frame, start, end, _WRAPPER)
    place = start
    if wrapped:
        close = scan.text_end(frame, start + len(_WRAPPER), end)
        if close < 0 or not scan.matches(frame, close + 1, end, _DATA):
            return DECLINED
        place = close + 1 + len(_DATA)
        if end - 1 <= place or frame[end - 1] != CLOSE:
            return DECLINED
        end -= 1
    v = np.full(fields.COUNT, NONE, dtype=np.int64)
    row, written = _read(frame, place, end, table, out, at, v)
    if row < 0 or v[fields.FRAME_END] != end:
        return DECLINED
    return finish(frame, end, ts_recv, table[row], out, at, v, written)


@njit(cache=True)
def decode_batch(
    buffer: Bytes, ends: Integers, ts_recv: Integers, first: int, frames: int, table: NDArray[np.void], out: Events,
    event_ends: Integers,
) -> int:
    """Decodes frames `first` to `frames`; the number of the first declined one, or `frames`.

    Frame i is `buffer[ends[i - 1]:ends[i]]`, its events end at `event_ends[i]`.
    """
    for i in range(first, frames):
        at = event_ends[i - 1] if i > 0 else 0
        start = ends[i - 1] if i > 0 else 0
        count = decode(buffer, start, ends[i], ts_recv[i], table, out, at)
        if count < 0:
            return i
        event_ends[i] = at + count
    return frames


@njit(cache=True)
def _read(
    frame: Bytes, place: int, end: int, table: NDArray[np.void], out: Events, at: int, v: Integers
) -> tuple[int, int]:
    """Reads one object's keys into `v`, book levels into `out`; (place of the symbol or -1, levels written)."""
    row = NONE
    written = 0
    bad = (NONE, 0)
    if scan.at(frame, place, end) != OPEN:
        return bad
    place += 1
    while True:
        if scan.at(frame, place, end) != QUOTE:
            return bad
        close = scan.text_end(frame, place + 1, end)
        if close < 0 or scan.at(frame, close + 1, end) != COLON:
            return bad
        field = _key(frame, place + 1, close)
        place = close + 2
        if field == NONE:
            place = scan.plain_end(frame, place, end)
        elif field == _FOREIGN or v[field] != NONE:  # the latter: a key twice
            return bad
        elif field in (fields.B, fields.A) and scan.at(frame, place, end) == scan.OPEN_LIST:
            if row < 0 or v[fields.A] != NONE:
                return bad
            side = _BUY if field == fields.B else _SELL
            v[field] = place
            place, written = _levels(frame, place, end, table[row], side, out, at, written)
        else:
            place = _value(frame, place, end, field, v)
            if place >= 0 and field == fields.SYMBOL:
                row = find(table, frame, v[fields.SYMBOL], place - 1)
                if row < 0:
                    return bad
        if place < 0:
            return bad
        separator = scan.at(frame, place, end)
        place += 1
        if separator == CLOSE:
            v[fields.FRAME_END] = place
            return row, written
        if separator != COMMA:
            return bad


@njit(cache=True)
def _key(frame: Bytes, start: int, end: int) -> int:
    """The field that a key stands for; NONE for one nobody reads, _FOREIGN for one that does not belong in data."""
    length = end - start
    if length == 1:
        known: int = fields.KEY_OF[frame[start]]
        return known
    if length == 2:
        if frame[start] == 0x70 and frame[start + 1] == 0x75:  # pu
            return fields.PREVIOUS
        if frame[start] == 0x69 and frame[start + 1] == 0x64:  # id
            return _FOREIGN
    return _FOREIGN if length >= 4 else NONE  # stream, data, code, error


@njit(cache=True)
def _value(frame: Bytes, place: int, end: int, field: int, v: Integers) -> int:
    """Reads the value of a known key, of the type that the key has; the place after it, or -1."""
    first = scan.at(frame, place, end)
    if field == fields.MAKER:
        if scan.matches(frame, place, end, scan.TRUE):
            v[fields.MAKER] = 1
            return place + 4
        if scan.matches(frame, place, end, scan.FALSE):
            v[fields.MAKER] = 0
            return place + 5
        return NONE
    wants_whole = (
        field in (fields.EVENT_TIME, fields.TIME, fields.TRADE_ID)
        or field in (fields.FIRST, fields.LAST_ID, fields.PREVIOUS)
    )
    if field == fields.A and first != QUOTE:
        v[fields.A_WHOLE] = 1
        wants_whole = True
    if wants_whole:
        value, after = scan.whole(frame, place, end)
        v[field] = value
        return after
    if first != QUOTE:
        return NONE
    close = scan.text_end(frame, place + 1, end)
    if close < 0:
        return NONE
    v[field] = place + 1
    return close + 1


@njit(cache=True)
def _levels(
    frame: Bytes, place: int, end: int, symbol: Any, side: int, out: Events, at: int, written: int
) -> tuple[int, int]:
    """Reads `[["price","qty"],...]` as book deltas; the place after it, or -1, and how many there are now."""
    price_scale, qty_scale = symbol.price_scale, symbol.qty_scale
    place += 1
    if scan.at(frame, place, end) == scan.CLOSE_LIST:
        return place + 1, written
    # The shortest level takes nine bytes and a byte must follow it: within these the places need no check.
    while place + 10 <= end and at + written < len(out):
        if frame[np.uint64(place)] != scan.OPEN_LIST or frame[np.uint64(place + 1)] != QUOTE:
            break
        price, place = scan.decimal(frame, place + 2, end, price_scale)
        if place < 0 or place + 2 > end or price <= 0:
            break
        if frame[np.uint64(place)] != COMMA or frame[np.uint64(place + 1)] != QUOTE:
            break
        qty, place = scan.decimal(frame, place + 2, end, qty_scale)
        if place < 0 or place + 2 > end or frame[np.uint64(place)] != scan.CLOSE_LIST:
            break
        event = out[at + written]
        event.price = price
        event.qty = qty
        event.side = side
        written += 1
        separator = frame[np.uint64(place + 1)]
        place += 2
        if separator == scan.CLOSE_LIST:
            return place, written
        if separator != COMMA:
            break
    return NONE, 0
