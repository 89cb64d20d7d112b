"""The REST depth answer as a book snapshot."""

from __future__ import annotations

import msgspec

from infra.errors import TickhouseError
from market.events import Events, Flag, Kind, Side, empty
from market.instrument import Instrument
from venues.binance.exact import MS, Refused, integer
from venues.errors import VenueCode


class _Depth(msgspec.Struct):
    lastUpdateId: int  # noqa: N815 - Binance's name
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    T: int = 0


def decode_snapshot(instrument: Instrument, body: bytes | str, ts_recv: int) -> Events:
    """The book as BOOK_SNAPSHOT records, bids from the best down, then asks from the best up.

    `seq` is the last update id in it. An empty book is one record of side NONE. VENUE_BAD_ANSWER for anything but a
    whole depth answer: a snapshot is used entirely or not at all.
    """
    try:
        depth = msgspec.json.decode(body, type=_Depth)
        levels = [
            (side, integer(price, instrument.price_scale), integer(qty, instrument.qty_scale))
            for side, part in ((Side.BUY, depth.bids), (Side.SELL, depth.asks))
            for price, qty in part
        ]
    except (msgspec.DecodeError, UnicodeDecodeError, Refused) as error:
        raise TickhouseError(
            VenueCode.VENUE_BAD_ANSWER, symbol=instrument.venue_symbol, request="depth", problem=error, got=body[:80]
        ) from error
    out = empty(max(1, len(levels)))
    out["ts_event"] = depth.T * MS
    out["ts_recv"] = ts_recv
    out["seq"] = depth.lastUpdateId
    out["instrument"] = instrument.id
    out["kind"] = Kind.BOOK_SNAPSHOT
    if levels:
        sides, prices, quantities = zip(*levels, strict=True)
        out["side"], out["price"], out["qty"] = sides, prices, quantities
    out["flags"][0] |= Flag.SNAPSHOT_START
    out["flags"][-1] |= Flag.LAST
    return out
