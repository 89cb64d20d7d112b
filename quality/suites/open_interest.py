"""Open interest: contracts or base units outstanding, told at a steady interval."""

from __future__ import annotations

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common, spaced

JUMP = 1.0        # log change from one value to the next: beyond it a unit was mixed up
STALE = 12        # equal values in a row


def suite(context: Context) -> Suite:
    """The expectations of open interest."""
    begin = context.begin_ns
    return Suite(
        Dataset.OPEN_INTEREST,
        key=("ts_event",),
        rows=(
            common.present(Dataset.OPEN_INTEREST),
            common.not_negative("qty"),
            *common.unique(("qty",)),
            common.in_its_day(Dataset.OPEN_INTEREST),
            common.sane_time(context),
            common.known_after(),
            common.SYMBOL,
            RowRule("not_before_listing", pl.col("ts_event") < begin, "no value from before the listing",
                    Severity.WARNING, ("qty",)),
            RowRule("no_jump", pl.col("jump").abs() > JUMP, "less than 2.7 times the value before", Severity.WARNING,
                    ("qty",)),
        ),
        days=(
            spaced.MISSING,
            DayRule("values_some", "a value", least=1),
            DayRule("stale_run", f"no {STALE} equal values in a row", Severity.INFO, most=STALE - 1),
            common.IN_ORDER,
        ),
        prepare=spaced.prepare(context, "qty"),
        metrics=spaced.METRICS,
        derived=(pl.col("rows").alias("values_some"),),
        expected_rows=lambda _: 0,
    )
