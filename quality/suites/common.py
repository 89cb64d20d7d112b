"""Rules and helpers that several datasets share."""

from __future__ import annotations

import polars as pl

from quality.rule import Rule, Severity

DAY_NS = 86_400_000_000_000


def positive(column: str) -> Rule:
    """The column is above zero."""
    return Rule(f"{column}_positive", "ExpectColumnValuesToBeBetween", {"column": column, "min_value": 1})


def not_negative(column: str) -> Rule:
    """The column is zero or more."""
    return Rule(f"{column}_not_negative", "ExpectColumnValuesToBeBetween", {"column": column, "min_value": 0})


def at_least(name: str, high: str, low: str) -> Rule:
    """`high` >= `low`, row by row."""
    arguments = {"column_A": high, "column_B": low, "or_equal": True}
    return Rule(name, "ExpectColumnPairValuesAToBeGreaterThanB", arguments)


def unique(*columns: str) -> Rule:
    """No two rows agree in all of `columns`."""
    return Rule("key_unique", "ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)})


def zero(name: str, column: str, severity: Severity = Severity.ERROR) -> Rule:
    """The helper column is zero."""
    return Rule(name, "ExpectColumnValuesToBeBetween", {"column": column, "min_value": 0, "max_value": 0}, severity)


def in_its_day() -> Rule:
    """The row lies in the day it was fetched for: see `with_day_offset`."""
    return Rule(
        "time_in_its_day", "ExpectColumnValuesToBeBetween",
        {"column": "day_offset", "min_value": 0, "max_value": DAY_NS - 1},
    )


def with_day_offset(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `day_offset`: ns since the start of the row's day."""
    day_ns = pl.col("day").cast(pl.Int64) * DAY_NS
    return frame.with_columns(day_offset=pl.col("ts_event") - day_ns)


def count_by_day(frame: pl.DataFrame, days: pl.DataFrame, *more: pl.Expr) -> pl.DataFrame:
    """`instrument, day, rows` and what `more` computes by day; days without rows have 0 rows and nulls."""
    found = frame.group_by("instrument", "day").agg(pl.len().cast(pl.Int64).alias("rows"), *more)
    return days.join(found, on=["instrument", "day"], how="left").with_columns(pl.col("rows").fill_null(0))
