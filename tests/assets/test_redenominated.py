"""A jump that a declared redenomination explains is no second history under one symbol."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl
import pytest

from assets.ingest.feeds import Subject
from assets.quality import definitions
from assets.quality.targets import Target
from market.adjustment import Adjustment
from market.dataset import Dataset
from store import adjustments
from tests.assets import stock
from tests.quality.frames import DAY_NS, START, bars

pytestmark = pytest.mark.stack

HOURS = Target(dg.AssetKey(["binance", "bars_1h"]), "binance", Subject(Dataset.BARS, 3_600))


@pytest.mark.parametrize("declared", [False, True])
def test_a_thousandfold_price_after_five_days(clickhouse, declared):
    stock.lives(clickhouse, "binance")
    before = bars(3_600, days=1)
    after = bars(3_600, days=1, start=START + 5 * DAY_NS).with_columns(pl.col("open", "high", "low", "close") * 1000)
    stock.put(clickhouse, Dataset.BARS, pl.concat([before, after]), interval_s=3_600)
    if declared:
        adjustments.record(clickhouse, [Adjustment(1, START + 3 * DAY_NS, START + 3 * DAY_NS, 1, 1000)])
    found = definitions.cross(clickhouse, HOURS, date(1970, 1, 1), date(2100, 1, 1), "run")
    accused = [one.day for one in found if one.rule == "symbol_reuse" and not one.passed]
    assert accused == ([] if declared else [after["day"][0]])
