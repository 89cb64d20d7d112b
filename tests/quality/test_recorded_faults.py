"""Recorded Binance streams as they were, and with the faults that their author planted in them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from market.dataset import SCHEMAS, Dataset
from quality.rule import Severity
from tests.quality.recorded import accused, judge, life, with_day
from venues.files.exact import scaled

pytestmark = pytest.mark.recordings

FOLDER = "DanielLasota+Binance-Data-Processor/binance_data_processor/test/test_csvs"
SCALE = {"Price": 4, "Quantity": 1}
TRX = life("binance", "TRX/USDT", 4, 1)


def table(recordings: Path, name: str) -> pl.DataFrame:
    frame = pl.read_csv(recordings / FOLDER / name, infer_schema=False).with_row_index("line", 2)
    return frame.with_columns(
        *(scaled(column, scale) for column, scale in SCALE.items()),
        pl.col("EventTime", "TimestampOfReceive").cast(pl.Int64) * 1_000,
        instrument=pl.lit(1, dtype=pl.UInt32), source=pl.lit("recorded"), symbol="Symbol", flags=pl.lit(0),
    )


def depth(recordings: Path, kind: str) -> pl.DataFrame:
    rows = table(recordings, f"test_{kind}_binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv").select(
        "line", "symbol", "instrument", "source", "flags", ts_event="EventTime", ts_recv="TimestampOfReceive",
        first_seq=pl.col("FirstUpdateId").cast(pl.Int64), last_seq=pl.col("FinalUpdateId").cast(pl.Int64),
        side=1 + pl.col("IsAsk").cast(pl.UInt8), price="Price", qty="Quantity",
    ).cast(dict(SCHEMAS[Dataset.BOOK_DELTAS]))
    # The day that the file is for: a row stamped otherwise is judged with it.
    return with_day(rows, Dataset.BOOK_DELTAS).with_columns(day=pl.lit(rows["ts_recv"][0] // 86_400_000_000_000).cast(
        pl.Int32).cast(pl.Date))


def trades(recordings: Path) -> pl.DataFrame:
    rows = table(recordings, "test_negative_binance_trade_stream_spot_trxusdt_04-03-2025.csv").select(
        "line", "symbol", "instrument", "source", "flags",
        ts_event=pl.col("TransactionTime").cast(pl.Int64) * 1_000, ts_known="TimestampOfReceive",
        trade_id=pl.col("TradeId").cast(pl.Int64), price="Price", qty="Quantity",
        side=1 + pl.col("IsBuyerMarketMaker").cast(pl.UInt8),
    ).cast(dict(SCHEMAS[Dataset.TRADES]))
    return with_day(rows, Dataset.TRADES)


def lines(frame: pl.DataFrame, verdict, rule: str) -> list[int]:
    rows = verdict.rejected.filter(pl.col("reason") == rule)["row"]
    return sorted(frame["line"][rows.to_list()].to_list())


def test_genuine_depth_is_accused_of_nothing(recordings):
    verdict = judge(depth(recordings, "positive"), Dataset.BOOK_DELTAS, TRX)
    assert accused(verdict, Severity.ERROR) == {}
    assert accused(verdict, Severity.WARNING) == {}
    assert verdict.rejected.is_empty()


def test_every_fault_planted_in_depth_is_found_and_no_other_row_accused(recordings):
    good, bad = depth(recordings, "positive"), depth(recordings, "negative")
    planted = good.with_columns(same=pl.Series([a == b for a, b in zip(good.rows(), bad.rows(), strict=True)]))
    changed = planted.filter(~pl.col("same"))["line"].to_list()
    assert changed == [2, 9, 10, 10_001]
    verdict = judge(bad, Dataset.BOOK_DELTAS, TRX)
    assert lines(bad, verdict, "price_positive") == [2]            # price -1
    assert lines(bad, verdict, "time_sane") == [2]                 # event time 0
    assert lines(bad, verdict, "time_in_its_day") == [10_001]      # received at midnight, the day after
    # The first row's event time is another than that of its packet; an update id is skipped before it.
    assert lines(bad, verdict, "packet_whole") == [2, 3, 9, 10]
    assert accused(verdict, Severity.WARNING) == {"updates_missing": 1, "received_after_event": 1}
    rejected = set(bad["line"][verdict.rejected["row"].unique().to_list()].to_list())
    # Of a packet that disagrees with itself nobody can tell which row is right: both are kept out.
    assert rejected == {2, 3, 9, 10, 10_001}


def test_every_fault_planted_in_trades_is_found_and_no_other_row_accused(recordings):
    rows = trades(recordings)
    verdict = judge(rows, Dataset.TRADES, TRX)
    assert lines(rows, verdict, "key_unique") == [3, 4]             # 348656871 twice, with other quantities
    assert accused(verdict, Severity.ERROR) == {"key_unique": 2}
    assert accused(verdict, Severity.WARNING) == {"numbers_missing": 1, "known_soon": 1}
    whole = rows.filter(~pl.col("line").is_in([3, 4, 10_001]))
    assert accused(judge(whole, Dataset.TRADES, TRX), Severity.ERROR) == {}


@pytest.mark.parametrize(("column", "value", "rule"), [
    ("price", -1, "price_positive"), ("price", 0, "price_positive"), ("qty", 0, "qty_positive"),
    ("ts_event", 0, "time_sane"), ("ts_event", 1_577_836_800 * 10**9, "time_in_its_day"),
    ("symbol", "BTCUSDT", "symbol_right"), ("side", 7, "side_known"),
    ("trade_id", 348_660_000, "key_unique"),
])
def test_faults_of_the_same_kinds_in_the_same_recording(recordings, column, value, rule):
    rows = trades(recordings).filter(pl.col("line").is_between(5, 10_000))
    at = 4_000
    here = pl.int_range(pl.len()) == at
    bad = rows.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(column).cast(rows.schema[column]).alias(column)
    )
    verdict = judge(bad, Dataset.TRADES, TRX)
    assert bad["line"][at] in lines(bad, verdict, rule)
    others = set(verdict.rejected["row"].to_list()) - {at}
    # A number used twice accuses its true owner as well: which of the two is wrong, the rows do not tell.
    assert len(others) == (1 if rule == "key_unique" else 0)
