"""Redenominations in the store: written once, corrected without changing what was known earlier, applied on read."""

from __future__ import annotations

import polars as pl
import pytest

from market.adjustment import Adjustment
from store import adjustments, instruments
from tests.store.test_instruments import spec

pytestmark = pytest.mark.stack

DAY = 86_400 * 10**9
T = 18_600 * DAY
COCOS = Adjustment(1, T, T - DAY, 1, 1000, "1000 old for 1 new")


def test_written_once_and_known_from_then_on(clickhouse):
    assert adjustments.record(clickhouse, [COCOS]) == 1
    assert adjustments.record(clickhouse, [COCOS]) == 0
    assert adjustments.factors(clickhouse, [1]) == adjustments.factors(clickhouse, None) == [COCOS]
    assert adjustments.factors(clickhouse, [2]) == adjustments.factors(clickhouse, []) == []
    assert adjustments.factors(clickhouse, [1], T - 1) == [], "announced, and not yet so"
    assert adjustments.factors(clickhouse, [1], T) == [COCOS]


def test_a_correction_leaves_earlier_readings_alone(clickhouse):
    corrected = Adjustment(1, T, T + DAY, 1, 100, "it was 100")
    adjustments.record(clickhouse, [COCOS])
    before = adjustments.factors(clickhouse, [1], T + DAY - 1)
    assert adjustments.record(clickhouse, [corrected]) == 1
    assert adjustments.factors(clickhouse, [1], T + DAY - 1) == before == [COCOS]
    assert adjustments.factors(clickhouse, [1]) == [corrected]


def test_applied_to_what_a_reader_gave(clickhouse):
    instruments.allocate(clickhouse, [spec(), spec("ETH")])
    adjustments.record(clickhouse, [COCOS])
    rows = [(1, T - 1, 5, 7), (1, T, 5_000, 7), (2, T - 1, 5, 7)]
    schema = {"instrument": pl.UInt32, "ts_event": pl.Int64, "close": pl.Int64, "volume": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    now = adjustments.apply(clickhouse, frame)
    assert now["close"].to_list() == [5_000, 5_000, 5]
    assert now["volume"].to_list() == [7, 7_000, 7]
    assert now["qty_scale"].to_list() == [6, 6, 3]
    assert adjustments.apply(clickhouse, frame, T - 1)["close"].to_list() == [5, 5_000, 5]
    assert adjustments.apply(clickhouse, frame.clear()).is_empty()
