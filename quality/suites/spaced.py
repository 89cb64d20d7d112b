"""What open interest, funding and series share: values at a steady interval that only the values themselves tell."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from quality.rule import Context, DayRule
from quality.suites import common
from quality.suites.common import DAY_NS, SECOND_NS

SLACK_NS = 60 * SECOND_NS  # values are stamped some milliseconds to seconds late

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
            hole=holes(context),
            stale=common.runs((number == number.shift(1)).fill_null(value=False)),
            jump=pl.when(above).then((number / number.shift(1)).log()).fill_null(0.0),
            z=common.robust_z(number, 1e-9).fill_nan(0.0).fill_null(0.0),
        )

    return with_helpers


def holes(context: Context, widest_s: int = 0) -> pl.Expr:
    """Values missing right before the row: a gap of at least one and a half steps of those on both sides of it.

    A venue may change its interval: then the gap before is as wide, and nothing is missing. Beyond `widest_s` a gap
    is one whatever is beside it. The first row also counts what lacks since its day began, the last what lacks to the
    end of its day.
    """
    ts, day_ns = pl.col("ts_event"), pl.col("day").cast(pl.Int64) * DAY_NS
    wide = pl.lit(widest_s * SECOND_NS if widest_s else None, dtype=pl.Int64)
    gap = ts.diff()
    before, after = gap.shift(1), gap.shift(-1)
    sides = pl.max_horizontal(before, after)  # of what is there, where one is null
    usual = pl.min_horizontal(sides, wide).clip(lower_bound=SECOND_NS)
    inside = pl.when(gap > 1.5 * usual).then((gap.cast(pl.Float64) / usual).round() - 1)
    number, last = pl.int_range(pl.len()), pl.len() - 1
    step = pl.min_horizontal(pl.coalesce(after, gap), wide).clip(lower_bound=SECOND_NS)
    born, died = context.begin_ns, context.life.valid_to
    lead = pl.when((number == 0) & ~pl.lit(born).is_between(day_ns + 1, ts)).then(
        (ts - day_ns + SLACK_NS) // step
    )
    tail = pl.when((number == last) & ~pl.lit(died or -1).is_between(ts, day_ns + DAY_NS)).then(
        (day_ns + DAY_NS - SLACK_NS - ts) // step
    )
    return pl.sum_horizontal(part.cast(pl.Int64).clip(lower_bound=0).fill_null(0) for part in (inside, lead, tail))
