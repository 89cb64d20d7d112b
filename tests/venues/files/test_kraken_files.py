"""Kraken's downloadable files: trades that look alike, bars without a header."""

import polars as pl
import pytest

from market.dataset import Dataset, conform
from tests.venues.files.reading import life, read

FOLDER = "freqtrade+freqtrade/tests/testdata/kraken/trades_csv"
S = 10**9


@pytest.mark.recordings
@pytest.mark.parametrize(("name", "count", "alike"), [("BCHEUR.csv", 148, 1), ("incremental_q2/BCHEUR.csv", 486, 48)])
def test_identical_rows_are_distinct_trades(recordings, name, count, alike):
    frame = read("kraken_trades", recordings / FOLDER / name, of=life("BCH/EUR", 6, 8))
    assert frame.height == count
    assert count - frame.select("ts_event", "price", "qty").unique().height == alike
    assert frame["trade_id"].n_unique() == count
    assert frame["trade_id"].to_list() == read(
        "kraken_trades", recordings / FOLDER / name, of=life("BCH/EUR", 6, 8))["trade_id"].to_list()
    conform(frame.with_columns(source=pl.lit("x")), Dataset.TRADES)


def test_a_trade_of_a_whole_second_is_known_at_its_end():
    frame = read("kraken_trades", b"1672531436,90.540000,1.1\n1672531437.25,90.5,1\n", of=life("BCH/EUR", 6, 8))
    assert frame.select("ts_event", "ts_known", "price", "side").rows() == [
        (1_672_531_436 * S, 1_672_531_437 * S, 90_540_000, 0),
        (1_672_531_437 * S + S // 4, 1_672_531_437 * S + S // 4, 90_500_000, 0),
    ]


@pytest.mark.parametrize(("name", "options", "interval_s"), [
    ("XBTUSD_60.csv", {}, 3_600), ("all.zip!master_q4/XBTUSD_1440.csv", {}, 86_400), ("x.csv", {"interval_s": 60}, 60),
    ("x.csv", {}, 300),
])
def test_bars(name, options, interval_s):
    text = b"1381095300,122.0,122.5,121.9,122.1,0.1,1\n1381095600,123.61,123.61,123.61,123.61,0.1,2\n"
    frame = read("kraken_ohlcvt", text, name, life("BTC/USD", 2, 8), **options)
    assert frame.drop("line").rows(named=True)[0] == {
        "interval_s": interval_s, "ts_event": 1_381_095_300 * S, "ts_known": (1_381_095_300 + interval_s) * S,
        "count": 1, "open": 12_200, "high": 12_250, "low": 12_190, "close": 12_210, "volume": 10_000_000,
        "instrument": 7,
    }
