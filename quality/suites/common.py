"""Rules and helpers that several datasets share. Frames hold one instrument, sorted by `sort`."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from market.dataset import SCHEMAS, Dataset, clock
from quality.rule import Context, DayRule, RowRule, Severity

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
GENESIS_NS = 1_230_940_800 * SECOND_NS  # 2009-01-03: nothing was traded before the first block
SKEW_NS = SECOND_NS                     # clocks of venues and ours agree better than this


def sort(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Sorted by `columns`, with `late`: the row came after one that it precedes in the first of them."""
    before = [pl.col(name).shift(1) for name in columns]
    smaller, tied = pl.lit(value=False), pl.lit(value=True)
    for name, last in zip(columns, before, strict=True):
        smaller = smaller | (tied & (pl.col(name) < last))
        tied = tied & (pl.col(name) == last)
    frame = frame.with_columns(
        late=(pl.col(columns[0]) < before[0]).fill_null(value=False), _smaller=smaller.fill_null(value=False)
    )
    # Sorting a million rows that are sorted costs as much as judging them.
    wanted = bool(frame["_smaller"].any())
    frame = frame.drop("_smaller")
    return frame.sort(columns, maintain_order=True) if wanted else frame


def with_neighbours(frame: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Adds `same_key` and `same_row`: whether the row before has the same key, and the same values too."""
    same_key = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key).fill_null(value=False)
    same_values = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in values)
    return frame.with_columns(same_key=same_key).with_columns(same_row=pl.col("same_key") & same_values)


def present(dataset: Dataset) -> RowRule:
    """No column is null."""
    missing = pl.any_horizontal(pl.col(name).is_null() for name in SCHEMAS[dataset])
    return RowRule("values_present", missing, "every column has a value")


def positive(*columns: str) -> RowRule:
    """The prices are above zero."""
    return RowRule(
        "prices_positive", pl.any_horizontal(pl.col(name) <= 0 for name in columns), "above zero", shows=columns
    )


def not_negative(column: str) -> RowRule:
    """The column is zero or more."""
    return RowRule(f"{column}_not_negative", pl.col(column) < 0, "zero or more", shows=(column,))


def unique(shows: Sequence[str], severity: Severity = Severity.ERROR) -> tuple[RowRule, RowRule]:
    """A key comes once; the same row twice loses nothing but says that the source repeats itself."""
    conflict = pl.col("same_key") & ~pl.col("same_row")
    return (
        RowRule("key_unique", conflict | (conflict.shift(-1) & (pl.col("same_key").shift(-1))),
                "no other row with the same key and other values", severity, tuple(shows)),
        RowRule("duplicates", pl.col("same_row"), "the same row only once", Severity.WARNING, tuple(shows)),
    )


def in_its_day(dataset: Dataset) -> RowRule:
    """The row lies in the day it was fetched for."""
    name = clock(dataset)
    offset = pl.col(name) - pl.col("day").cast(pl.Int64) * DAY_NS
    return RowRule("time_in_its_day", (offset < 0) | (offset >= DAY_NS), "inside the day it was asked for")


def sane_time(context: Context) -> RowRule:
    """The event is neither before there was a market nor after the moment the source was asked."""
    absurd = pl.col("ts_event") < GENESIS_NS
    if context.asked_ns:
        absurd = absurd | (pl.col("ts_event") > context.asked_ns + SKEW_NS)
    return RowRule("time_sane", absurd, "after 2009-01-03 and before the source was asked")


def known_after(delay_ns: int = 0, severity: Severity = Severity.ERROR, slack_ns: int = 0) -> RowRule:
    """Nobody knew the row before it was there: a row that is known too early lets a backtest see the future."""
    early = pl.col("ts_known") < pl.col("ts_event") + delay_ns - slack_ns
    return RowRule("known_after_event", early, "known no earlier than it happened", severity, ("ts_known",))


def no_jump(limits: str, shows: Sequence[str]) -> tuple[RowRule, RowRule]:
    """Outliers among the returns: see `with_jump`."""
    return (
        RowRule("no_spike", pl.col("spike"), f"no return beyond {limits} that the next one takes back",
                Severity.WARNING, tuple(shows)),
        RowRule("no_jump", pl.col("far") & ~pl.col("spike"), f"a return within {limits}", Severity.INFO,
                tuple(shows)),
    )


def received_sanely() -> tuple[RowRule, ...]:
    """Reception follows the event: for quotes and books, whose `ts_event` is 0 where the venue tells none."""
    tells = pl.col("ts_event").max() > 0
    lag = pl.col("ts_recv") - pl.col("ts_event")
    absurd = tells & ((pl.col("ts_event") < GENESIS_NS) | (lag.abs() > DAY_NS))
    # Only where the clocks agree otherwise: a clock that is behind all day is `clock_skew`.
    early = (pl.col("ts_event") > 0) & (lag < -SECOND_NS // 2_000) & (lag.quantile(0.05) > 0)
    slow = (pl.col("ts_event") > 0) & (lag > 60 * SECOND_NS) & (lag <= DAY_NS)
    shows = ("ts_event",)
    return (
        RowRule("time_sane", absurd, "an event time within a day of reception", shows=shows),
        RowRule("received_after_event", early, "received no earlier than it happened", Severity.WARNING, shows),
        RowRule("received_soon", slow, "received within a minute", Severity.WARNING, shows),
    )


def skew_metric() -> pl.Expr:
    """Median of reception minus event in seconds, 0 where no event time is told."""
    lag = pl.when(pl.col("ts_event") > 0).then(pl.col("ts_recv") - pl.col("ts_event"))
    return (lag.median() / SECOND_NS).fill_null(0.0).alias("clock_skew")


SKEW = DayRule(
    "clock_skew", "between 50 ms ahead and 10 s behind, median of reception minus event", least=-0.05, most=10.0
)
IN_ORDER = DayRule("in_order", "rows in the order of time, as the source gave them", Severity.INFO, most=0)


def order_metric() -> pl.Expr:
    """Rows that came after one they precede."""
    return pl.col("late").sum().alias("in_order")


def with_symbol(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Adds `other_symbol`: the source wrote another symbol beside the row than the one asked for."""
    if "symbol" not in frame.columns:
        return frame.with_columns(symbol=pl.lit(""), other_symbol=pl.lit(value=False))
    names = [name.upper() for name in (context.life.symbol, context.life.venue_symbol)]
    return frame.with_columns(other_symbol=~pl.col("symbol").str.to_uppercase().is_in(names))


SYMBOL = RowRule("symbol_right", pl.col("other_symbol"), "the symbol that was asked for", shows=("symbol",))


def robust_z(value: pl.Expr, floor: float) -> pl.Expr:
    """Distance from the median in deviations (1.4826 * MAD, at least `floor`), over the whole frame."""
    centre = value.median()
    spread = ((value - centre).abs().median() * 1.4826).clip(lower_bound=floor)
    return (value - centre) / spread


def with_jump(frame: pl.DataFrame, least: float, deviations: float) -> pl.DataFrame:
    """Adds what is beyond `least` and beyond so many robust deviations of the column `jump` (log returns).

    `far`: such a return, which markets in a crash do make. `spike`: one that the next return takes back.
    """
    wide = pl.col("jump").abs() > least
    # The median of a million numbers costs as much as all rules together, and most days have no wide jump.
    if not bool(frame.select(wide.any()).item()):
        return frame.with_columns(far=pl.lit(value=False), spike=pl.lit(value=False))
    far = wide & (robust_z(pl.col("jump"), 1e-4).abs() > deviations)
    back = (pl.col("jump") + pl.col("jump").shift(-1)).abs() < 0.2 * pl.col("jump").abs()
    return frame.with_columns(far=far, spike=far & back)


def runs(same: pl.Expr) -> pl.Expr:
    """Length so far of the run of rows for which `same` (as the row before) holds; 0 where it does not."""
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    start = pl.when(~same).then(number).forward_fill().fill_null(0)
    return pl.when(same).then(number - start).otherwise(0)
