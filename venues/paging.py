"""Paging by time with one row of overlap."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from infra.errors import TickhouseError
from venues.errors import VenueCode

Row = TypeVar("Row")


def by_time(
    fetch: Callable[[int], list[Row]], time_of: Callable[[Row], int], since: int, until: int, step: int, window: int,
    what: str,
) -> list[Row]:
    """All rows from `since` on to the page that reaches `until`, by rising time (ms), no time twice.

    `fetch(ms)` gives a page of rows with times >= ms. A page that brings nothing new is followed by one that begins
    `window` ms later, because some venues look no further than a page's span; so a gap does not end the history.
    `step` is the least distance of two rows. VENUE_PAGE_LOST when a page does not begin where the last one ended,
    VENUE_BAD_ANSWER when a page is out of order.
    """
    rows: list[Row] = []
    at, overlapping = since, False
    while at < until:
        page = fetch(at)
        times = [time_of(row) for row in page]
        if any(later <= sooner for sooner, later in pairwise(times)):
            raise TickhouseError(VenueCode.VENUE_BAD_ANSWER, request=what, problem="rows out of order", since=at)
        if overlapping and (not times or times[0] != at):
            raise TickhouseError(VenueCode.VENUE_PAGE_LOST, request=what, wanted=at, got=times[:1])
        last = time_of(rows[-1]) if rows else since - 1
        fresh = [row for row, time in zip(page, times, strict=True) if time > last]
        rows += fresh
        overlapping = bool(fresh)
        if not fresh:
            at += window
        elif times[-1] + step >= until:
            break
        else:
            at = times[-1]
    return rows
