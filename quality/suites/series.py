"""Dated series: finite numbers, not known before they were there, told at a steady interval."""

from __future__ import annotations

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common, spaced

OUTLIER_Z = 50.0
STALE = 12


def suite(context: Context) -> Suite:
    """The expectations of one series."""
    return Suite(
        Dataset.SERIES,
        key=("ts_event",),
        rows=(
            common.present(Dataset.SERIES),
            RowRule("value_finite", ~pl.col("value").is_finite(), "a number", shows=("value",)),
            RowRule("series_right", pl.col("series") != context.series if context.series else pl.lit(value=False),
                    "the series that was asked for", shows=("series",)),
            *common.unique(("value",)),
            common.in_its_day(Dataset.SERIES),
            common.sane_time(context),
            common.known_after(),
            common.SYMBOL,
            RowRule("not_far_off", pl.col("z").abs() > OUTLIER_Z, "within 50 robust deviations of the median",
                    Severity.INFO, ("value",)),
        ),
        days=(
            spaced.MISSING,
            DayRule("values_some", "a value", Severity.INFO, least=1),
            DayRule("stale_run", f"no {STALE} equal values in a row", Severity.INFO, most=STALE - 1),
            common.IN_ORDER,
        ),
        prepare=spaced.prepare(context, "value"),
        metrics=spaced.METRICS,
        derived=(pl.col("rows").alias("values_some"),),
        expected_rows=lambda _: 0,
    )
