"""One-minute bars: a bar is possible in itself, and a day has all its minutes."""

from __future__ import annotations

import polars as pl

from quality.rule import Rule, Severity
from quality.suites import common

MINUTE_NS = 60_000_000_000
MINUTES_A_DAY = 1_440
JUMP = 0.5  # log return from one minute's close to the next: beyond it a wrong digit is likelier than a market

ROWS = (
    common.positive("low"),
    common.at_least("high_over_body", "high", "body_top"),
    common.at_least("low_under_body", "body_bottom", "low"),
    common.not_negative("volume"),
    common.zero("time_on_the_minute", "misaligned"),
    common.in_its_day(),
    common.unique("instrument", "ts_event"),
    Rule("no_jump", "ExpectColumnValuesToBeBetween", {"column": "jump", "max_value": JUMP}),
)
DAYS = (
    common.zero("minutes_missing", "missing", Severity.WARNING),
    Rule("volume_some", "ExpectColumnValuesToBeBetween", {"column": "volume", "min_value": 1}, Severity.INFO),
)


def prepare(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds the body's ends, the distance from a whole minute and the jump from the close before in that day."""
    before = pl.col("close").shift(1).over("instrument", "day", order_by="ts_event")
    ratio = pl.col("close") / before
    jump = pl.when((pl.col("close") > 0) & (before > 0)).then(ratio.log().abs()).otherwise(0.0).fill_null(0.0)
    return common.with_day_offset(frame).with_columns(
        body_top=pl.max_horizontal("open", "close"),
        body_bottom=pl.min_horizontal("open", "close"),
        misaligned=pl.col("ts_event") % MINUTE_NS,
        jump=jump,
    )


def summarise(frame: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Minutes missing and volume by day."""
    found = common.count_by_day(frame, days, pl.col("volume").sum(), pl.col("ts_event").n_unique().alias("minutes"))
    return found.with_columns(
        volume=pl.col("volume").fill_null(0), missing=MINUTES_A_DAY - pl.col("minutes").cast(pl.Int64).fill_null(0)
    )
