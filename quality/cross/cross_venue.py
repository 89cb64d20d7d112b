"""Closes beside those of other venues at the same moment: one that stands alone is an outlier."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from quality.cross.look import Look
from quality.frames import with_day
from quality.rule import DayRule, Severity
from quality.suites.common import robust_z

APART = DayRule("cross_venue", "a close within 3 % or 20 robust deviations of the other venues' median", most=0)
ABSURD = DayRule(
    "cross_venue_absurd", "a close within a factor of two of venues that agree with each other", Severity.ERROR, most=0
)
LEAST, DEVIATIONS = 0.03, 20.0
DOUBLE = 0.693   # log of two
AGREED = 0.02    # log distance of the others from each other, two of them at least
_NAMES = ("instrument", "day", "ts_event", "close", "others", "apart")


def look(bars: pl.DataFrame, others: Sequence[pl.DataFrame], days: pl.DataFrame) -> list[Look]:
    """Bars whose close stands apart. Frames need `ts_event` and `price`, the close as a number; `others` is one a
    venue."""
    if not others:
        return []
    elsewhere = pl.concat(other.select("ts_event", other="price") for other in others).group_by("ts_event").agg(
        pl.col("other").median().alias("others"), venues=pl.len(),
        spread=(pl.col("other").max() / pl.col("other").min()).log(),
    )
    both = with_day(bars.join(elsewhere, on="ts_event", how="inner", maintain_order="left"))
    both = both.filter((pl.col("price") > 0) & (pl.col("others") > 0)).with_columns(
        apart=(pl.col("price") / pl.col("others")).log()
    )
    # A quote in another coin or a premium shifts all closes alike: what counts is the distance from the usual one.
    usual = both.with_columns(apart_usual=pl.col("apart") - pl.col("apart").median(), z=robust_z(pl.col("apart"), 1e-4))
    far = usual.filter((pl.col("apart_usual").abs() > LEAST) & (pl.col("z").abs() > DEVIATIONS))
    absurd = usual.filter(
        (pl.col("apart_usual").abs() > DOUBLE) & (pl.col("venues") >= 2) & (pl.col("spread") < AGREED)
    )
    on = ["instrument", "day"]
    return [
        Look(rule, rows.select(_NAMES).join(days, on=on, how="semi"), days)
        for rule, rows in ((APART, far), (ABSURD, absurd))
    ]
