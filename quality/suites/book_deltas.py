"""Book deltas: levels possible in themselves, packets whole, update numbers without a hole."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.dataset import Dataset
from market.events import Flag
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common
from quality.suites.common import HOUR_NS

UNCHAINED = 0.5  # share of packets that do not follow the one before, from which on numbers say nothing
_KEY = ("ts_recv", "last_seq", "side", "price")


def suite(context: Context) -> Suite:
    """The expectations of book deltas."""
    return Suite(
        Dataset.BOOK_DELTAS,
        key=("ts_recv", "last_seq"),
        rows=_rows(),
        days=(
            DayRule("updates_missing", "each packet begins where the one before ended", most=0),
            common.SKEW,
            DayRule("longest_gap", "a packet each hour", Severity.INFO, most=HOUR_NS),
            DayRule("deltas_some", "a packet", Severity.INFO, least=1),
            common.IN_ORDER,
        ),
        prepare=_prepare(context),
        metrics=(
            pl.col("hole").sum().alias("updates_missing"), common.skew_metric(),
            pl.col("ts_recv").diff().max().alias("longest_gap"), common.order_metric(),
        ),
        derived=(pl.col("rows").alias("deltas_some"),),
        expected_rows=lambda _: 0,
    )


def _rows() -> tuple[RowRule, ...]:
    shows = ("first_seq", "side", "price", "qty")
    level = pl.col("side") > 0   # side 0: a packet without levels
    return (
        common.present(Dataset.BOOK_DELTAS),
        RowRule("price_positive", level & (pl.col("price") <= 0), "above zero", shows=shows),
        common.not_negative("qty"),
        RowRule("side_known", pl.col("side") > 2, "bid, ask, or none for a packet without levels", shows=shows),
        RowRule("numbers_ordered", pl.col("first_seq") > pl.col("last_seq"), "first number up to the last",
                shows=shows),
        RowRule("packet_whole", pl.col("torn"), "the same first number and times in all rows of a packet",
                shows=("first_seq", "ts_event")),
        RowRule("number_rises", pl.col("overlap"), "a packet begins after the one before ended", Severity.WARNING,
                shows),
        *common.unique(shows, Severity.WARNING),
        common.in_its_day(Dataset.BOOK_DELTAS),
        *common.received_sanely(),
        common.SYMBOL,
    )


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, _KEY), context)
        frame = common.with_neighbours(frame, _KEY, ("first_seq", "ts_event", "qty"))
        first, last = pl.col("first_seq"), pl.col("last_seq")
        same = (last == last.shift(1)).fill_null(value=False)
        start = (pl.col("flags") & int(Flag.SNAPSHOT_START)) != 0
        told = (last > 0) & ~start & ~same & last.shift(1).is_not_null()
        gap = pl.when(told).then(first - last.shift(1) - 1).otherwise(0)
        differs = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in ("first_seq", "ts_event"))
        frame = frame.with_columns(_told=told, _gap=gap, _differs=(same & differs).fill_null(value=False))
        chained = bool(frame.select(
            (pl.col("_gap") != 0).sum() <= UNCHAINED * pl.col("_told").sum()
        ).item()) if frame.height else True
        return frame.with_columns(
            # Which of two rows that disagree is the wrong one cannot be told: both are named.
            torn=pl.col("_differs") | pl.col("_differs").shift(-1, fill_value=False),
            hole=pl.when(chained).then(pl.col("_gap").clip(lower_bound=0)).otherwise(0),
            overlap=(pl.col("_gap") < 0) & chained,
        )

    return prepare
