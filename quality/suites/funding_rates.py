"""Funding rates: possible in themselves, as many a day as on the other days."""

from __future__ import annotations

import polars as pl

from quality.rule import Rule, Severity
from quality.suites import common

LIMIT = 50_000_000_000  # 5 % a period in 10^-12: no venue's cap is above it

ROWS = (
    Rule("rate_within_caps", "ExpectColumnValuesToBeBetween",
         {"column": "rate", "min_value": -LIMIT, "max_value": LIMIT}),
    common.not_negative("mark_price"),
    common.in_its_day(),
    common.unique("instrument", "ts_event"),
)
DAYS = (
    Rule("settlements_some", "ExpectColumnValuesToBeBetween", {"column": "rows", "min_value": 1}, Severity.WARNING),
)


def prepare(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds the offset in the day."""
    return common.with_day_offset(frame)


def summarise(frame: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Settlements by day."""
    return common.count_by_day(frame, days)
