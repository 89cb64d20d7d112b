"""The exact decoder: msgspec and whole numbers. It is slower, says the reason for every refusal, and is the oracle
of the compiled decoder, which hands it everything unexpected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from infra.errors import TickhouseError
from market.events import Events, Flag, Kind, Side
from market.instrument import Instrument
from market.rounding import INT64_MAX, rescale
from venues.binance import symbols
from venues.dead_letter import DeadLetter
from venues.errors import VenueCode

MS = 1_000_000
MARK_SCALE = 8
RATE_SCALE = 12
LAST = int(Flag.LAST)

_Level = tuple[str, str]


class _Data(msgspec.Struct):
    """Every field of every message we take, under Binance's own names; what `a` and `b` are depends on the message."""

    e: str = ""
    E: int = 0
    T: int = 0
    s: str = ""
    t: int | None = None
    p: str | None = None
    q: str | None = None
    m: bool | None = None
    U: int | None = None
    u: int | None = None
    pu: int | None = None
    b: int | str | list[_Level] | None = None
    a: int | str | list[_Level] | None = None
    B: str | None = None
    A: str | None = None
    i: str | None = None
    r: str | None = None


class _Frame(_Data):
    """A frame as it comes: wrapped (`stream`, `data`), bare, or the answer to a request of ours (`id`)."""

    stream: str = ""
    data: _Data | None = None
    id: int | str | None = None
    error: Any = None
    code: int | None = None


class Refused(Exception):  # noqa: N818 - not an error of ours: it carries the reason out of nested parsers
    def __init__(self, reason: DeadLetter) -> None:
        self.reason = reason


class ExactDecoder:
    """Decodes one connection's frames for the given instruments."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._symbols = symbols.index(instruments).by_name
        self._json = msgspec.json.Decoder(_Frame)
        self._kinds: dict[str, Callable[[_Data, Instrument, int, Events], int]] = {
            "aggTrade": _trade,
            "trade": _trade,
            "depthUpdate": _depth,
            "bookTicker": _quote,
            "markPriceUpdate": _mark,
        }

    def decode(self, frame: bytes | memoryview, ts_recv: int, out: Events) -> int:
        """Number of events written to `out`; the negative of a DeadLetter when there are none to be had.

        0 for a frame that carries no market data by nature (the answer to a subscription). `ts_recv` in ns.
        VENUE_BUFFER_SMALL when `out` is too small: size it with `room_for`.
        """
        try:
            message = self._json.decode(frame)
        except msgspec.ValidationError:
            return -DeadLetter.BAD_SHAPE
        except (msgspec.DecodeError, UnicodeDecodeError):
            return -DeadLetter.NOT_JSON
        if message.error is not None or message.code is not None:
            return -DeadLetter.REFUSED
        if message.id is not None and message.data is None and not message.e:
            return 0
        data = message if message.data is None else message.data
        kind = self._kinds.get(data.e or "bookTicker")
        if kind is None or (not data.e and data.B is None):
            return -DeadLetter.UNKNOWN_TYPE
        instrument = self._symbols.get(data.s)
        if instrument is None:
            return -DeadLetter.UNKNOWN_SYMBOL if data.s else -DeadLetter.BAD_SHAPE
        try:
            count = kind(data, instrument, ts_recv, out)
        except Refused as refused:
            return -refused.reason
        out["flags"][count - 1] |= LAST
        return count


def integer(text: str | None, scale: int) -> int:
    """A plain decimal as an integer in 10^-scale, exact or refused."""
    if not text:
        raise Refused(DeadLetter.BAD_SHAPE if text is None else DeadLetter.BAD_VALUE)
    whole, point, fraction = text.removeprefix("-").partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not (fraction.isascii() and fraction.isdigit())):
        raise Refused(DeadLetter.BAD_VALUE)
    if len(whole) > 30:
        raise Refused(DeadLetter.BAD_VALUE)
    if fraction[scale:].strip("0"):
        raise Refused(DeadLetter.TOO_PRECISE)
    value = int(whole + fraction[:scale].ljust(scale, "0"))
    if value > INT64_MAX:
        raise Refused(DeadLetter.BAD_VALUE)
    return -value if text[0] == "-" else value


def put(
    out: Events, at: int, instrument: Instrument, kind: Kind, ts: int, ts_recv: int, price: int, qty: int, seq: int,
    aux: int = 0, side: Side = Side.NONE, flags: int = 0,
) -> None:
    """Writes one record; VENUE_BUFFER_SMALL past the end."""
    if at >= len(out):
        raise TickhouseError(VenueCode.VENUE_BUFFER_SMALL, room=len(out))
    out[at] = (ts, ts_recv, price, qty, seq, aux, instrument.id, kind, side, flags)


def _check(good: bool, reason: DeadLetter = DeadLetter.BAD_VALUE) -> None:
    if not good:
        raise Refused(reason)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise Refused(DeadLetter.BAD_SHAPE)
    _check(0 <= value <= INT64_MAX // 2)
    return value


def _time(milliseconds: int) -> int:
    _check(0 <= milliseconds <= INT64_MAX // MS)
    return milliseconds * MS


def _trade(data: _Data, instrument: Instrument, ts_recv: int, out: Events) -> int:
    price = integer(data.p, instrument.price_scale)
    qty = integer(data.q, instrument.qty_scale)
    _check(price > 0 and qty >= 0)
    _check(data.m is not None, DeadLetter.BAD_SHAPE)
    aggregate = data.e == "aggTrade"
    seq = _number(data.a if aggregate else data.t)
    side = Side.SELL if data.m else Side.BUY  # `m`: the buyer was the maker, so the seller was the aggressor
    flags = int(Flag.AGGREGATE) if aggregate else 0
    put(out, 0, instrument, Kind.TRADE, _time(data.T), ts_recv, price, qty, seq, side=side, flags=flags)
    return 1


def _quote(data: _Data, instrument: Instrument, ts_recv: int, out: Events) -> int:
    seq, ts = _number(data.u), _time(data.T)
    for at, side, price, qty in ((0, Side.BUY, data.b, data.B), (1, Side.SELL, data.a, data.A)):
        _check(isinstance(price, str), DeadLetter.BAD_SHAPE)
        number, size = integer(str(price), instrument.price_scale), integer(qty, instrument.qty_scale)
        _check(number >= 0 and size >= 0)
        put(out, at, instrument, Kind.QUOTE, ts, ts_recv, number, size, seq, side=side)
    return 2


def _depth(data: _Data, instrument: Instrument, ts_recv: int, out: Events) -> int:
    seq = _number(data.u)
    # Futures name the last id of the packet before; spot ids have no holes, so there the first id says the same.
    first = _number(data.U) if data.pu is None else _number(data.pu) + 1
    ts = _time(data.T or data.E)
    count = 0
    for side, levels in ((Side.BUY, data.b), (Side.SELL, data.a)):
        if not isinstance(levels, list):
            raise Refused(DeadLetter.BAD_SHAPE)
        for price, qty in levels:
            number, size = integer(price, instrument.price_scale), integer(qty, instrument.qty_scale)
            _check(number > 0 and size >= 0)
            put(out, count, instrument, Kind.BOOK_DELTA, ts, ts_recv, number, size, seq, first, side)
            count += 1
    if count == 0:
        put(out, 0, instrument, Kind.BOOK_DELTA, ts, ts_recv, 0, 0, seq, first)
        count = 1
    return count


def _mark(data: _Data, instrument: Instrument, ts_recv: int, out: Events) -> int:
    ts = _time(data.E)
    count = 0
    for kind, text in ((Kind.MARK, data.p), (Kind.INDEX, data.i)):
        if kind is Kind.INDEX and not text:
            continue
        exact = integer(text, MARK_SCALE)
        price = rescale(exact, MARK_SCALE, instrument.price_scale)
        _check(0 < price <= INT64_MAX)
        put(out, count, instrument, kind, ts, ts_recv, price, 0, 0, exact)
        count += 1
    if data.r:
        rate = integer(data.r, RATE_SCALE)
        put(out, count, instrument, Kind.FUNDING, ts, ts_recv, rate, 0, 0, _time(data.T))
        count += 1
    return count
