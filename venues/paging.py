"""Paging by time with one row of overlap, page by page, from any place on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from infra.errors import TickhouseError
from venues.errors import VenueCode

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Place:
    """Where paging by time stands; times in ms. What a killed run left here, the next one goes on from."""

    at: int                    # asked next
    last: int | None = None    # time of the last row that was taken
    overlapping: bool = False  # the next page must begin with that row


def pages(
    fetch: Callable[[int], list[Row]], time_of: Callable[[Row], int], place: Place, until: int, step: int, window: int,
    what: str,
) -> Iterator[tuple[list[Row], Place]]:
    """New rows by rising time, no time twice, each page with the place after it, to the page that reaches `until`.

    `fetch(ms)` gives a page of rows with times >= ms; newest first is fine. A page that brings nothing new is followed
    by one that begins `window` ms later, because some venues look no further than a page's span; so a gap does not end
    the history. `step` is the least distance of two rows. VENUE_PAGE_LOST when a page does not begin where the last one
    ended, VENUE_BAD_ANSWER when a page is out of order.
    """
    at, last, overlapping = place.at, place.last, place.overlapping
    while at < until and (last is None or last + step < until):
        # Some venues give rows after a time, others from it on: one earlier asks both for the row of this time.
        page = _rising(fetch(at - 1), time_of, what, at)
        times = [time_of(row) for row in page]
        if overlapping and (at not in times or times[0] <= at - step - 1):
            raise TickhouseError(VenueCode.VENUE_PAGE_LOST, request=what, wanted=at, got=times[:1])
        fresh = [row for row, time in zip(page, times, strict=True) if time > (at - 1 if last is None else last)]
        overlapping = bool(fresh)
        if fresh:
            at = last = times[-1]
        else:
            at += window
        yield fresh, Place(at, last, overlapping)


def _rising(page: list[Row], time_of: Callable[[Row], int], what: str, since: int) -> list[Row]:
    times = [time_of(row) for row in page]
    if len(times) > 1 and times[0] > times[-1]:
        page, times = page[::-1], times[::-1]
    if any(later <= sooner for sooner, later in pairwise(times)):
        raise TickhouseError(VenueCode.VENUE_BAD_ANSWER, request=what, problem="rows out of order", since=since)
    return page
