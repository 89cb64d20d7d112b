"""What open interest, funding and series share: values at a steady interval that only the values themselves tell."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from quality.rule import Context, DayRule
from quality.suites import common
from quality.suites.common import SECOND_NS

MISSING = DayRule("values_missing", "no gap wider than the steps on both sides of it", most=0)
METRICS = (
    pl.col("hole").sum().alias("values_missing"),
    (pl.col("stale").max() + (pl.col("stale").max() > 0)).alias("stale_run"),
    common.order_metric(),
)


def prepare(context: Context, value: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Sorted rows with `hole` (values missing right before the row), `stale`, `jump` and `z`."""

    def with_helpers(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_event"]), context)
        frame = common.with_neighbours(frame, ["ts_event"], (value,))
        number = pl.col(value).cast(pl.Float64)
        above = (number > 0) & (number.shift(1) > 0)
        return frame.with_columns(
            hole=holes(),
            stale=common.runs((number == number.shift(1)).fill_null(value=False)),
            jump=pl.when(above).then((number / number.shift(1)).log()).fill_null(0.0),
            z=common.robust_z(number, 1e-9).fill_nan(0.0).fill_null(0.0),
        )

    return with_helpers


def holes(widest_s: int = 0) -> pl.Expr:
    """Values missing right before the row: a gap of at least one and a half steps of those on both sides of it.

    A venue may change its interval: then the gap before is as wide, and nothing is missing. Beyond `widest_s` a gap
    is one whatever is beside it.
    """
    gap = pl.col("ts_event").diff()
    before, after = gap.shift(1), gap.shift(-1)
    wide = SECOND_NS * widest_s if widest_s else None
    step = pl.max_horizontal(before, after)  # of what is there, where one is null
    usual = pl.when(before.is_null() & after.is_null()).then(pl.lit(wide, dtype=pl.Int64)).otherwise(
        pl.min_horizontal(step, pl.lit(wide, dtype=pl.Int64))
    )
    missing = ((gap.cast(pl.Float64) / usual).round() - 1).fill_null(0).fill_nan(0).clip(lower_bound=0)
    return pl.when(gap > 1.5 * usual).then(missing).otherwise(0).cast(pl.Int64)
