"""freqtrade's files: what the name tells, exact numbers, and recordings that rebuild each other."""

import gzip
import json
import math

import numpy as np
import polars as pl
import pytest

from infra.errors import TickhouseError
from market import bars
from market.dataset import SCHEMAS, Dataset, conform
from tests.venues.files.reading import bar_array, life, opened, read, times, trade_array
from venues.files import intervals, registry

TESTDATA = "freqtrade+freqtrade/tests/testdata"
GENE = "imsatoshi+GeneTrader/user_data/data/binance"
MONDAY = 4 * 86_400 * 10**9  # the epoch was a Thursday


def feather(folder, name, **options):
    return read("freqtrade_feather", folder / name, of=life("XRP/ETH"), **options)


def written(tmp_path, name, frame):
    frame.write_ipc(tmp_path / name)
    return tmp_path / name


def candles(**more):
    prices = {"open": [1.5], "high": [2.0], "low": [1.0], "close": [1.25], "volume": [3.0]}
    frame = pl.DataFrame({"date": [1_600_000_200_000], **prices} | more)
    return frame.with_columns(pl.col("date").cast(pl.Datetime("ms", "UTC")))


def test_bars_have_their_interval_from_the_name(tmp_path):
    frame = read("freqtrade_feather", written(tmp_path, "XRP_USDT_USDT-15m-futures.feather", candles()))
    assert frame.drop("line", "instrument").rows(named=True) == [{
        "ts_event": 1_600_000_200 * 10**9, "ts_known": 1_600_001_100 * 10**9, "interval_s": 900, "count": -1,
        "open": 150_000_000, "high": 200_000_000, "low": 100_000_000, "close": 125_000_000, "volume": 300_000_000,
    }]
    ready = frame.with_columns(source=pl.lit("x"))
    assert set(conform(ready, Dataset.BARS).columns) == {*SCHEMAS[Dataset.BARS], "line"}


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("A_B-1Mo", intervals.MONTH_S), ("A_B-1M-spot", intervals.MONTH_S), ("A_B-1w", 604_800), ("A_B-3d", 259_200)],
)
def test_long_intervals(tmp_path, name, seconds):
    frame = read("freqtrade_feather", written(tmp_path, f"{name}.feather", candles()))
    assert frame["interval_s"].to_list() == [seconds]


def test_a_mark_candle_is_no_bar_of_the_market(tmp_path):
    # freqtrade leaves the volume of a mark price empty.
    path = written(tmp_path, "A_B_B-1h-mark.feather", candles(volume=pl.Series([None], dtype=pl.Float64)))
    frame = read("freqtrade_feather", path)
    assert dict(frame.select("series", "value").rows()) == {
        "mark_open": 1.5, "mark_high": 2.0, "mark_low": 1.0, "mark_close": 1.25
    }
    assert frame["ts_known"].unique().to_list() == [1_600_003_800 * 10**9]


def test_a_name_that_tells_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(TickhouseError, match=r"FILE_NOT_DATA .*unknown kind: orderbook"):
        read("freqtrade_feather", written(tmp_path, "A_B-1h-orderbook.feather", candles()))


def test_a_trace_of_arithmetic_is_named_with_its_row_and_the_way_out(tmp_path):
    path = written(tmp_path, "A_B-5m.feather", candles(open=[5.330000000000001e-05]))
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD file=.*A_B-5m.feather line=1 column=open .*rounded = true"):
        read("freqtrade_feather", path)
    assert read("freqtrade_feather", path, rounded=True)["open"].to_list() == [5_330]


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(TickhouseError, match=r"FILE_HEADER_CHANGED .*found=date,o,high"):
        read("freqtrade_feather", written(tmp_path, "A_B-5m.feather", candles().rename({"open": "o"})))


@pytest.mark.parametrize("content", [b"", b"<html>no</html>", b"ARROW1", b"PAR1"])
def test_what_is_no_arrow_file_is_refused(content):
    with pytest.raises(TickhouseError, match=r"FILE_NOT_DATA|FILE_TRUNCATED"):
        read("freqtrade_feather", content, "A_B-5m.feather")


def test_an_arrow_file_cut_short_is_refused(tmp_path):
    content = written(tmp_path, "A_B-5m.feather", candles()).read_bytes()
    for length in range(8, len(content), 40):
        with pytest.raises(TickhouseError, match="FILE_TRUNCATED"):
            read("freqtrade_feather", content[:length], "A_B-5m.feather")


def test_json_holds_the_same(tmp_path):
    rows = [[1_600_000_200_000, 1.5, 2.0, 1.0, 1.25, 3]]
    frame = read("freqtrade_json", gzip.compress(json.dumps(rows).encode()), "A_B-15m.json.gz")
    assert frame.equals(read("freqtrade_feather", written(tmp_path, "A_B-15m.feather", candles())))


@pytest.mark.parametrize(
    ("text", "code"),
    [("[[1,2,3", "FILE_TRUNCATED"), ("<html>", "FILE_NOT_DATA"), ("", "FILE_NOT_DATA"),
     ('{"code":-1}', "FILE_NOT_DATA"),
     ("[[1,2,3,4,5,6],[1,2]]", "FILE_ROW_BAD .*line=2"), ('[{"timestamp": 1}]', "FILE_ROW_BAD .*line=1"),
     ("[1]", "FILE_ROW_BAD"), ("[[1,2,3,4,5,{}]]", "FILE_ROW_BAD .*column=volume"),
     ("[[1,2,3,4,5,null]]", "FILE_ROW_BAD .*column=volume"), ("[[1,2,3,4,5,NaN]]", "FILE_ROW_BAD .*column=volume")],
)
def test_broken_json_is_refused(text, code):
    with pytest.raises(TickhouseError, match=code):
        read("freqtrade_json", text.encode(), "A_B-5m.json")


@pytest.mark.recordings
def test_recorded_trades_rebuild_the_recorded_bars(recordings):
    trades = feather(recordings / TESTDATA, "XRP_ETH-trades.feather")
    assert trades.height == 12_477
    assert times(trades) == ["2019-10-11 00:00:11", "2019-10-13 11:19:28"]
    older = read("freqtrade_json", recordings / TESTDATA / "XRP_OLD-trades.json.gz", of=life("XRP/ETH"))
    assert set(older["symbol"]) == {"XRP/ETH"}
    assert trades.equals(older.drop("symbol"))
    events = trade_array(trades)
    for name, seconds, count in (("XRP_ETH-1m.feather", 60, 2_469), ("XRP_ETH-5m.feather", 300, 706)):
        state = bars.new_state(7, seconds)
        rebuilt = np.concatenate([bars.update(state, events), bars.close(state, 2**62)])
        recorded = bar_array(feather(recordings / TESTDATA, name))
        assert len(recorded) == count
        for column in ("ts_event", "ts_known", "open", "high", "low", "close", "volume"):
            assert np.array_equal(rebuilt[column], recorded[column]), (name, column)
    minutes = feather(recordings / TESTDATA, "XRP_ETH-1m.feather")["ts_event"]
    assert (minutes.max() - minutes.min()) // (60 * 10**9) + 1 - len(minutes) == 1_091


@pytest.mark.recordings
@pytest.mark.parametrize("pair", ["BTC_USDT", "ETH_USDT"])
def test_recorded_intervals_rebuild_each_other(recordings, pair):
    finest = "5m" if pair == "BTC_USDT" else "1h"
    base = bar_array(read("freqtrade_feather", recordings / GENE / f"{pair}-{finest}.feather"))
    for code in ("15m", "1h", "4h", "1d", "1w"):
        path = recordings / GENE / f"{pair}-{code}.feather"
        seconds = intervals.seconds(code)
        if not path.exists() or seconds <= base["interval_s"][0]:
            continue
        shift = MONDAY if code == "1w" else 0
        moved = base.copy()
        moved["ts_event"] -= shift
        rebuilt = bars.aggregate(moved, seconds)
        rebuilt["ts_event"] += shift
        compare(rebuilt, bar_array(read("freqtrade_feather", path)), code)


@pytest.mark.recordings
def test_recorded_months_rebuild_from_five_minutes(recordings):
    base = read("freqtrade_feather", recordings / GENE / "BTC_USDT-5m.feather").sort("ts_event")
    month = pl.col("ts_event").cast(pl.Datetime("ns")).dt.truncate("1mo").cast(pl.Int64)
    rebuilt = base.group_by(month, maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
        pl.col("volume").sum(),
    )
    months = read("freqtrade_feather", recordings / GENE / "BTC_USDT-1Mo.feather")
    assert months.height == 8
    assert months["ts_known"][:-1].to_list() == months["ts_event"][1:].to_list()
    both = months.select("ts_event", "open", "high", "low", "close", "volume")
    assert both.rows() == rebuilt.head(8).rows()


def compare(rebuilt, recorded, what):
    assert len(recorded) > 30
    last = recorded["ts_event"][-1]  # of a longer file, bars that the shorter one does not end
    rebuilt = rebuilt[rebuilt["ts_event"] <= last]
    for column in ("ts_event", "open", "high", "low", "close", "volume"):
        assert np.array_equal(rebuilt[column], recorded[column]), (what, column)


@pytest.mark.recordings
def test_a_long_recorded_series_keeps_its_holes(recordings):
    path = recordings / "NIC-project-team+TradingStrategyGA/user_data/data/binance/BTC_USDT-1h.feather"
    frame = read("freqtrade_feather", path)
    assert frame.height == 58_419
    assert times(frame) == ["2017-08-17 04:00:00", "2024-04-21 14:00:00"]
    steps = frame["ts_event"].sort().diff().drop_nulls() // (3_600 * 10**9)
    assert ((steps > 1).sum(), (steps - 1).sum()) == (28, 128)


@pytest.mark.recordings
def test_every_recorded_file_is_read_and_prices_are_near_the_floats(recordings):
    files = [*recordings.glob(f"{TESTDATA}/**/*.feather"), *recordings.glob(f"{GENE}/*.feather")]
    assert len(files) > 20
    for path in files:
        frame = read("freqtrade_feather", path, rounded=True)
        floats = pl.read_ipc(path.open("rb"))
        column = "price" if "trades" in path.name else "rate" if "funding" in path.name else "open"
        if column in frame.columns:
            scale, theirs = (12 if column == "rate" else 8), ("price" if column == "price" else "open")
            whole, known = frame[column].to_list(), floats[theirs].to_list()
            assert all(math.isclose(a / 10**scale, b, rel_tol=1e-12) for a, b in zip(whole, known, strict=True)), path


@pytest.mark.recordings
def test_recorded_funding_is_a_rate_at_its_settlement(recordings):
    frame = feather(recordings / TESTDATA, "futures/XRP_USDT_USDT-8h-funding_rate.feather", nearest=True)
    assert frame.height == 91
    assert frame.row(0, named=True)["rate"] == 100_000_000  # 0.01 % in 10^-12
    assert frame["ts_event"][0] == 1_637_193_600_017_000_000  # the settlement's own milliseconds stay


def test_the_batches_are_lazy(tmp_path):
    path = written(tmp_path, "A_B-5m.feather", candles())
    assert next(registry.get("freqtrade_feather").read(opened(path))).dataset is Dataset.BARS
