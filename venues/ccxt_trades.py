"""Trades through ccxt, page by page: by id where the venue numbers them in order, by time elsewhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from infra.errors import TickhouseError
from market.events import Events, Flag, Kind, Side, empty
from market.instrument import Instrument, InstrumentSpec
from market.rounding import to_int
from venues.beginning import Beginning, Repeats
from venues.ccxt_trades_back import by_end, by_falling_id
from venues.errors import VenueCode
from venues.request import Patience, ask

MS = 1_000_000
_PAGE = 1000
_HOUR_MS = 3_600_000
_SMALLEST_PAGE = 50  # no venue gives less in a full page
# Venues that give the newest before a moment, and how they are walked.
_BACK = {"coinbase": by_end, "okx": by_falling_id, "myokx": by_falling_id, "okxus": by_falling_id}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}

Listed = Instrument | InstrumentSpec
Trade = dict[str, Any]
Place = dict[str, Any]  # what the next page needs to know; JSON


class Trades:
    """Pages of one venue's trades, each with the place after it; the next run goes on from a place."""

    def __init__(self, exchange: Any, patience: Patience) -> None:
        self._exchange, self._patience = exchange, patience
        self._beginning = Beginning(exchange, "trades")
        self.numbered = str(exchange.id).startswith("binance")
        self._back = _BACK.get(str(exchange.id))
        self.newest_first = self._back is not None

    def pages(self, spec: Listed, start: int, end: int, place: Place | None) -> Iterator[tuple[list[Trade], Place]]:
        """Trades from `start` on to the page that reaches `end`, ns; rows outside may be among them.

        From late to early where `newest_first`, else in the venue's order.
        """
        since, until = -(-start // MS), -(-end // MS)
        if self.numbered:
            return self._by_id(spec, since, until, place or {})
        if self._back is not None:
            return self._back(
                str(self._exchange.id), lambda at, params, limit: self._page(spec, at, params, limit), since, until,
                place or {},
            )
        return self._by_time(spec, since, until, place or {})

    def _by_id(self, spec: Listed, since: int, until: int, place: Place) -> Iterator[tuple[list[Trade], Place]]:
        """From a venue with rising ids (Binance): first hour by hour, then by id."""
        last, time = place.get("id"), place.get("time", since)
        while last is None and time < until:
            page = self._page(spec, time, {"until": min(time + _HOUR_MS, until) - 1})
            time += _HOUR_MS
            if page:
                last, time = int(page[-1]["id"]), page[-1]["timestamp"]
            yield page, {"id": last, "time": time}
        while last is not None and time < until:
            page = self._page(spec, None, {"fromId": last})
            if not page or int(page[0]["id"]) != last:
                got = page[0]["id"] if page else "nothing"
                raise TickhouseError(
                    VenueCode.VENUE_PAGE_LOST, venue=self._exchange.id, request="trades", wanted=last, got=got
                )
            page = page[1:]
            if not page:
                return
            last, time = int(page[-1]["id"]), page[-1]["timestamp"]
            yield page, {"id": last, "time": time}

    def _by_time(self, spec: Listed, since: int, until: int, place: Place) -> Iterator[tuple[list[Trade], Place]]:
        """From a venue that pages by time only.

        VENUE_PAGE_STUCK when a full page lies within one moment, VENUE_PAGE_LOST when the overlap is missing,
        VENUE_SINCE_IGNORED when only the newest are to be had. An hour without trades does not end the history: some
        venues look no further than that.
        """
        at: int = place.get("at", since)
        seen, largest = set(place.get("seen", ())), int(place.get("largest", _SMALLEST_PAGE))
        repeats = Repeats(self._exchange, "trades")
        while at < until:
            asked = at - 1  # some venues give what is later than a time, others from it on
            page = repeats.page(lambda asked=asked: self._page(spec, asked, {}), _PAGE)  # type: ignore[misc]
            if page and not seen:
                self._beginning.check(
                    lambda since, limit: self._page(spec, since, {}, limit), page, max(at, spec.listed // MS),
                    lambda trade: int(trade["timestamp"]), key_of,
                )
            page = [trade for trade in page if trade["timestamp"] >= at]
            if seen and not any(key_of(trade) in seen for trade in page):
                raise TickhouseError(
                    VenueCode.VENUE_PAGE_LOST, venue=self._exchange.id, request="trades", wanted=at
                )
            fresh = [trade for trade in page if key_of(trade) not in seen]
            size = max(len(page), getattr(getattr(self._exchange, "on_rest_response", None), "rows", 0))
            full = size >= largest
            largest = max(largest, size)
            if fresh:
                at = fresh[-1]["timestamp"]
                seen = {key_of(trade) for trade in page if trade["timestamp"] == at}
            elif full:
                raise TickhouseError(VenueCode.VENUE_PAGE_STUCK, venue=self._exchange.id, request="trades", at=at)
            else:
                at, seen = at + _HOUR_MS, set()
            place = {"at": at, "seen": sorted(seen), "largest": largest}
            yield fresh, place

    def _page(self, spec: Listed, since: int | None, params: dict[str, Any], limit: int = _PAGE) -> list[Trade]:
        page = ask(
            self._exchange, self._patience, "trades",
            lambda: list(self._exchange.fetch_trades(spec.symbol, since, limit, params)),
        )
        for trade in page:
            if not isinstance(trade.get("timestamp"), int):
                raise _bad(self._exchange.id, trade)
        return _named(page)


def events_of(venue: str, trades: list[Trade], spec: Listed, instrument: int, aggregate: bool) -> Events:
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


def key_of(trade: Trade) -> str:
    """What tells a trade from others: its id, or what `_named` made of its content."""
    return str(trade["id"])


def number_of(trade: Trade) -> int:
    """The trade's id as a number; 63 bits of a hash where it is not one."""
    key = key_of(trade)
    if key.isascii() and key.isdigit() and len(key) <= 18:
        return int(key)
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


def _named(page: list[Trade]) -> list[Trade]:
    """Trades without an id get one of their content and its how-manieth occurrence: equal ones may both be genuine."""
    met: Counter[str] = Counter()
    for trade in page:
        if not trade.get("id"):
            content = "|".join(str(trade.get(name)) for name in ("timestamp", "price", "amount", "side"))
            met[content] += 1
            trade["id"] = content if met[content] == 1 else f"{content}#{met[content]}"
    return page


def _bad(venue: str, trade: Trade) -> TickhouseError:
    shown = {key: trade.get(key) for key in ("id", "timestamp", "price", "amount")}
    return TickhouseError(VenueCode.VENUE_BAD_ANSWER, venue=venue, request="trades", problem=f"not a trade: {shown}")
