"""Trades of venues that page by time: equal trades, busy moments, walks from late to early, short memories."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.dataset import Dataset
from tests.venues.test_ccxt_source import BTC, HASTY, T0
from venues.ccxt_source import CcxtSource
from venues.errors import VenueCode
from venues.source import Request

MS = 10**6


class Venue:
    """As much of a ccxt exchange as trades need; `since` and `until` as the venue of that name takes them."""

    last_response_headers: dict[str, str] = {}  # noqa: RUF012 - ccxt's own shape
    has = {"fetchTime": False, "fetchTrades": True}  # noqa: RUF012

    def __init__(
        self, name: str, times: list[int], page: int, *, ids: bool = True, exclusive: bool = False, limits: bool = True
    ) -> None:
        self.id, self.page, self.exclusive, self.limits = name, page, exclusive, limits
        self.asked = 0
        self.trades = [
            {"id": f"t-{n}" if ids else None, "timestamp": ts, "price": "1.5", "amount": "2", "side": "buy"}
            for n, ts in enumerate(times)
        ]

    def milliseconds(self) -> int:
        return T0 + 10**9

    def fetch_trades(self, symbol: str, since: int, limit: int, params: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked += 1
        size = min(self.page, limit) if self.limits else self.page
        rows = [dict(t) for t in self.trades if t["timestamp"] >= since + self.exclusive]
        if self.id == "coinbase":
            return [t for t in rows if t["timestamp"] <= params["until"]][-size:]
        return rows[-size:] if self.id == "newest" else rows[:size]


def fetch(venue: Venue, start: int = T0, end: int = T0 + 10**8) -> pl.DataFrame:
    return pl.concat(CcxtSource(venue, HASTY).fetch(Request(Dataset.TRADES, BTC, start * MS, end * MS)))


def code_of(venue: Venue, start: int = T0, end: int = T0 + 10**8) -> object:
    with pytest.raises(TickhouseError) as raised:
        fetch(venue, start, end)
    return raised.value.code


def test_equal_trades_without_an_id_stay_distinct_and_keep_their_ids() -> None:
    times = [T0, T0, T0, T0 + 1, *range(T0 + 5, T0 + 200), T0 + 200, T0 + 200]
    made = [fetch(Venue("other", times, page, ids=False)) for page in (60, 77, 500)]
    assert made[0]["ts_event"].to_list() == [ts * MS for ts in times]
    assert made[0]["trade_id"].n_unique() == len(times)
    assert all(frame.equals(made[0]) for frame in made), "whatever the pages"


@pytest.mark.parametrize(("name", "exclusive"), [("other", False), ("other", True), ("coinbase", False)])
def test_each_trade_is_there_once(name: str, exclusive: bool) -> None:
    times = [T0 + n * 700 + extra for n in range(300) for extra in (0, 0, 3)]
    times += [times[-1] + 7_200_000 + n for n in range(5)]
    venue = Venue(name, times, 120, exclusive=exclusive)
    made = fetch(venue, T0 + 1)
    assert made["ts_event"].to_list() == [ts * MS for ts in times if ts > T0]
    some = fetch(venue, T0 + 70_000, T0 + 140_000)
    assert some["ts_event"].to_list() == [ts * MS for ts in times if T0 + 70_000 <= ts < T0 + 140_000]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=400), st.integers(55, 120))
def test_walked_forward_or_back_it_is_the_same(gaps: list[int], page: int) -> None:
    times = sorted(T0 + gap for gap in gaps)
    ahead = fetch(Venue("other", times, page))
    back = fetch(Venue("coinbase", times, page))
    assert back.sort("ts_event", "trade_id").equals(
        ahead.with_columns(source=pl.lit("coinbase-rest")).sort("ts_event", "trade_id")
    )
    assert len(ahead) == len(times)


@pytest.mark.parametrize("name", ["other", "coinbase"])
def test_more_trades_in_a_moment_than_a_page_holds(name: str) -> None:
    assert code_of(Venue(name, [T0 + 5] * 300, 60)) is VenueCode.VENUE_PAGE_STUCK


def test_only_the_newest_whatever_is_asked() -> None:
    times = [T0 + n * 1000 for n in range(5000)]
    assert code_of(Venue("newest", times, 1000), T0, T0 + 60_000) is VenueCode.VENUE_SINCE_IGNORED
    assert code_of(Venue("newest", times, 1000)) is VenueCode.VENUE_SINCE_IGNORED
    quiet = Venue("newest", times[:15], 1000)
    assert len(fetch(quiet)) == 15, "all that there is"


def test_a_venue_that_takes_no_page_size_is_not_accused() -> None:
    """After a quiet morning a full page begins late; asked from its middle, an honest venue goes on."""
    times = [T0 + 3_600_000 + n * 1000 for n in range(500)]
    assert len(fetch(Venue("other", times, 100, limits=False))) == 500
    assert code_of(Venue("newest", times, 100, limits=False)) is VenueCode.VENUE_SINCE_IGNORED


def test_a_venue_that_is_trusted_is_not_probed_again() -> None:
    venue = Venue("other", [T0 + 120_000 + n * 1000 for n in range(50)], 1000)
    source = CcxtSource(venue, HASTY)
    counts = []
    for _ in range(2):
        before = venue.asked
        list(source.fetch(Request(Dataset.TRADES, BTC, T0 * MS, (T0 + 3_000_000) * MS)))
        counts.append(venue.asked - before)
    assert counts[1] == counts[0] - 1


def test_what_the_quality_gate_must_see_is_not_refused_here() -> None:
    """A trade of price and quantity 0 exists on Binance's futures: judging is not reading."""
    venue = Venue("other", [T0, T0 + 1], 60)
    venue.trades[0] |= {"price": "0", "amount": "0"}
    venue.trades[1] |= {"price": "-1"}
    assert fetch(venue).select("price", "qty").rows() == [(0, 0), (-100, 2000)]
    venue.trades[1] |= {"price": None}
    assert code_of(venue) is VenueCode.VENUE_BAD_ANSWER
