"""Funding rates: possible in themselves, at the venue's hours, none left out."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common, spaced
from quality.suites.common import HOUR_NS
from quality.suites.spaced import SLACK_NS

LIMIT = 100_000_000_000   # 10 % a period in 10^-12: no venue's cap is above it
UNUSUAL = 50_000_000_000  # 5 %


def suite(context: Context) -> Suite:
    """The expectations of funding rates."""
    documented = context.facts.funding_documented
    return Suite(
        Dataset.FUNDING_RATES,
        key=("ts_event",),
        rows=(
            common.present(Dataset.FUNDING_RATES),
            RowRule("rate_within_caps", pl.col("rate").abs() > LIMIT, "within 10 % a period", shows=("rate",)),
            RowRule("rate_usual", (pl.col("rate").abs() > UNUSUAL) & (pl.col("rate").abs() <= LIMIT),
                    "within 5 % a period", Severity.WARNING, ("rate",)),
            common.not_negative("mark_price"),
            common.in_its_day(Dataset.FUNDING_RATES),
            common.sane_time(context),
            common.known_after(),
            *common.unique(("rate",)),
            common.SYMBOL,
            RowRule("not_before_listing", pl.col("ts_event") < context.begin_ns, "none from before the listing",
                    Severity.WARNING, ("rate",)),
            RowRule("on_the_hour", pl.col("off_hour") > SLACK_NS, "within a minute of a full hour", Severity.WARNING),
        ),
        days=(
            DayRule("settlements_missing", "no settlement left out", most=0),
            DayRule("settlements_some", "a settlement", least=1),
            DayRule("funding_grid", f"settled at the venue's hours, UTC: {_hours(context)}",
                    Severity.ERROR if documented else Severity.WARNING, most=0, whole_day=True),
            common.IN_ORDER,
        ),
        prepare=_prepare(context),
        metrics=(
            pl.col("hole").sum().alias("settlements_missing"),
            # Hours that every settlement of the day is off; a single one may be late.
            pl.when(pl.len() > 1).then(pl.col("shift_h").min()).otherwise(0).alias("funding_grid"),
            common.order_metric(),
        ),
        derived=(pl.col("rows").alias("settlements_some"),),
        expected_rows=lambda _: 24 // context.facts.funding_usual_h,
    )


def _hours(context: Context) -> str:
    return ", ".join(map(str, context.facts.funding_hours)) or "each"


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    usual, grid = context.facts.funding_usual_h, context.facts.funding_grid_h

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_event"]), context)
        frame = common.with_neighbours(frame, ["ts_event"], ("rate",))
        near = (pl.col("ts_event") + HOUR_NS // 2) // HOUR_NS
        off = (pl.col("ts_event") - near * HOUR_NS).abs()
        # An instrument may be settled more often than usual at its venue: then its hours repeat with its own step.
        step = (near.diff().filter(near.diff() > 0).mode().min()).fill_null(grid).clip(1, grid)
        first = min(context.facts.funding_hours, default=0)
        return frame.with_columns(
            off_hour=off,
            shift_h=pl.when(off <= SLACK_NS).then((near - first) % step).otherwise(0),
            hole=spaced.holes(context, usual * 3_600),
        )

    return prepare
