"""Bars of any interval: each possible in itself, at its place in the grid, and a day has all of its bars."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl

from market.dataset import Dataset
from quality.rule import Context, DayRule, RowRule, Severity, Suite
from quality.suites import common
from quality.suites.common import DAY_NS, SECOND_NS

WEEK_S, MONTH_S = 604_800, 28 * 86_400
MONDAY_NS = 4 * DAY_NS       # the first Monday after the epoch; weeks begin there
DETACHED = 10.0              # no venue's price bands let an order through so far from the market
JUMP, JUMP_Z = 0.10, 30.0    # of a minute; a return beyond both is an outlier
WICK, WICK_UP = 0.50, 1.1    # log distance of high or low from the body; markets fall that far, they do not rise
FROZEN = 5                   # bars equal in all four prices and a volume above zero
STALE = 60                   # bars with the same close
_PRICES = ("open", "high", "low", "close")


def suite(context: Context) -> Suite:
    """The expectations of bars of `context.interval_s`."""
    return Suite(
        Dataset.BARS,
        key=("ts_event",),
        rows=_rows(context),
        days=(
            DayRule("bars_missing", "every bar of the interval", most=0),
            DayRule("stamped_at_start", "bars stamped at their start: no first bar lacks while the next day's is there",
                    Severity.ERROR, most=0, whole_day=True),
            DayRule("frozen_run", f"no {FROZEN} bars in a row equal in every price and volume", most=FROZEN - 1),
            DayRule("stale_run", f"no {STALE} bars in a row with the same close", Severity.INFO, most=STALE - 1),
            DayRule("zero_volume_run", f"no {STALE} bars in a row without volume", Severity.INFO, most=STALE - 1),
            DayRule("volume_some", "a volume above zero", Severity.INFO, least=1),
            common.IN_ORDER,
        ),
        prepare=_prepare(context),
        metrics=_metrics(context),
        derived=(
            (pl.col("expected") - pl.col("there")).clip(lower_bound=0).alias("bars_missing"),
            (pl.col("shifted") * (pl.col("rows") == pl.col("expected"))).alias("stamped_at_start"),
            pl.when(pl.col("expected") == 0).then(1).otherwise("volume").alias("volume_some"),
        ),
        expected_rows=lambda start: expected(context, start, start + DAY_NS),
    )


def expected(context: Context, start_ns: int, end_ns: int) -> int:
    """Bars of the grid in [start, end) while the instrument lived."""
    life = context.life
    start = max(start_ns, context.begin_ns)
    end = min(end_ns, life.valid_to or end_ns)
    if end <= start:
        return 0
    if context.interval_s >= MONTH_S:
        return sum(_is_month(day * DAY_NS) for day in range(-(-start // DAY_NS), -(-end // DAY_NS)))
    width, origin = context.interval_s * SECOND_NS, _origin(context)
    return -(-(end - origin) // width) - -(-(start - origin) // width)


def _rows(context: Context) -> tuple[RowRule, ...]:
    width = context.interval_s * SECOND_NS
    # Some venues open a bar at the close of the one before, which high and low need not hold.
    body = ("close",) if context.facts.opens_at_previous_close else ("open", "close")
    top, bottom = pl.max_horizontal(body), pl.min_horizontal(body)
    begin = context.begin_ns - context.begin_ns % width
    before = pl.col("ts_event") < begin
    flat = (pl.col("high") == pl.col("low")) & (pl.col("volume") == 0)
    forming = pl.col("ts_event") + width > context.asked_ns if context.asked_ns else pl.lit(value=False)
    return (
        common.present(Dataset.BARS),
        common.positive(*_PRICES),
        RowRule("high_over_body", pl.col("high") < top, "high at or above open and close", shows=_PRICES),
        RowRule("low_under_body", pl.col("low") > bottom, "low at or below open and close", shows=_PRICES),
        RowRule("high_over_low", pl.col("high") < pl.col("low"), "high at or above low", shows=_PRICES),
        common.not_negative("volume"),
        RowRule("count_sane", pl.col("count") < -1, "a number of trades, or -1 for not told", shows=("count",)),
        RowRule("interval_right", pl.col("interval_s") != context.interval_s, f"{context.interval_s} s",
                shows=("interval_s",)),
        RowRule("on_grid", _off_grid(context), "a start that is a multiple of the interval"),
        common.in_its_day(Dataset.BARS),
        common.sane_time(context),
        # A month is known no earlier than after its shortest form.
        common.known_after(min(width, MONTH_S * SECOND_NS) if context.interval_s >= MONTH_S else width),
        RowRule("bar_closed", forming, "closed by the source's clock", shows=("close", "volume")),
        *common.unique(("close", "volume")),
        common.SYMBOL,
        RowRule("not_flat_before_listing", before & flat if begin else pl.lit(value=False),
                "no constant price filled in from before the listing", shows=("close",)),
        RowRule("not_before_listing", before & ~flat if begin else pl.lit(value=False),
                "no bar from before the listing", Severity.WARNING, ("close",)),
        RowRule("not_detached", pl.col("detached"),
                "prices less than ten times those of both neighbours, or more than a tenth", shows=_PRICES),
        *common.no_jump(f"{math.expm1(_jump(context)):.0%} or {JUMP_Z:g} robust deviations", ("open", "close")),
        RowRule("no_wick_up", pl.col("wick_up") > WICK_UP, "a high within three times the body", Severity.WARNING,
                _PRICES),
        RowRule("no_wick", (pl.col("wick_up") > WICK) | (pl.col("wick_down") > WICK),
                "high and low within 65 % of the body", Severity.INFO, _PRICES),
    )


def _prepare(context: Context) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        frame = common.with_symbol(common.sort(frame, ["ts_event"]), context)
        frame = common.with_neighbours(frame, ["ts_event"], (*_PRICES, "volume"))
        number = {name: pl.col(name).cast(pl.Float64).clip(lower_bound=0.5) for name in _PRICES}
        close, top, bottom = number["close"], pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        next_to = pl.col("ts_event").diff() <= 5 * context.interval_s * SECOND_NS
        jump = pl.when(next_to).then((close / close.shift(1)).log()).fill_null(0.0)
        before, after = close.shift(1), number["open"].shift(-1)
        agree = (before / after).log().abs() < 0.1
        above = (number["low"] > DETACHED * pl.max_horizontal(before, after))
        below = (number["high"] * DETACHED < pl.min_horizontal(before, after))
        prices_same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _PRICES)
        frame = frame.with_columns(
            jump=jump,
            detached=agree & (above | below),
            wick_up=(number["high"] / top.cast(pl.Float64).clip(lower_bound=0.5)).log(),
            wick_down=(bottom.cast(pl.Float64).clip(lower_bound=0.5) / number["low"]).log(),
            frozen=common.runs((prices_same & (pl.col("volume") == pl.col("volume").shift(1))
                                & (pl.col("volume") > 0)).fill_null(value=False)),
            stale=common.runs((pl.col("close") == pl.col("close").shift(1)).fill_null(value=False)),
            silent=common.runs(((pl.col("volume") == 0) & (pl.col("volume").shift(1) == 0)).fill_null(value=False)),
        )
        return common.with_jump(frame, _jump(context), JUMP_Z)

    return prepare


def _metrics(context: Context) -> tuple[pl.Expr, ...]:
    ts, width = pl.col("ts_event"), context.interval_s * SECOND_NS
    day_ns = pl.col("day").first().cast(pl.Int64) * DAY_NS
    return (
        ts.filter(~_off_grid(context)).n_unique().cast(pl.Int64).alias("there"),
        ((ts.min() == day_ns + width) & (ts.max() == day_ns + DAY_NS)).cast(pl.Int8).alias("shifted"),
        _longest("frozen", "frozen_run"), _longest("stale", "stale_run"), _longest("silent", "zero_volume_run"),
        pl.col("volume").sum(),
        common.order_metric(),
    )


def _longest(column: str, name: str) -> pl.Expr:
    """Rows of the longest run, the row that began it included."""
    longest = pl.col(column).max()
    return pl.when(longest > 0).then(longest + 1).otherwise(0).alias(name)


def _off_grid(context: Context) -> pl.Expr:
    ts = pl.col("ts_event")
    if context.interval_s >= MONTH_S:
        return (ts % DAY_NS != 0) | (pl.from_epoch(ts, time_unit="ns").dt.day() != 1)
    return (ts - _origin(context)) % (context.interval_s * SECOND_NS) != 0


def _jump(context: Context) -> float:
    """Log return beyond which a bar is looked at: it grows with the root of the interval."""
    return min(JUMP * math.sqrt(context.interval_s / 60), 1.0)


def _origin(context: Context) -> int:
    """A start of a bar: weeks begin on Mondays, everything else divides the epoch."""
    return MONDAY_NS if context.interval_s % WEEK_S == 0 else 0


def _is_month(day_ns: int) -> bool:
    return datetime.fromtimestamp(day_ns // SECOND_NS, tz=UTC).day == 1
