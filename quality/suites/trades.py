"""Trades: each possible in itself, numbered without holes where the venue numbers them, in the order of the numbers."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common
from quality.suites.common import HOUR_NS, SECOND_NS

DETACHED = 10.0         # no venue's price bands let an order through so far above the market
JUMP, JUMP_Z = 0.05, 50.0
BACKWARDS_NS = 60 * SECOND_NS
UNORDERED = 0.05        # share of numbers below the one before, from which on numbers say nothing about order
_VALUES = ("ts_event", "price", "qty", "side")


def suite(context: Context) -> Suite:
    """The expectations of trades."""
    return Suite(
        Dataset.TRADES,
        key=("ts_event", "trade_id"),
        rows=_rows(context),
        days=(
            DayRule("numbers_missing", "every trade number up to the last", most=0),
            DayRule("longest_gap", "a trade each hour", Severity.INFO, most=HOUR_NS),
            DayRule("trades_some", "a trade", Severity.INFO, least=1),
            common.IN_ORDER,
        ),
        prepare=_prepare(context),
        metrics=(
            pl.col("hole").sum().alias("missing"),
            pl.col("ts_event").diff().max().alias("longest_gap"),
            common.order_metric(),
        ),
        # A venue that numbers all its symbols together leaves most numbers out: where more are missing than there,
        # and nobody knows that its numbers are dense, nothing can be read from them.
        derived=(
            pl.when(pl.lit(context.facts.trade_ids_dense) | (pl.col("missing") <= pl.col("rows")))
            .then("missing").otherwise(0).alias("numbers_missing"),
            pl.col("rows").alias("trades_some"),
        ),
        expected_rows=lambda _: 0,
    )


def _rows(context: Context) -> tuple[RowRule, ...]:
    null = (pl.col("price") == 0) & (pl.col("qty") == 0)
    # Price 0 and quantity 0 together is how some venues fill a number that they took back.
    genuine = null if context.facts.null_trades else pl.lit(value=False)
    begin = context.begin_ns
    return (
        common.present(Dataset.TRADES),
        RowRule("price_positive", (pl.col("price") <= 0) & ~genuine, "above zero", shows=("price",)),
        RowRule("qty_positive", (pl.col("qty") <= 0) & ~genuine, "above zero", shows=("qty",)),
        RowRule("not_null_trade", genuine, "a price and a quantity, though the venue gives neither now and then",
                Severity.INFO, ("price", "qty")),
        RowRule("side_known", pl.col("side") > 2, "buy, sell or not told", shows=("side",)),
        RowRule("side_told", pl.col("side") == 0, "buy or sell", Severity.INFO, ("side",)),
        *common.unique(("price", "qty", "side")),
        RowRule("time_follows_number", pl.col("backwards"), "time rises with the number", shows=("price",)),
        common.in_its_day(Dataset.TRADES),
        common.sane_time(context),
        common.known_after(severity=Severity.WARNING, slack_ns=common.SKEW_NS),
        RowRule("known_soon", pl.col("slow"), "known within an hour, where half of the day is known within a minute",
                Severity.WARNING, ("ts_known",)),
        common.SYMBOL,
        RowRule("not_before_listing", pl.col("ts_event") < begin, "no trade from before the listing",
                Severity.WARNING, ("price",)),
        RowRule("not_detached", pl.col("detached"), "a price less than ten times those around it", shows=("price",)),
        *common.no_jump("5 % or 50 robust deviations", ("price",)),
    )


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_event", "trade_id"]), context)
        step = pl.col("trade_id").diff()
        share = float(frame.select((step < 0).mean().fill_null(0.0)).item()) if frame.height else 0.0
        numbered = share < UNORDERED
        if numbered and share > 0:
            frame = frame.sort("trade_id", maintain_order=True)
        frame = common.with_neighbours(frame, ["trade_id"], _VALUES)
        price = pl.when((pl.col("price") > 0) & (pl.col("price").shift(1) > 0)).then(
            pl.col("price").cast(pl.Float64)
        )
        jump = (price / pl.col("price").shift(1)).log().fill_null(0.0)
        top = pl.max_horizontal(pl.col("price").shift(1), pl.col("price").shift(-1))
        both = (pl.col("price").shift(1) > 0) & (pl.col("price").shift(-1) > 0)
        frame = frame.with_columns(
            numbered=pl.lit(numbered),
            hole=pl.when(pl.lit(numbered) & (step > 1)).then(step - 1).otherwise(0),
            backwards=_backwards() if numbered else pl.lit(value=False),
            jump=jump,
            slow=_slow(frame),
            detached=both & (pl.col("price") > DETACHED * top),
        )
        return common.with_jump(frame, JUMP, JUMP_Z)

    return prepare


def _slow(frame: pl.DataFrame) -> pl.Expr:
    """Rows that were known much later than the others."""
    lag = pl.col("ts_known") - pl.col("ts_event")
    if not bool(frame.select((lag > HOUR_NS).any()).item()):
        return pl.lit(value=False)
    return (lag > HOUR_NS) & (lag.median() < 60 * SECOND_NS)


def _backwards() -> pl.Expr:
    """The row whose time does not fit between those of its neighbours by number, not the one after it."""
    ts, before, after = pl.col("ts_event"), pl.col("ts_event").shift(1), pl.col("ts_event").shift(-1)
    early = (ts < before - BACKWARDS_NS) & (after.is_null() | (after >= before))
    late = (ts > after + BACKWARDS_NS) & (before.is_null() | (after >= before))
    # A block of rows that is displaced has neighbours that are too: then each step back is named.
    block = (ts < before - BACKWARDS_NS) & (after < before) & (after >= ts) & ~late.shift(1, fill_value=False)
    return early | late | block
