"""Book snapshots: both sides sorted from the best on, not crossed, every level with a price and a quantity."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common
from quality.suites.common import HOUR_NS


def suite(context: Context) -> Suite:
    """The expectations of book snapshots."""
    return Suite(
        Dataset.BOOK_SNAPSHOTS,
        key=("ts_recv", "seq"),
        rows=_rows(),
        days=(
            common.SKEW,
            DayRule("longest_gap", "a snapshot each hour", Severity.INFO, most=HOUR_NS),
            DayRule("snapshots_some", "a snapshot", Severity.INFO, least=1),
            common.IN_ORDER,
        ),
        prepare=_prepare(context),
        metrics=(
            common.skew_metric(), pl.col("ts_recv").diff().max().alias("longest_gap"), common.order_metric(),
        ),
        derived=(pl.col("rows").alias("snapshots_some"),),
        expected_rows=lambda _: 0,
    )


def _rows() -> tuple[RowRule, ...]:
    shows = ("best_bid", "best_ask")
    least = pl.min_horizontal("least_price", "least_qty")
    return (
        common.present(Dataset.BOOK_SNAPSHOTS),
        RowRule("levels_positive", least <= 0, "prices and quantities above zero",
                shows=("least_price", "least_qty")),
        RowRule("levels_sorted", pl.col("unsorted"), "bids falling and asks rising, a price only once", shows=shows),
        RowRule("not_crossed", pl.col("best_bid") >= pl.col("best_ask"), "best bid below best ask",
                Severity.WARNING, shows),
        RowRule("two_sided", pl.col("best_bid").is_null() | pl.col("best_ask").is_null(), "a bid and an ask",
                Severity.INFO, shows),
        *common.unique(shows, Severity.WARNING),
        common.in_its_day(Dataset.BOOK_SNAPSHOTS),
        *common.received_sanely(),
        common.SYMBOL,
    )


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_recv", "seq"]), context)
        bids, asks = (pl.col(name).list.eval(pl.element().struct.field("price")) for name in ("bids", "asks"))
        price = pl.concat_list(bids, asks).list.min()
        qty = pl.concat_list(
            *(pl.col(name).list.eval(pl.element().struct.field("qty")) for name in ("bids", "asks"))
        ).list.min()
        falling = bids.list.diff().list.max() >= 0
        rising = asks.list.diff().list.min() <= 0
        frame = frame.with_columns(
            least_price=price, least_qty=qty, best_bid=bids.list.first(), best_ask=asks.list.first(),
            unsorted=falling.fill_null(value=False) | rising.fill_null(value=False),
        )
        return common.with_neighbours(
            frame, ["ts_recv", "seq"], ("ts_event", "best_bid", "best_ask", "least_price", "least_qty")
        )

    return prepare
