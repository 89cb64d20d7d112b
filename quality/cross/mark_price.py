"""Mark prices of funding settlements beside the close of the bar before them."""

from __future__ import annotations

import polars as pl

from quality.cross.look import Look
from quality.frames import with_day
from quality.rule import DayRule

RULE = DayRule("mark_price_sane", "a mark price within 5 % of the last close", most=0)
LEAST = 0.05
NEAR_NS = 600 * 10**9  # a close older than this says nothing about the mark


def look(funding: pl.DataFrame, bars: pl.DataFrame, days: pl.DataFrame) -> Look:
    """Settlements whose mark price is elsewhere; those without a mark price, or without a bar near, pass."""
    closes = bars.select("instrument", "close", ts_close="ts_known").sort("ts_close")
    joined = funding.filter(pl.col("mark_price") > 0).sort("ts_event").join_asof(
        closes, left_on="ts_event", right_on="ts_close", by="instrument", strategy="backward", tolerance=NEAR_NS,
        check_sortedness=False,
    )
    apart = (pl.col("mark_price") / pl.col("close")).log().abs()
    wrong = with_day(joined.filter(apart > LEAST)).select("instrument", "day", "ts_event", "mark_price", "close")
    return Look(RULE, wrong.join(days, on=["instrument", "day"], how="semi"), days)
