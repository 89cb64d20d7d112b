"""Frames into tables: what is refused before a row is sent."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from infra.errors import TickhouseError
from store import writer
from store.errors import StoreCode
from store.reader import query

NS = 1_767_225_600_123_456_789
TYPES = {"ts": "DateTime64(9, 'UTC')", "side": "Enum8('none' = 0, 'buy' = 1)", "id": "UInt32"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pl.DataFrame({"unknown": [1]}), StoreCode.COLUMN_UNKNOWN),
        (pl.DataFrame({"ts": [datetime(2026, 1, 1)]}), StoreCode.TIME_NAIVE),  # noqa: DTZ001 - the point of the test
    ],
)
def test_refused(frame, code):
    with pytest.raises(TickhouseError) as caught:
        writer.conform(frame, "t", TYPES)
    assert caught.value.code is code


def test_integers_are_nanoseconds_not_seconds():
    typed = writer.conform(pl.DataFrame({"ts": [NS], "side": [1], "id": [1]}), "t", TYPES)
    assert typed["ts"].dtype == pl.Datetime("ns", "UTC")
    assert typed["ts"].cast(pl.Int64).to_list() == [NS]
    aware = pl.DataFrame({"ts": [datetime(2026, 1, 1, tzinfo=UTC)]})
    assert writer.conform(aware, "t", TYPES)["ts"].dt.year().to_list() == [2026]


@pytest.mark.stack
def test_every_table_takes_what_its_reader_gives_back(clickhouse):
    frame = pl.DataFrame(
        {"venue": ["b"], "account": ["a"], "instrument": [1], "trade_id": ["7"], "order_id": ["o"], "side": [2]}
        | {"price": [-5], "qty": [6], "fee": [-7], "fee_asset": ["USDT"], "liquidity": [1], "strategy": ["ml"]}
        | {"ts_event": [NS], "ts_known": [NS + 1]},
        schema_overrides={"instrument": pl.UInt32, "side": pl.Int8, "liquidity": pl.Int8},
    )
    assert writer.insert(clickhouse, "fills", frame) == 1
    assert query(clickhouse, "SELECT * EXCEPT ts_stored FROM fills").equals(frame)
    assert writer.insert(clickhouse, "fills", frame.clear()) == 0


@pytest.mark.stack
def test_large_frames_go_in_batches(clickhouse, monkeypatch):
    monkeypatch.setattr(writer, "MAX_BATCH", 400)
    frame = pl.DataFrame({"label": ["x"] * 1001, "instrument": [1] * 1001, "seq": range(1001), "value": [0.0] * 1001})
    assert writer.insert(clickhouse, "labels", frame) == 1001
    assert clickhouse.command("SELECT count() FROM labels") == 1001


@pytest.mark.stack
def test_a_missing_table_is_named(clickhouse):
    with pytest.raises(TickhouseError) as caught:
        writer.insert(clickhouse, "nowhere", pl.DataFrame({"x": [1]}))
    assert caught.value.code is StoreCode.TABLE_UNKNOWN
