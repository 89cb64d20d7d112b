"""The compiled decoder's kernel: one frame's bytes straight into event records.

It takes the plain form of five messages, keys in any order except that the symbol stands before the book levels and
bids before asks. For everything else it says DECLINED and the exact decoder decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events, Flag, Kind, Side
from venues.binance import scan
from venues.binance.scan import CLOSE, COLON, COMMA, OPEN, QUOTE
from venues.binance.symbols import find

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

DECLINED = -1

_WRAPPER = np.frombuffer(b'{"stream":"', dtype=np.uint8)
_DATA = np.frombuffer(b',"data":', dtype=np.uint8)
_NAMES = tuple(
    np.frombuffer(name, dtype=np.uint8)
    for name in (b"bookTicker", b"trade", b"aggTrade", b"depthUpdate", b"markPriceUpdate")
)
_TICKER, _TRADE, _AGG_TRADE, _DEPTH, _MARK_PRICE = range(5)
_N_TICKER, _N_TRADE, _N_AGG, _N_DEPTH, _N_MARK = _NAMES

# Places of what was read of a message, in `v`: whole numbers as values, strings as the place after their quote.
_E, _S, _EVENT_TIME, _TIME, _TRADE_ID, _P, _Q, _M, _FIRST, _LAST_ID, _PREVIOUS = range(11)
_B, _A, _B_QTY, _A_QTY, _I, _R, _A_WHOLE, _FRAME_END = range(11, 19)
FIELDS = 19
_NONE = -1
_FOREIGN = -2

_KEY_OF = np.full(256, _NONE, dtype=np.int64)
for _letter, _field in (
    ("e", _E), ("s", _S), ("E", _EVENT_TIME), ("T", _TIME), ("t", _TRADE_ID), ("p", _P), ("q", _Q), ("m", _M),
    ("U", _FIRST), ("u", _LAST_ID), ("b", _B), ("a", _A), ("B", _B_QTY), ("A", _A_QTY), ("i", _I), ("r", _R),
):
    _KEY_OF[ord(_letter)] = _field

_K_TRADE, _K_DELTA, _K_QUOTE = int(Kind.TRADE), int(Kind.BOOK_DELTA), int(Kind.QUOTE)
_K_MARK, _K_INDEX, _K_FUNDING = int(Kind.MARK), int(Kind.INDEX), int(Kind.FUNDING)
_BUY, _SELL, _NO_SIDE = int(Side.BUY), int(Side.SELL), int(Side.NONE)
_F_LAST, _F_AGGREGATE = int(Flag.LAST), int(Flag.AGGREGATE)
_MS = 1_000_000
_TIME_MAX = 9_000_000_000_000  # ms; later than this the nanoseconds do not fit
_MARK_SCALE, _RATE_SCALE = 8, 12


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
    v = np.full(FIELDS, _NONE, dtype=np.int64)
    row, written = _read(frame, place, end, table, out, at, v)
    if row < 0 or v[_FRAME_END] != end:
        return DECLINED
    return _finish(frame, end, ts_recv, table[row], out, at, v, written)


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
    row = _NONE
    written = 0
    bad = (_NONE, 0)
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
        if field == _NONE:
            place = scan.plain_end(frame, place, end)
        elif field == _FOREIGN or v[field] != _NONE:  # the latter: a key twice
            return bad
        elif field in (_B, _A) and scan.at(frame, place, end) == scan.OPEN_LIST:
            if row < 0 or v[_A] != _NONE:
                return bad
            side = _BUY if field == _B else _SELL
            v[field] = place
            place, written = _levels(frame, place, end, table[row], side, out, at, written)
        else:
            place = _value(frame, place, end, field, v)
            if place >= 0 and field == _S:
                row = find(table, frame, v[_S], place - 1)
                if row < 0:
                    return bad
        if place < 0:
            return bad
        separator = scan.at(frame, place, end)
        place += 1
        if separator == CLOSE:
            v[_FRAME_END] = place
            return row, written
        if separator != COMMA:
            return bad


@njit(cache=True)
def _key(frame: Bytes, start: int, end: int) -> int:
    """The field that a key stands for; _NONE for one nobody reads, _FOREIGN for one that does not belong in data."""
    length = end - start
    if length == 1:
        known: int = _KEY_OF[frame[start]]
        return known
    if length == 2:
        if frame[start] == 0x70 and frame[start + 1] == 0x75:  # pu
            return _PREVIOUS
        if frame[start] == 0x69 and frame[start + 1] == 0x64:  # id
            return _FOREIGN
    return _FOREIGN if length >= 4 else _NONE  # stream, data, code, error


@njit(cache=True)
def _value(frame: Bytes, place: int, end: int, field: int, v: Integers) -> int:
    """Reads the value of a known key, of the type that the key has; the place after it, or -1."""
    first = scan.at(frame, place, end)
    if field == _M:
        if scan.matches(frame, place, end, scan.TRUE):
            v[_M] = 1
            return place + 4
        if scan.matches(frame, place, end, scan.FALSE):
            v[_M] = 0
            return place + 5
        return _NONE
    wants_whole = (
        field == _EVENT_TIME or field == _TIME or field == _TRADE_ID  # noqa: PLR1714 - numba: plain comparisons
        or field == _FIRST or field == _LAST_ID or field == _PREVIOUS
    )
    if field == _A and first != QUOTE:
        v[_A_WHOLE] = 1
        wants_whole = True
    if wants_whole:
        value, after = scan.whole(frame, place, end)
        v[field] = value
        return after
    if first != QUOTE:
        return _NONE
    close = scan.text_end(frame, place + 1, end)
    if close < 0:
        return _NONE
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
    return _NONE, 0


@njit(cache=True)
def _finish(
    frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers, written: int
) -> int:
    """Turns what was read into whole records; how many, or DECLINED."""
    if v[_EVENT_TIME] > _TIME_MAX or v[_TIME] > _TIME_MAX:
        return DECLINED
    kind = _kind(frame, v)
    if kind == _DEPTH:
        return _finish_depth(frame, ts_recv, symbol, out, at, v, written)
    if written > 0 or at + 3 > len(out) or kind < 0:
        return DECLINED
    if kind == _MARK_PRICE:
        return _finish_mark(frame, end, ts_recv, symbol, out, at, v)
    if kind == _TICKER:
        return _finish_quote(frame, end, ts_recv, symbol, out, at, v)
    return _finish_trade(frame, end, ts_recv, symbol, out, at, v, kind == _AGG_TRADE)


@njit(cache=True)
def _finish_quote(frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers) -> int:
    if v[_LAST_ID] < 0 or v[_B] < 0 or v[_A] < 0 or v[_A_WHOLE] > 0 or v[_B_QTY] < 0 or v[_A_QTY] < 0:
        return DECLINED
    bid, place_1 = scan.decimal(frame, v[_B], end, symbol.price_scale)
    bid_qty, place_2 = scan.decimal(frame, v[_B_QTY], end, symbol.qty_scale)
    ask, place_3 = scan.decimal(frame, v[_A], end, symbol.price_scale)
    ask_qty, place_4 = scan.decimal(frame, v[_A_QTY], end, symbol.qty_scale)
    if place_1 < 0 or place_2 < 0 or place_3 < 0 or place_4 < 0:
        return DECLINED
    ts = max(0, v[_TIME]) * _MS
    _put(out[at], symbol, _K_QUOTE, ts, ts_recv, bid, bid_qty, v[_LAST_ID], 0, _BUY, 0)
    _put(out[at + 1], symbol, _K_QUOTE, ts, ts_recv, ask, ask_qty, v[_LAST_ID], 0, _SELL, _F_LAST)
    return 2


@njit(cache=True)
def _finish_trade(
    frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers, aggregate: bool
) -> int:
    if v[_P] < 0 or v[_Q] < 0 or v[_M] < 0:
        return DECLINED
    if (aggregate and v[_A_WHOLE] < 0) or (not aggregate and v[_TRADE_ID] < 0):
        return DECLINED
    price, place_1 = scan.decimal(frame, v[_P], end, symbol.price_scale)
    qty, place_2 = scan.decimal(frame, v[_Q], end, symbol.qty_scale)
    if place_1 < 0 or place_2 < 0 or price <= 0:
        return DECLINED
    seq = v[_A] if aggregate else v[_TRADE_ID]
    side = _SELL if v[_M] == 1 else _BUY
    flags = _F_LAST | _F_AGGREGATE if aggregate else _F_LAST
    _put(out[at], symbol, _K_TRADE, max(0, v[_TIME]) * _MS, ts_recv, price, qty, seq, 0, side, flags)
    return 1


@njit(cache=True)
def _kind(frame: Bytes, v: Integers) -> int:
    """Which message it is; a quote of the spot market does not say."""
    if v[_E] == _NONE:
        return _TICKER if v[_B_QTY] >= 0 else _NONE
    place = v[_E]
    end = scan.text_end(frame, place, len(frame))
    length = end - place
    if length == len(_N_TRADE) and scan.matches(frame, place, end, _N_TRADE):
        return _TRADE
    if length == len(_N_AGG) and scan.matches(frame, place, end, _N_AGG):
        return _AGG_TRADE
    if length == len(_N_DEPTH) and scan.matches(frame, place, end, _N_DEPTH):
        return _DEPTH
    if length == len(_N_TICKER) and scan.matches(frame, place, end, _N_TICKER):
        return _TICKER
    if length == len(_N_MARK) and scan.matches(frame, place, end, _N_MARK):
        return _MARK_PRICE
    return _NONE


@njit(cache=True)
def _finish_depth(
    frame: Bytes, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers, written: int
) -> int:
    first = v[_FIRST] if v[_PREVIOUS] == _NONE else v[_PREVIOUS] + 1
    ts = v[_TIME] if v[_TIME] > 0 else max(0, v[_EVENT_TIME])
    if v[_LAST_ID] < 0 or first < 0 or v[_B] == _NONE or v[_A] == _NONE or v[_A_WHOLE] > 0 or at >= len(out):
        return DECLINED
    # Both must have been lists: a string there leaves no level behind, and the exact decoder refuses it.
    if frame[v[_B]] != scan.OPEN_LIST or frame[v[_A]] != scan.OPEN_LIST:
        return DECLINED
    if written == 0:
        _put(out[at], symbol, _K_DELTA, ts * _MS, ts_recv, 0, 0, v[_LAST_ID], first, _NO_SIDE, _F_LAST)
        return 1
    for i in range(at, at + written):
        event = out[i]
        _put(event, symbol, _K_DELTA, ts * _MS, ts_recv, event.price, event.qty, v[_LAST_ID], first, event.side, 0)
    out[at + written - 1].flags = _F_LAST
    return written


@njit(cache=True)
def _finish_mark(frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers) -> int:
    if v[_P] < 0 or v[_I] < 0 or v[_R] < 0 or symbol.price_scale > _MARK_SCALE:
        return DECLINED
    ts = max(0, v[_EVENT_TIME]) * _MS
    mark, place_1 = scan.decimal(frame, v[_P], end, _MARK_SCALE)
    index, place_2 = scan.decimal(frame, v[_I], end, _MARK_SCALE)
    negative = scan.at(frame, v[_R], end) == scan.MINUS
    rate, place_3 = scan.decimal(frame, v[_R] + 1 if negative else v[_R], end, _RATE_SCALE)
    if place_1 < 0 or place_2 < 0 or place_3 < 0:
        return DECLINED
    mark_price = _coarser(mark, symbol.price_scale)
    index_price = _coarser(index, symbol.price_scale)
    if mark_price <= 0 or index_price <= 0:
        return DECLINED
    next_time = max(0, v[_TIME]) * _MS
    _put(out[at], symbol, _K_MARK, ts, ts_recv, mark_price, 0, 0, mark, _NO_SIDE, 0)
    _put(out[at + 1], symbol, _K_INDEX, ts, ts_recv, index_price, 0, 0, index, _NO_SIDE, 0)
    _put(out[at + 2], symbol, _K_FUNDING, ts, ts_recv, -rate if negative else rate, 0, 0, next_time, _NO_SIDE, _F_LAST)
    return 3


@njit(cache=True)
def _coarser(value: int, scale: int) -> int:
    """From 10^-8 to 10^-scale, half to even, as market.rounding.rescale."""
    step = 1
    for _ in range(_MARK_SCALE - scale):
        step *= 10
    whole = value // step
    rest = value - whole * step
    if 2 * rest > step or (2 * rest == step and whole % 2 == 1):
        whole += 1
    return whole


@njit(cache=True)
def _put(
    event: Any, symbol: Any, kind: int, ts: int, ts_recv: int, price: int, qty: int, seq: int, aux: int, side: int,
    flags: int,
) -> None:
    event.ts_event = ts
    event.ts_recv = ts_recv
    event.price = price
    event.qty = qty
    event.seq = seq
    event.aux = aux
    event.instrument = symbol.instrument
    event.kind = kind
    event.side = side
    event.flags = flags
