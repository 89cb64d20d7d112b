"""Unknown files: which format they are in, which scales they need, which column map their names propose."""

import io
from dataclasses import replace

import polars as pl
import pytest

from infra.errors import TickhouseError
from tests.venues.files.reading import life, opened
from venues.files import guess, intervals, registry, scales, suggest, unknown
from venues.files.format import Opened

CDD = b"date,symbol,open,high,low,close,volume\n2020-01-01 00:00,BTCUSD,3.50,4,1,2.25,5.5\n"
KLINES = b"".join(
    b"%d,3.5,4,1,2.25,5.5,%d,12.5,7,1,2,0\n" % (1_600_000_200_000 + at * 60_000, 1_600_000_259_999 + at * 60_000)
    for at in range(5)
)
BARE = life("/", 0, 0)


def guessed(content, name="x.csv", **options):
    return guess.guess(name, io.BytesIO(content), replace(BARE, symbol="", venue_symbol=""), options)


def needed(format_name, content, name="x.csv", **options):
    def read(sized, more):
        return registry.get(format_name).read(Opened(name, io.BytesIO(content), sized, more))

    return scales.smallest(read, BARE, options)


@pytest.mark.parametrize(
    ("content", "name", "fits"),
    [(CDD, "x_1d.csv", "cryptodatadownload"), (KLINES, "BTCUSDT-1m-2020-09.csv", "binance_klines"),
     (b"1600000200,5.5,0.25\n1600000201,5.25,1\n", "kraken/XBTUSD.csv", "kraken_trades"),
     (b"0,1,3,0.5,2,10\n60000,1,3,0.5,2,10\n", "minute/20200102_trade.csv", "lean_trade"),
     (b"20200102 00:00:00,0.0001\n", "margin_interest/x.csv", "lean_funding"),
     (b"[[1600000200000,1.5,2.0,1.0,1.25,3]]", "A_B-5m.json", "freqtrade_json")],
)
def test_each_format_is_found_by_its_beginning(content, name, fits):
    found = guessed(content, name)
    assert fits in found.fitting
    assert found.best(name) == (fits,)


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"a,b\n1,2\n", b"\x00\x01\x02", b'{"error": 1}', b"word\n"])
def test_what_is_in_no_format_has_a_problem_for_each(content):
    found = guessed(content)
    assert found.fitting == ()
    assert all(error.code.name.startswith(("FILE_", "SOURCES_")) for error in found.problems.values())
    assert set(found.problems) == {name for name in registry.names() if not name.startswith(guess.MAPPED)}


def test_trades_of_three_columns_are_no_funding_rates():
    trades = b"".join(b"%d,5.5,0.01\n" % (1_600_000_000 + 977 * at) for at in range(20))
    assert guessed(trades).fitting == ("kraken_trades",)


def test_a_file_of_another_century_is_in_no_format():
    assert "kraken_trades" not in guessed(b"0,5.5,0.25\n60,5.25,1\n").fitting


def test_only_the_beginning_of_a_long_file_is_read():
    rows = b"".join(b"%d,5.5,0.25\n" % (1_600_000_000 + at) for at in range(40_000)) + b"broken,at,the,end\n"
    content = io.BytesIO(rows)
    found = guess.guess("kraken.csv", content, BARE, {})
    assert "kraken_trades" in found.fitting
    assert content.tell() < len(rows)


def test_the_scales_are_the_smallest_that_do():
    assert needed("cryptodatadownload", CDD, "x_1d.csv") == scales.Scales(2, 1, {})
    many = CDD + b"2020-01-02 00:00,BTCUSD,3,4.00000001,1,2.25,1e-10\n"
    assert needed("cryptodatadownload", many, "x_1d.csv") == scales.Scales(8, 10, {})


def test_large_quantities_need_small_scales():
    content = CDD.replace(b",5.5\n", b",123456789012345.5\n")
    assert needed("cryptodatadownload", content, "x_1d.csv") == scales.Scales(2, 1, {})


@pytest.mark.parametrize(
    ("cell", "qty"), [(b"0.11199999999999999", 3), (b"6.1153319800000006", 8), (b"33.35399601000002", 8)]
)
def test_traces_of_arithmetic_are_seen_and_said(cell, qty):
    found = needed("cryptodatadownload", CDD.replace(b",5.5\n", b"," + cell + b"\n"), "x_1d.csv")
    assert found == scales.Scales(2, qty, {"rounded": True})


def test_a_cell_that_no_scale_reads_is_the_error():
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*line=2 column=volume"):
        needed("cryptodatadownload", CDD.replace(b"5.5", b"n/a"), "x_1d.csv")


@pytest.mark.parametrize(
    ("names", "cells", "dataset", "how"),
    [(["Date", "Open", "High", "Low", "Close", "Volume"], ["2020-01-01", "1", "1", "1", "1", "1"], "bars", "iso"),
     (["t", "o", "h", "l", "c", "v"], ["1600000000000", "1", "1", "1", "1", "1"], "bars", "auto"),
     (["timestamp", "price", "amount", "side"], ["2023-09-05T16:00:01.281719Z", "1", "1", "buy"], "trades", "iso"),
     (["Symbol", "Date", "Funding Rate"], ["BTC", "01.02.2020 08:00", "0.1"], "funding_rates", "%d.%m.%Y %H:%M"),
     (["ts_event", "bid_price", "ask_price", "bid_size", "ask_size"], ["1600000000", *"1111"], "quotes", "auto")],
)
def test_names_propose_a_map(names, cells, dataset, how):
    found = suggest.column_options(pl.DataFrame(dict(zip(names, [[cell] for cell in cells], strict=True))))
    assert (found["dataset"], found["time"]) == (dataset, how)
    assert set(found["columns"].values()) <= set(names)


@pytest.mark.parametrize("names", [["a", "b", "c"], ["date", "open", "high"], ["date", "value", "weight"]])
def test_names_that_tell_nothing_propose_nothing(names):
    assert suggest.column_options(pl.DataFrame({name: ["1600000000"] for name in names})) is None


def test_a_table_with_a_banner_and_semicolons_is_proposed():
    content = b"exported by hand\nDatum;date;price;size\n1;2020-01-01;5;6\n"
    found = unknown.propose("x.csv", io.BytesIO(content), BARE)
    assert found.format == "columns_csv"
    assert found.options["delimiter"] == ";"
    assert found.options["banner"] == 1
    rows = list(registry.get("columns_csv").read(opened(content, "x.csv", **found.options)))
    assert rows[0].frame["price"].to_list() == [500_000_000]
    assert unknown.propose("x", io.BytesIO(b"<html>"), BARE) is None


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("Coinbase_BTCUSD_1h.csv", 3_600), ("Binance_BTCUSDT_minute.csv", 60), ("binance_btcusdt_day_2020.csv", 86_400),
     ("BTC_USDT-1Mo.feather", intervals.MONTH_S), ("gemini_BTCUSD_2020_1min.csv", 60), ("x-15m-futures.feather", 900),
     ("Bitstamp_BTCUSD_d.csv", 86_400), ("5m/BTC_1h.csv", 3_600), ("BTC.csv", None),
     ("1h_to_5m.csv", None), ("0m.csv", None)],
)
def test_names_tell_intervals(name, seconds):
    assert intervals.of_name(name) == seconds


def test_months_are_told_by_their_first_days():
    days = pl.Series(["2020-01-01", "2020-02-01", "2020-04-01"]).str.to_datetime(time_unit="ns").cast(pl.Int64)
    assert intervals.of_stamps(days) == intervals.MONTH_S
    assert intervals.of_stamps(days.head(1)) is None
    assert intervals.of_stamps(pl.Series([0, 7, 11])) is None
