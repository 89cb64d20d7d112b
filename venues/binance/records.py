"""The second half of the compiled decoder: what was read of a message becomes whole event records."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.events import Events, Flag, Kind, Side
from venues.binance import fields, scan
from venues.binance.fields import DECLINED, NONE

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_NAMES = tuple(
    np.frombuffer(name, dtype=np.uint8)
    for name in (b"bookTicker", b"trade", b"aggTrade", b"depthUpdate", b"markPriceUpdate")
)
_TICKER, _TRADE, _AGG_TRADE, _DEPTH, _MARK_PRICE = range(5)
_N_TICKER, _N_TRADE, _N_AGG, _N_DEPTH, _N_MARK = _NAMES

_K_TRADE, _K_DELTA, _K_QUOTE = int(Kind.TRADE), int(Kind.BOOK_DELTA), int(Kind.QUOTE)
_K_MARK, _K_INDEX, _K_FUNDING = int(Kind.MARK), int(Kind.INDEX), int(Kind.FUNDING)
_BUY, _SELL, _NO_SIDE = int(Side.BUY), int(Side.SELL), int(Side.NONE)
_F_LAST, _F_AGGREGATE = int(Flag.LAST), int(Flag.AGGREGATE)
_MS = 1_000_000
_TIME_MAX = 9_000_000_000_000  # ms; later than this the nanoseconds do not fit
_MARK_SCALE, _RATE_SCALE = 8, 12


@njit(cache=True)
def finish(
    frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers, written: int
) -> int:
    """Turns what was read into whole records; how many, or DECLINED."""
    if v[fields.EVENT_TIME] > _TIME_MAX or v[fields.TIME] > _TIME_MAX:
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
    if v[fields.LAST_ID] < 0 or v[fields.B] < 0 or v[fields.A] < 0 or v[fields.A_WHOLE] > 0:
        return DECLINED
    if v[fields.B_QTY] < 0 or v[fields.A_QTY] < 0:
        return DECLINED
    bid, place_1 = scan.decimal(frame, v[fields.B], end, symbol.price_scale)
    bid_qty, place_2 = scan.decimal(frame, v[fields.B_QTY], end, symbol.qty_scale)
    ask, place_3 = scan.decimal(frame, v[fields.A], end, symbol.price_scale)
    ask_qty, place_4 = scan.decimal(frame, v[fields.A_QTY], end, symbol.qty_scale)
    if place_1 < 0 or place_2 < 0 or place_3 < 0 or place_4 < 0:
        return DECLINED
    ts = max(0, v[fields.TIME]) * _MS
    _put(out[at], symbol, _K_QUOTE, ts, ts_recv, bid, bid_qty, v[fields.LAST_ID], 0, _BUY, 0)
    _put(out[at + 1], symbol, _K_QUOTE, ts, ts_recv, ask, ask_qty, v[fields.LAST_ID], 0, _SELL, _F_LAST)
    return 2


@njit(cache=True)
def _finish_trade(
    frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers, aggregate: bool
) -> int:
    if v[fields.PRICE] < 0 or v[fields.QTY] < 0 or v[fields.MAKER] < 0:
        return DECLINED
    if (aggregate and v[fields.A_WHOLE] < 0) or (not aggregate and v[fields.TRADE_ID] < 0):
        return DECLINED
    price, place_1 = scan.decimal(frame, v[fields.PRICE], end, symbol.price_scale)
    qty, place_2 = scan.decimal(frame, v[fields.QTY], end, symbol.qty_scale)
    if place_1 < 0 or place_2 < 0 or price <= 0:
        return DECLINED
    seq = v[fields.A] if aggregate else v[fields.TRADE_ID]
    side = _SELL if v[fields.MAKER] == 1 else _BUY
    flags = _F_LAST | _F_AGGREGATE if aggregate else _F_LAST
    _put(out[at], symbol, _K_TRADE, max(0, v[fields.TIME]) * _MS, ts_recv, price, qty, seq, 0, side, flags)
    return 1


@njit(cache=True)
def _kind(frame: Bytes, v: Integers) -> int:
    """Which message it is; a quote of the spot market does not say."""
    if v[fields.EVENT] == NONE:
        return _TICKER if v[fields.B_QTY] >= 0 else NONE
    place = v[fields.EVENT]
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
    return NONE


@njit(cache=True)
def _finish_depth(
    frame: Bytes, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers, written: int
) -> int:
    first = v[fields.FIRST] if v[fields.PREVIOUS] == NONE else v[fields.PREVIOUS] + 1
    ts = v[fields.TIME] if v[fields.TIME] > 0 else max(0, v[fields.EVENT_TIME])
    last = v[fields.LAST_ID]
    if last < 0 or first < 0 or v[fields.B] == NONE or v[fields.A] == NONE or v[fields.A_WHOLE] > 0 or at >= len(out):
        return DECLINED
    # Both must have been lists: a string there leaves no level behind, and the exact decoder refuses it.
    if frame[v[fields.B]] != scan.OPEN_LIST or frame[v[fields.A]] != scan.OPEN_LIST:
        return DECLINED
    if written == 0:
        _put(out[at], symbol, _K_DELTA, ts * _MS, ts_recv, 0, 0, last, first, _NO_SIDE, _F_LAST)
        return 1
    for i in range(at, at + written):
        event = out[i]
        _put(event, symbol, _K_DELTA, ts * _MS, ts_recv, event.price, event.qty, last, first, event.side, 0)
    out[at + written - 1].flags = _F_LAST
    return written


@njit(cache=True)
def _finish_mark(frame: Bytes, end: int, ts_recv: int, symbol: Any, out: Events, at: int, v: Integers) -> int:
    if v[fields.PRICE] < 0 or v[fields.INDEX] < 0 or v[fields.RATE] < 0 or symbol.price_scale > _MARK_SCALE:
        return DECLINED
    ts = max(0, v[fields.EVENT_TIME]) * _MS
    mark, place_1 = scan.decimal(frame, v[fields.PRICE], end, _MARK_SCALE)
    index, place_2 = scan.decimal(frame, v[fields.INDEX], end, _MARK_SCALE)
    negative = scan.at(frame, v[fields.RATE], end) == scan.MINUS
    rate, place_3 = scan.decimal(frame, v[fields.RATE] + 1 if negative else v[fields.RATE], end, _RATE_SCALE)
    if place_1 < 0 or place_2 < 0 or place_3 < 0:
        return DECLINED
    mark_price = _coarser(mark, symbol.price_scale)
    index_price = _coarser(index, symbol.price_scale)
    if mark_price <= 0 or index_price <= 0:
        return DECLINED
    next_time = max(0, v[fields.TIME]) * _MS
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
