"""Redenominations as factors applied on read: what was traded stays in the tables, a series in one unit comes out.

From `ts_event` on, one old unit of the base asset is numerator/denominator new ones. As of a time, rows before a
redenomination that had happened by then are told in the unit of that time: quantities times numerator/denominator,
prices times denominator/numerator.

The integers stay exact. Where a ratio needs more decimals than the instrument's scale has (1:10 turns 85.1234 into
8.51234), all rows of that instrument are given in a finer scale, which stands beside them in `price_scale` and
`qty_scale`; nothing is rounded. Notional values do not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from infra.errors import TickhouseError
from market.errors import MarketCode
from market.rounding import INT64_MAX

PRICES = ("open", "high", "low", "close", "price", "bid_price", "ask_price", "mark_price")
QUANTITIES = ("volume", "qty", "bid_qty", "ask_qty")
MARKS = {"numerator": pl.Int64, "denominator": pl.Int64, "price_scale": pl.UInt8, "qty_scale": pl.UInt8}
_BOOKS = ("bids", "asks")


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One redenomination; ADJUSTMENT_BAD unless both numbers are positive."""

    instrument: int
    ts_event: int     # ns: rows from here on are in the new unit
    ts_known: int     # ns: when it was announced or seen
    numerator: int    # 1000 old for 1 new: numerator 1, denominator 1000
    denominator: int
    reason: str = ""

    def __post_init__(self) -> None:
        if min(self.numerator, self.denominator) <= 0:
            raise TickhouseError(
                MarketCode.ADJUSTMENT_BAD, instrument=self.instrument, numerator=self.numerator,
                denominator=self.denominator,
            )

    @property
    def ratio(self) -> Fraction:
        """New units for one old one."""
        return Fraction(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class Scales:
    """Scales of an instrument's integers."""

    price: int
    qty: int


def in_force(adjustments: Sequence[Adjustment], as_of_ns: int | None = None) -> list[Adjustment]:
    """Those known and effective at `as_of_ns` (None: all), by instrument and time; the latest known of each time."""
    latest: dict[tuple[int, int], Adjustment] = {}
    for item in sorted(adjustments, key=lambda item: item.ts_known):
        if as_of_ns is None or max(item.ts_known, item.ts_event) <= as_of_ns:
            latest[item.instrument, item.ts_event] = item
    return [latest[key] for key in sorted(latest)]


def ratio_at(adjustments: Sequence[Adjustment], instrument: int, ts: int) -> Fraction:
    """What one unit of time `ts` is in units after all of `adjustments` (as `in_force` gives them): their product."""
    product = Fraction(1)
    for item in adjustments:
        if item.instrument == instrument and item.ts_event > ts:
            product *= item.ratio
    return product


def scales_of(adjustments: Sequence[Adjustment], instrument: int, scales: Scales) -> Scales:
    """The scales in which every adjusted integer of the instrument is exact; ADJUSTMENT_INEXACT where none is.

    For one third there is none.
    """
    ratios = [ratio_at(adjustments, instrument, until - 1) for until in _edges(adjustments, instrument)]
    price = max((_digits(1 / ratio, instrument) for ratio in ratios), default=0)
    qty = max((_digits(ratio, instrument) for ratio in ratios), default=0)
    return Scales(scales.price + price, scales.qty + qty)


def apply(
    frame: pl.DataFrame, adjustments: Sequence[Adjustment], scales: Mapping[int, Scales]
) -> pl.DataFrame:
    """The rows in the unit after all of `adjustments` (as `in_force` gives them), with four columns more.

    `numerator`, `denominator`: what was applied to the row. `price_scale`, `qty_scale`: of its integers. A frame that
    is adjusted already is brought back first, so that applying twice is applying once. MARKET_NUMBER_RANGE where a
    number no longer fits in 64 bits, ADJUSTMENT_UNSUITED for books. `scales` has every instrument of the frame.
    """
    if any(name in frame.columns for name in _BOOKS):
        raise TickhouseError(MarketCode.ADJUSTMENT_UNSUITED, columns=",".join(frame.columns))
    raw = revert(frame, scales) if "numerator" in frame.columns else frame
    epochs = _epochs(adjustments, scales, raw["instrument"].unique().to_list())
    marked = raw.with_row_index("_row").sort("ts_event").join_asof(
        epochs.sort("_until"), left_on="ts_event", right_on="_until", by="instrument", strategy="forward",
        allow_exact_matches=False, check_sortedness=False,
    ).sort("_row").drop("_row", "_until")
    made = marked.with_columns(
        *(_times(marked, name, "_price") for name in PRICES if name in raw.columns),
        *(_times(marked, name, "_qty") for name in QUANTITIES if name in raw.columns),
    )
    return made.select(*raw.columns, *MARKS)


def revert(frame: pl.DataFrame, scales: Mapping[int, Scales]) -> pl.DataFrame:
    """The rows of `apply` as they were traded, in the instruments' own scales."""
    own = pl.DataFrame(
        [(instrument, scale.price, scale.qty) for instrument, scale in scales.items()],
        schema={"instrument": frame.schema["instrument"], "_own_price": pl.Int64, "_own_qty": pl.Int64}, orient="row",
    )
    joined = frame.join(own, on="instrument", how="left", maintain_order="left")
    ten = pl.lit(10, dtype=pl.Int128)
    num, den = pl.col("numerator").cast(pl.Int128), pl.col("denominator").cast(pl.Int128)
    price = ten.pow(pl.col("price_scale").cast(pl.Int64) - pl.col("_own_price")).cast(pl.Int128) * den
    qty = ten.pow(pl.col("qty_scale").cast(pl.Int64) - pl.col("_own_qty")).cast(pl.Int128) * num
    return joined.with_columns(
        *((pl.col(name) * num // price).cast(pl.Int64) for name in PRICES if name in frame.columns),
        *((pl.col(name) * den // qty).cast(pl.Int64) for name in QUANTITIES if name in frame.columns),
    ).select(name for name in frame.columns if name not in MARKS)


def _epochs(
    adjustments: Sequence[Adjustment], scales: Mapping[int, Scales], instruments: Sequence[int]
) -> pl.DataFrame:
    """By instrument, for the rows before `_until` and not before the last one: the whole numbers to multiply with."""
    rows = []
    for instrument in instruments:
        wide = scales_of(adjustments, instrument, scales[instrument])
        price_unit, qty_unit = 10 ** (wide.price - scales[instrument].price), 10 ** (wide.qty - scales[instrument].qty)
        for until in _edges(adjustments, instrument):
            # The ratio of the rows just before this edge.
            ratio = ratio_at(adjustments, instrument, until - 1)
            rows.append(
                (instrument, until, ratio.numerator, ratio.denominator, wide.price, wide.qty,
                 int(price_unit / ratio), int(qty_unit * ratio))
            )
    schema = {
        "instrument": pl.UInt32, "_until": pl.Int64, **MARKS, "_price": pl.Int128, "_qty": pl.Int128,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _edges(adjustments: Sequence[Adjustment], instrument: int) -> list[int]:
    return [*(item.ts_event for item in adjustments if item.instrument == instrument), INT64_MAX]


def _times(frame: pl.DataFrame, name: str, factor: str) -> pl.Expr:
    made = pl.col(name).cast(pl.Int128) * pl.col(factor)
    if frame.select((made.abs() > INT64_MAX).any()).item():
        raise TickhouseError(MarketCode.MARKET_NUMBER_RANGE, column=name, problem="after a redenomination")
    return made.cast(pl.Int64).alias(name)


def _digits(ratio: Fraction, instrument: int) -> int:
    """The fewest decimals that a whole number times `ratio` needs."""
    rest, digits = ratio.denominator, 0
    while rest > 1:
        for prime in (10, 5, 2):
            if rest % prime == 0:
                rest //= prime
                break
        else:
            raise TickhouseError(MarketCode.ADJUSTMENT_INEXACT, instrument=instrument, ratio=ratio)
        digits += 1
    return digits
