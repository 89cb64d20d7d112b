"""Trades of venues that give the newest before a moment: pages from late to early, each with the place after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from infra.errors import TickhouseError
from venues.errors import VenueCode

Trade = dict[str, Any]
Place = dict[str, Any]
Ask = Callable[[int | None, dict[str, Any], int], list[Trade]]  # since (ms), parameters, limit -> a page, oldest first

_PAGE = 1000
_SMALL_PAGE = 100
_FULL = 50  # a page of fewer is the end of something, not a full one


def by_end(venue: str, ask: Ask, since: int, until: int, place: Place) -> Iterator[tuple[list[Trade], Place]]:
    """From a venue that takes an end in whole seconds (Coinbase): each page must hold the oldest of the one before.

    VENUE_PAGE_STUCK where a full page lies within one second.
    """
    end: int = place.get("end", _whole_second(until))
    known: dict[str, int] = place.get("known", {})
    largest: int = place.get("largest", _FULL)
    while end > since:
        page = ask(since, {"until": end}, _PAGE)
        if page and page[-1]["timestamp"] > end:
            raise TickhouseError(VenueCode.VENUE_PAGE_REPEATED, venue=venue, request="trades", end=end)
        if known and not any(trade["id"] in known for trade in page):
            raise TickhouseError(VenueCode.VENUE_PAGE_LOST, venue=venue, request="trades", wanted=end)
        fresh = [trade for trade in page if trade["id"] not in known]
        if not fresh and len(page) < largest:
            return
        if not fresh:
            raise TickhouseError(VenueCode.VENUE_PAGE_STUCK, venue=venue, request="trades", at=end)
        largest = max(largest, len(page))
        before, end = end, _whole_second(page[0]["timestamp"])
        if end >= before and len(page) >= largest:
            raise TickhouseError(VenueCode.VENUE_PAGE_STUCK, venue=venue, request="trades", at=end)
        known |= {trade["id"]: trade["timestamp"] for trade in fresh}
        known = {key: time for key, time in known.items() if time <= end}
        yield fresh, {"end": end, "known": known, "largest": largest}
        if end >= before:
            return


def by_falling_id(venue: str, ask: Ask, since: int, until: int, place: Place) -> Iterator[tuple[list[Trade], Place]]:
    """From a venue with rising ids that are asked for downwards (OKX): the first page by time, the others by id.

    VENUE_NOT_OFFERED where it keeps nothing from before `until`: OKX keeps three months.
    """
    by = {"method": "publicGetMarketHistoryTrades"}
    oldest, time = place.get("id"), place.get("time", until)
    if oldest is None:
        page = ask(None, by | {"type": "2", "after": str(until)}, _SMALL_PAGE)
        if page and page[-1]["timestamp"] >= until:
            raise TickhouseError(VenueCode.VENUE_PAGE_REPEATED, venue=venue, request="trades", end=until)
        if not page:
            raise TickhouseError(
                VenueCode.VENUE_NOT_OFFERED, venue=venue, request="trades", before=until,
                problem="it keeps none of then",
            )
        oldest, time = int(page[0]["id"]), page[0]["timestamp"]
        yield page, {"id": oldest, "time": time}
    while time >= since:
        # One more than the oldest: the page must begin with it.
        page = ask(None, by | {"type": "1", "after": str(oldest + 1)}, _SMALL_PAGE)
        if not page or int(page[-1]["id"]) != oldest:
            got = page[-1]["id"] if page else "nothing"
            raise TickhouseError(VenueCode.VENUE_PAGE_LOST, venue=venue, request="trades", wanted=oldest, got=got)
        page = page[:-1]
        if not page:
            return
        oldest, time = int(page[0]["id"]), page[0]["timestamp"]
        yield page, {"id": oldest, "time": time}


def _whole_second(ms: int) -> int:
    """The end of its second: a venue that takes seconds would leave out what is between."""
    return (ms // 1000 + 1) * 1000
