"""Paging by time: every row once, whatever the page, the venue's habit and the place where a run was cut."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from venues.errors import VenueCode
from venues.paging import Place, pages

END = 3_000


def venue(times: list[int], page: int, *, exclusive: bool, newest_first: bool, span: int):
    """A venue that gives `page` rows, of no more than `span` after the start."""

    def fetch(since: int) -> list[int]:
        rows = [at for at in times if since + exclusive <= at <= since + span][:page]
        return rows[::-1] if newest_first else rows

    return fetch


def every(fetch, since: int, window: int) -> list[int]:
    """All rows of all pages from `since` on."""
    return [row for rows, _ in pages(fetch, lambda at: at, Place(since), END, 1, window, "rows") for row in rows]


_times = st.lists(st.integers(0, END), unique=True, max_size=120).map(sorted)


@given(_times, st.integers(2, 40), st.booleans(), st.booleans(), st.integers(0, END), st.integers(0, 100), st.data())
def test_every_row_once_and_the_same_after_a_cut(
    times: list[int], page: int, exclusive: bool, newest_first: bool, since: int, cut: int, data: st.DataObject
) -> None:
    fetch = venue(times, page, exclusive=exclusive, newest_first=newest_first, span=400)
    wanted = [at for at in times if since <= at < END]
    whole = every(fetch, since, 300)
    assert [at for at in whole if at < END] == wanted
    place, before = Place(since), []
    for number, (rows, after) in enumerate(pages(fetch, lambda at: at, place, END, 1, 300, "rows")):
        before += rows
        place = Place(**json.loads(json.dumps(asdict(after))))  # as it lies in a part
        if number == cut:
            break
    rest = [row for rows, _ in pages(fetch, lambda at: at, place, END, 1, 300, "rows") for row in rows]
    assert before + rest == whole


@given(_times.filter(lambda times: len(times) > 30), st.integers(5, 20))
def test_a_page_that_is_skipped_is_never_passed_over(times: list[int], page: int) -> None:
    """A venue that answers from a page too far on is told of, or what it left out comes later."""
    asked = 0

    def skipping(since: int) -> list[int]:
        nonlocal asked
        asked += 1
        rows = [at for at in times if at >= since]
        return rows[page:][:page] if asked == 2 else rows[:page]

    with pytest.raises(TickhouseError) as raised:
        every(skipping, 0, END)
    assert raised.value.code is VenueCode.VENUE_PAGE_LOST


def test_rows_in_no_order_are_refused() -> None:
    with pytest.raises(TickhouseError) as raised:
        every(lambda _: [1, 3, 2, 4], 0, 10)
    assert raised.value.code is VenueCode.VENUE_BAD_ANSWER
