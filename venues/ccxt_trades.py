"""Trades through ccxt: by id where the venue numbers them in order, by time elsewhere."""

from __future__ import annotations

import hashlib
from typing import Any

from infra.errors import TickhouseError
from market.events import Events, Flag, Kind, Side, empty
from market.instrument import Instrument, InstrumentSpec
from market.rounding import to_int
from venues.errors import VenueCode
from venues.request import Patience, ask

MS = 1_000_000
_PAGE = 1000
_HOUR_MS = 3_600_000
_SMALLEST_PAGE = 50  # no venue gives less in a full page
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}

Listed = Instrument | InstrumentSpec


def trades_by_id(exchange: Any, patience: Patience, spec: Listed, start: int, end: int) -> list[dict[str, Any]]:
    """ccxt's trades in [start, end) from a venue with rising ids (Binance): first hour by hour, then by id."""
    since, until = -(-start // MS), -(-end // MS)
    page: list[dict[str, Any]] = []
    while not page and since < until:
        window = min(since + _HOUR_MS, until) - 1
        page = _page(exchange, patience, spec, since, {"until": window})
        since += _HOUR_MS
    found = page
    while page and found[-1]["timestamp"] < until:
        last = int(found[-1]["id"])
        page = _page(exchange, patience, spec, None, {"fromId": last})
        if not page or int(page[0]["id"]) != last:
            got = page[0]["id"] if page else "nothing"
            raise TickhouseError(VenueCode.VENUE_PAGE_LOST, venue=exchange.id, request="trades", wanted=last, got=got)
        page = page[1:]
        found += page
    return [trade for trade in found if start <= trade["timestamp"] * MS < end]


def trades_by_time(exchange: Any, patience: Patience, spec: Listed, start: int, end: int) -> list[dict[str, Any]]:
    """ccxt's trades in [start, end) from a venue that pages by time only.

    VENUE_PAGE_STUCK when a full page lies within one millisecond, VENUE_PAGE_LOST when the overlap is missing. An hour
    without trades does not end the history: some venues look no further than that.
    """
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    largest = _SMALLEST_PAGE
    since, until = -(-start // MS), -(-end // MS)
    while since < until:
        page = _page(exchange, patience, spec, since, {})
        if seen and not any(key_of(trade) in seen for trade in page):
            raise TickhouseError(VenueCode.VENUE_PAGE_LOST, venue=exchange.id, request="trades", wanted=since)
        fresh = [trade for trade in page if key_of(trade) not in seen]
        largest = max(largest, len(page))
        if fresh:
            found += fresh
            since = fresh[-1]["timestamp"]
            seen = {key_of(trade) for trade in found if trade["timestamp"] == since}
        elif len(page) == largest:
            raise TickhouseError(VenueCode.VENUE_PAGE_STUCK, venue=exchange.id, request="trades", at=since)
        else:
            since, seen = since + _HOUR_MS, set()
    return [trade for trade in found if start <= trade["timestamp"] * MS < end]


def events_of(venue: str, trades: list[dict[str, Any]], spec: Listed, instrument: int, aggregate: bool) -> Events:
    """TRADE events as the codec would have made them live, but marked CATCH_UP; known when they happened.

    VENUE_BAD_ANSWER for a trade without price, quantity or time, or with a price that is not positive.
    """
    out = empty(len(trades))
    flags = Flag.LAST | Flag.CATCH_UP | (Flag.AGGREGATE if aggregate else Flag(0))
    for at, trade in enumerate(trades):
        price, qty = trade.get("price"), trade.get("amount")
        if price is None or qty is None:
            raise _bad(venue, trade)
        ts = int(trade["timestamp"]) * MS
        side = _SIDES.get(trade.get("side") or "", Side.NONE)
        whole_price, whole_qty = to_int(str(price), spec.price_scale), to_int(str(qty), spec.qty_scale)
        if whole_price <= 0 or whole_qty < 0:
            raise _bad(venue, trade)
        out[at] = (ts, ts, whole_price, whole_qty, number_of(trade), 0, instrument, Kind.TRADE, side, flags)
    return out


def key_of(trade: dict[str, Any]) -> str:
    """What tells a trade from others: its id, or its content where the venue gives none."""
    return str(trade.get("id") or "|".join(str(trade.get(k)) for k in ("timestamp", "price", "amount", "side")))


def number_of(trade: dict[str, Any]) -> int:
    """The trade's id as a number; 63 bits of a hash where it is not one."""
    key = key_of(trade)
    if key.isascii() and key.isdigit() and len(key) <= 18:
        return int(key)
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


def _page(
    exchange: Any, patience: Patience, spec: Listed, since: int | None, params: dict[str, Any]
) -> list[dict[str, Any]]:
    page = ask(exchange, patience, "trades", lambda: exchange.fetch_trades(spec.symbol, since, _PAGE, params))
    for trade in page:
        if not isinstance(trade.get("timestamp"), int):
            raise _bad(exchange.id, trade)
    return list(page)


def _bad(venue: str, trade: dict[str, Any]) -> TickhouseError:
    shown = {key: trade.get(key) for key in ("id", "timestamp", "price", "amount")}
    return TickhouseError(VenueCode.VENUE_BAD_ANSWER, venue=venue, request="trades", problem=f"not a trade: {shown}")
