"""Every dataset of a venue through ccxt, unmodified, against the sandbox exchange over real HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from infra.errors import TickhouseError
from infra.stack.ports import free_port
from market.dataset import INTERVALS, SCHEMAS, Dataset
from market.instrument import Instrument, Status
from tests.support import answers_http, running
from venues.ccxt_source import CcxtSource
from venues.errors import VenueCode
from venues.exchange import make_exchange
from venues.source import Request, Source

pytestmark = pytest.mark.stack

HOUR = 3_600 * 10**9
DAY = 24 * HOUR


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CcxtSource]:
    port, folder = free_port(), tmp_path_factory.mktemp("sandbox")
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    with running(command, folder / "log", lambda: answers_http(f"{url}/fapi/v1/ping")):
        yield CcxtSource(make_exchange("binance", url), staging=folder / "staging")


@pytest.fixture(scope="module")
def life(source: CcxtSource) -> Instrument:
    (spec,) = source.instruments(["ETH/USDT:USDT"])
    assert spec.status is Status.TRADING
    assert 0 < spec.listed < spec.valid_from, "the sandbox tells when it began"
    assert spec.delisted == 0, "a delivery in the year 2100 is none"
    return spec.instrument(7)


@pytest.fixture(scope="module")
def day(source: CcxtSource) -> int:
    """The start of a day that is over."""
    return source.now() // DAY * DAY - DAY


def fetch(source: CcxtSource, request: Request) -> pl.DataFrame:
    parts = list(source.fetch(request))
    assert all(dict(part.schema) == dict(SCHEMAS[request.dataset]) for part in parts)
    return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMAS[request.dataset])


def test_it_is_a_source(source: CcxtSource, life: Instrument, day: int) -> None:
    kept: Source = source
    assert (kept.name, kept.venue) == ("binance-rest", "binance")
    assert kept.fingerprint(Request(Dataset.BARS, life, day, day + DAY)) == ""


@pytest.mark.parametrize("width", [60, 180, 300, 900, 1800, 3600, 7200, 14400, 21600, 28800, 43200, 86400])
def test_bars_of_every_native_interval(source: CcxtSource, life: Instrument, day: int, width: int) -> None:
    bars = fetch(source, Request(Dataset.BARS, life, day, day + DAY, width))
    assert bars["ts_event"].to_list() == list(range(day, day + DAY, width * 10**9))
    assert (bars["ts_known"] - bars["ts_event"]).unique().to_list() == [width * 10**9]
    assert bars.select("instrument", "interval_s", "count", "source").unique().rows() == [
        (7, width, -1, "binance-rest")
    ]


def test_a_week_of_which_only_a_day_is_asked(source: CcxtSource, life: Instrument, day: int) -> None:
    weeks = fetch(source, Request(Dataset.BARS, life, day - 30 * DAY, day, 604_800))
    assert len(weeks) in {3, 4}
    monday = int(weeks["ts_event"][0])
    assert (monday // DAY + 3) % 7 == 0
    assert fetch(source, Request(Dataset.BARS, life, monday, monday + DAY, 604_800)).equals(weeks[:1])


def test_an_interval_that_it_does_not_have(source: CcxtSource, life: Instrument, day: int) -> None:
    with pytest.raises(TickhouseError) as raised:
        fetch(source, Request(Dataset.BARS, life, day, day + DAY, 1200))
    assert raised.value.code is VenueCode.VENUE_NOT_OFFERED
    assert str(raised.value.context["offered"]).startswith("1s,1m,3m,5m")
    assert set(str(raised.value.context["offered"]).split(",")) <= set(INTERVALS.values())
    with pytest.raises(TickhouseError) as raised:
        fetch(source, Request(Dataset.QUOTES, life, day, day + DAY))
    assert "open_interest" in str(raised.value.context["offered"])
    with pytest.raises(TickhouseError) as raised:
        fetch(source, Request(Dataset.SERIES, life, day, day + DAY, series="mood"))
    assert "series/long_short_ratio" in str(raised.value.context["offered"])


def test_trades_are_whole_and_rebuild_the_bars(source: CcxtSource, life: Instrument, day: int) -> None:
    trades = fetch(source, Request(Dataset.TRADES, life, day, day + DAY))
    ids = trades["trade_id"]
    assert (ids - ids[0]).to_list() == list(range(len(ids)))
    assert trades["ts_event"].is_between(day, day + DAY, closed="left").all()
    volume = trades.group_by(pl.col("ts_event") // (60 * 10**9)).agg(pl.col("qty").sum()).sort("ts_event")["qty"]
    bars = fetch(source, Request(Dataset.BARS, life, day, day + DAY))
    assert bars["volume"].to_list() == volume.to_list()


def test_funding_open_interest_and_ratios(source: CcxtSource, life: Instrument, day: int) -> None:
    funding = fetch(source, Request(Dataset.FUNDING_RATES, life, day, day + DAY))
    assert [(ts - day) // HOUR for ts in funding["ts_event"]] == [0, 8, 16]
    assert (funding["mark_price"] > 0).all()
    interest = fetch(source, Request(Dataset.OPEN_INTEREST, life, day, day + DAY))
    assert interest["ts_event"].to_list() == list(range(day, day + DAY, 300 * 10**9))
    assert (interest["qty"] > 0).all()
    hourly = fetch(source, Request(Dataset.OPEN_INTEREST, life, day, day + DAY, 3600))
    assert hourly.equals(interest.gather_every(12))
    ratios = fetch(source, Request(Dataset.SERIES, life, day, day + DAY, series="long_short_ratio"))
    assert len(ratios) == 288
    assert ratios["series"].unique().to_list() == ["long_short_ratio"]
    assert ratios["value"].is_between(0.4, 2.5).all()


def test_the_book_of_this_moment_and_of_no_other(source: CcxtSource, life: Instrument, day: int) -> None:
    book = fetch(source, Request(Dataset.BOOK_SNAPSHOTS, life, day, day + 3 * DAY))
    (row,) = book.iter_rows(named=True)
    assert row["bids"][0]["price"] < row["asks"][0]["price"]
    assert row["seq"] > 0
    assert len(row["bids"]) >= 20
    assert fetch(source, Request(Dataset.BOOK_SNAPSHOTS, life, day, day + HOUR)).is_empty()


def test_the_venue_s_own_text(source: CcxtSource, life: Instrument, day: int) -> None:
    request = Request(Dataset.TRADES, life, day, day + HOUR)
    trades = fetch(source, request)
    texts = [json.loads(text) for text in source.raw(request, trades[[0, -1]])]
    assert [text["a"] for text in texts] == [int(trades["trade_id"][0]), int(trades["trade_id"][-1])]
    assert set(texts[0]) >= {"p", "q", "T", "m"}
    request = Request(Dataset.BARS, life, day, day + HOUR)
    bars = fetch(source, request)
    (text,) = source.raw(request, bars[3:4])
    assert json.loads(text)[0] == int(bars["ts_event"][3]) // 10**6
    other = bars[:1].with_columns(ts_event=pl.lit(5))
    assert json.loads(source.raw(request, other)[0])["ts_event"] == 5, "not of this answer: as we read it"


def test_what_is_whole_leaves_nothing_behind(source: CcxtSource, life: Instrument, day: int) -> None:
    fetch(source, Request(Dataset.TRADES, life, day, day + HOUR))
    folder: Path | None = source._staging
    assert folder is not None
    assert [path for path in folder.rglob("*") if path.is_file()] == []
