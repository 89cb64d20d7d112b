"""Funding rates: possible in themselves, at the venue's hours, none left out."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common, spaced
from quality.suites.common import HOUR_NS, SECOND_NS

LIMIT = 100_000_000_000   # 10 % a period in 10^-12: no venue's cap is above it
UNUSUAL = 50_000_000_000  # 5 %
SLACK_NS = 60 * SECOND_NS  # venues stamp a settlement some milliseconds to seconds late


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
            pl.col("shifted").all().cast(pl.Int64).alias("funding_grid"),
            common.order_metric(),
        ),
        derived=(pl.col("rows").alias("settlements_some"),),
        expected_rows=lambda _: 24 // spacing(context) if spacing(context) else 0,
    )


def spacing(context: Context) -> int:
    """Hours between settlements where nothing else is known: the venue's usual."""
    hours = context.facts.funding_hours
    return 24 // len(hours) if hours else 1


def _hours(context: Context) -> str:
    return ", ".join(map(str, context.facts.funding_hours)) or "each"


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    usual = spacing(context)

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_event"]), context)
        frame = common.with_neighbours(frame, ["ts_event"], ("rate",))
        near = (pl.col("ts_event") + HOUR_NS // 2) // HOUR_NS
        off = (pl.col("ts_event") - near * HOUR_NS).abs()
        # An instrument may be settled more often than usual at its venue: then its hours repeat with its own step.
        step = (near.diff().filter(near.diff() > 0).mode().min()).fill_null(usual).clip(1, usual)
        first = min(context.facts.funding_hours, default=0)
        return frame.with_columns(
            off_hour=off, shifted=((near - first) % step != 0) & (off <= SLACK_NS), hole=spaced.holes(usual * 3_600)
        )

    return prepare
