"""Quotes: best bid and ask as the venue told them, possible in themselves and received in order."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common
from quality.suites.common import HOUR_NS

SPREAD, SPREAD_TIMES = 0.05, 20.0  # of the mid, and of the median spread
_VALUES = ("ts_event", "bid_price", "bid_qty", "ask_price", "ask_qty")
_PRICES = ("bid_price", "ask_price")


def suite(context: Context) -> Suite:
    """The expectations of quotes."""
    return Suite(
        Dataset.QUOTES,
        key=("ts_recv", "seq"),
        rows=_rows(),
        days=(
            common.SKEW,
            DayRule("longest_gap", "a quote each hour", Severity.INFO, most=HOUR_NS),
            DayRule("quotes_some", "a quote", Severity.INFO, least=1),
            common.IN_ORDER,
        ),
        prepare=_prepare(context),
        metrics=(
            common.skew_metric(), pl.col("ts_recv").diff().max().alias("longest_gap"), common.order_metric(),
        ),
        derived=(pl.col("rows").alias("quotes_some"),),
        expected_rows=lambda _: 0,
    )


def _rows() -> tuple[RowRule, ...]:
    both = (pl.col("bid_price") > 0) & (pl.col("ask_price") > 0)
    return (
        common.present(Dataset.QUOTES),
        # 0 stands for a side that is empty.
        RowRule("prices_not_negative", pl.min_horizontal(_PRICES) < 0, "zero or more", shows=_PRICES),
        RowRule("qty_not_negative", pl.min_horizontal("bid_qty", "ask_qty") < 0, "zero or more",
                shows=("bid_qty", "ask_qty")),
        RowRule("not_crossed", both & (pl.col("bid_price") > pl.col("ask_price")), "bid at or below ask",
                Severity.WARNING, _PRICES),
        RowRule("not_locked", both & (pl.col("bid_price") == pl.col("ask_price")), "bid below ask", Severity.INFO,
                _PRICES),
        RowRule("two_sided", ~both, "a bid and an ask", Severity.INFO, _PRICES),
        RowRule("spread_usual", (pl.col("spread") > SPREAD)
                & (pl.col("spread") > SPREAD_TIMES * pl.col("spread").median()),
                "a spread within 5 % of the mid or 20 times the median", Severity.WARNING, _PRICES),
        *common.unique(_PRICES, Severity.WARNING),
        common.in_its_day(Dataset.QUOTES),
        *common.received_sanely(),
        RowRule("number_rises", pl.col("number_back"), "update numbers rise", Severity.WARNING),
        common.SYMBOL,
    )


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_recv", "seq"]), context)
        frame = common.with_neighbours(frame, ["ts_recv", "seq"], _VALUES)
        bid, ask = pl.col("bid_price").cast(pl.Float64), pl.col("ask_price").cast(pl.Float64)
        return frame.with_columns(
            spread=pl.when((bid > 0) & (ask > 0)).then(2 * (ask - bid) / (ask + bid)).fill_null(0.0),
            # A number that is not told is 0.
            number_back=((pl.col("seq") < pl.col("seq").shift(1)) & (pl.col("seq") > 0)).fill_null(value=False),
        )

    return prepare
