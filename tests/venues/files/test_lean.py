"""Lean's zips: milliseconds since midnight, whole dates, and quotes at the bar's end."""

import polars as pl
import pytest

from infra.errors import TickhouseError
from tests.venues.files.reading import HOUR, life, read, times

MINUTE_NAME = "crypto/coinbase/minute/btcusd/20200102_trade.zip/20200102_btcusd_minute_trade.csv"
CRYPTO = "QuantConnect+Lean/Data/crypto/coinbase"
FUTURE = "QuantConnect+Lean/Data/cryptofuture/binance"
DAY = 1_577_923_200 * 10**9  # 2020-01-02
MINUTE = 60 * 10**9


def test_minutes_count_from_the_midnight_in_the_name():
    frame = read("lean_trade", b"0,1,3,0.5,2,10\n180000,2,2,2,2,1\n", MINUTE_NAME)
    assert frame["ts_event"].to_list() == [DAY, DAY + 3 * MINUTE]  # minutes without a trade have no row
    assert frame["ts_known"].to_list() == [DAY + MINUTE, DAY + 4 * MINUTE]
    assert frame.row(0, named=True)["high"] == 300_000_000


def test_without_a_day_in_the_name_an_option_tells_it():
    with pytest.raises(TickhouseError, match=r"FILE_NOT_DATA .*option day"):
        read("lean_trade", b"0,1,3,0.5,2,10\n", "minute/trade.csv")
    assert read("lean_trade", b"0,1,3,0.5,2,10\n", "minute/trade.csv", day="20200102")["ts_event"].to_list() == [DAY]


def test_hours_and_days_write_the_time():
    frame = read("lean_trade", b"20200102 00:00,1,3,0.5,2,10\n20200102 01:00,1,3,0.5,2,10\n", "hour/x_trade.csv")
    assert frame["ts_event"].to_list() == [DAY, DAY + HOUR]
    assert frame["interval_s"].unique().to_list() == [3_600]
    # The resolution is told by the folder; without it by the grid.
    lone = read("lean_trade", b"20200102 00:00,1,3,0.5,2,10\n20200103 00:00,1,3,0.5,2,10\n", "x_trade.csv")
    assert lone["interval_s"].unique().to_list() == [86_400]


def test_a_quote_bar_is_the_quote_of_its_last_moment():
    row = b"0,1,1,1,1.5,10,2,2,2,2.5,20\n60000,,,,,,2,2,2,2.5,20\n"
    frame = read("lean_quote", row, "minute/20200102_quote.csv")
    first, second = frame.rows(named=True)
    assert first["ts_event"] == first["ts_recv"] == DAY + MINUTE - 1
    assert [first[name] for name in ("bid_price", "bid_qty", "ask_price", "ask_qty")] == [
        150_000_000, 10 * 10**8, 250_000_000, 20 * 10**8
    ]
    assert (second["bid_price"], second["bid_qty"]) == (0, 0)


def test_funding():
    frame = read("lean_funding", b"20200102 00:00:00,0.0001\n20200102 08:00:00,-0.00001869\n", "margin_interest/x.csv")
    assert frame.select("ts_event", "rate").rows() == [(DAY, 100_000_000), (DAY + 8 * HOUR, -18_690_000)]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "FILE_NOT_DATA"), (b"0,1,2\n", "FILE_HEADER_CHANGED"),
     (b"0,1,3,0.5,2,x\n", "FILE_ROW_BAD .*line=1 column=volume"),
     (b"86400000,1,3,0.5,2,1\n", "FILE_ROW_BAD .*line=1"), (b"-1,1,3,0.5,2,1\n", "FILE_ROW_BAD .*line=1"),
     (b"0,1,3,0.5,2,1\nnoon,1,3,0.5,2,1\n", "FILE_ROW_BAD .*line=2"),
     (b"0,1,3,0.5,2,1\n60000,1\n", "FILE_ROW_BAD .*line=2"),
     (b"20200102 00:00,1,3,0.5,2,1\n60000,1,3,0.5,2,1\n", "FILE_ROW_BAD .*line=2")],
)
def test_a_broken_file_says_what_and_where(content, code):
    with pytest.raises(TickhouseError, match=code):
        read("lean_trade", content, MINUTE_NAME)


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("path", "rows", "span"),
    [(f"{CRYPTO}/minute/btcusd/20161007_trade.zip", 1_419, ["2016-10-07 00:00:00", "2016-10-07 23:59:00"]),
     (f"{CRYPTO}/minute/btcusd/20180404_trade.zip", 1_007, ["2018-04-04 00:00:00", "2018-04-04 16:47:00"]),
     (f"{CRYPTO}/daily/btcusd_trade.zip", 1_318, ["2014-12-01 00:00:00", "2018-08-13 00:00:00"]),
     (f"{FUTURE}/minute/adausdt/20221213_trade.zip", 1_440, ["2022-12-13 00:00:00", "2022-12-13 23:59:00"]),
     (f"{FUTURE}/hour/adausdt_trade.zip", 24, ["2022-12-13 00:00:00", "2022-12-13 23:00:00"])],
)
def test_recorded_bars(recordings, path, rows, span):
    frame = read("lean_trade", recordings / path, of=life("BTC/USD"))
    assert frame.height == rows
    assert times(frame) == span
    assert (frame["high"] >= frame["low"]).all()


@pytest.mark.recordings
def test_recorded_minutes_make_the_recorded_hours(recordings):
    minutes = read("lean_trade", recordings / FUTURE / "minute/adausdt/20221213_trade.zip").sort("ts_event")
    hours = read("lean_trade", recordings / FUTURE / "hour/adausdt_trade.zip").sort("ts_event")
    rebuilt = minutes.group_by(pl.col("ts_event") // HOUR * HOUR, maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()
    )
    assert rebuilt.rows() == hours.select("ts_event", "open", "high", "low", "close").rows()


@pytest.mark.recordings
def test_recorded_quotes_stay_in_their_day_and_never_cross(recordings):
    path = recordings / CRYPTO / "minute/btcusd/20170904_quote.zip"
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*rounded = true"):
        read("lean_quote", path, of=life("BTC/USD"))
    frame = read("lean_quote", path, of=life("BTC/USD"), rounded=True)
    assert frame.height == 1_438
    assert frame["bid_qty"][0] == 611_533_198  # 6.1153319800000006
    assert (frame["bid_price"] <= frame["ask_price"]).all()
    assert set(frame["ts_event"] // (24 * HOUR)) == {1_504_483_200 * 10**9 // (24 * HOUR)}


@pytest.mark.recordings
def test_recorded_funding(recordings):
    frame = read("lean_funding", recordings / FUTURE / "margin_interest/btcusd.csv")
    assert times(frame) == ["2020-12-29 00:00:00", "2022-12-13 16:00:00"]
    assert frame["rate"][-1] == -29_830_000
