"""Trades: each possible in itself, numbered without holes, in the order of their numbers."""

from __future__ import annotations

import polars as pl

from quality.rule import Rule, Severity
from quality.suites import common

JUMP = 0.2          # log return from one trade to the next
HOUR_NS = 3_600_000_000_000

ROWS = (
    common.positive("price"),
    common.positive("qty"),
    Rule("side_known", "ExpectColumnValuesToBeInSet", {"column": "side", "value_set": [1, 2]}),
    common.unique("instrument", "trade_id"),
    common.zero("time_follows_number", "backwards"),
    common.in_its_day(),
    Rule("no_jump", "ExpectColumnValuesToBeBetween", {"column": "jump", "max_value": JUMP}),
)
DAYS = (
    Rule("numbers_missing", "ExpectColumnValuesToBeBetween", {"column": "missing", "max_value": 0}, Severity.WARNING),
    Rule("longest_gap", "ExpectColumnValuesToBeBetween", {"column": "gap", "max_value": HOUR_NS}, Severity.INFO),
)


def prepare(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds how far the time goes back from one number to the next, and the jump from the price before."""
    price, ts = (pl.col(name).shift(1).over("instrument", "day", order_by="trade_id") for name in ("price", "ts_event"))
    ratio = pl.col("price") / price
    jump = pl.when((pl.col("price") > 0) & (price > 0)).then(ratio.log().abs()).otherwise(0.0).fill_null(0.0)
    return common.with_day_offset(frame).with_columns(
        backwards=pl.max_horizontal(ts - pl.col("ts_event"), pl.lit(0)).fill_null(0), jump=jump
    )


def summarise(frame: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Trade numbers missing inside the day, and its longest silence in ns.

    A venue that numbers all its symbols together leaves most numbers out: where more are missing than there, nothing
    can be read from them, and `missing` is 0.
    """
    numbers = pl.col("trade_id")
    found = common.count_by_day(
        frame, days,
        (numbers.max() - numbers.min() + 1 - numbers.n_unique()).alias("missing"),
        pl.col("ts_event").sort().diff().max().alias("gap"),
    ).with_columns(pl.col("missing", "gap").fill_null(0))
    return found.with_columns(missing=pl.when(pl.col("missing") <= pl.col("rows")).then("missing").otherwise(0))
